"""What this app keeps about a person, to hand out and to forget.

Orders belong to an account, or, as long as nobody was signed in, to its address. What was paid is kept as tax law wants
(seven years: receipts, payments, ledger and the order they prove); what was never paid proves nothing and is blanked.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import User
from payments.models import CheckoutAttempt, Order, OrderEvent, OrderLine, Payment, Receipt


def export(user: User) -> dict[str, list[dict]]:
    """Everything kept here about ``user``, by the name of the table; staff's notes on an order are not among it."""
    orders = _orders_of(user)
    lines = OrderLine.objects.filter(order__in=orders)
    return {
        "orders": [
            dict(row)
            for row in orders.order_by("placed_at").values(
                "number", "state", "email", "buyer_name", "company", "tax_id", "country", "province", "offer_title",
                "code", "currency", "subtotal_cents", "sale_cents", "coupon_cents", "waived_cents", "tax_cents",
                "total_cents", "terms_version", "placed_at", "paid_at", "closed_at",
            )
        ],
        "order_lines": [
            dict(row)
            for row in lines.order_by("order__placed_at", "position").values(
                "order__number", "title", "list_cents", "discount_cents", "tax_cents", "total_cents"
            )
        ],
        "payments": [
            dict(row)
            for row in Payment.objects.filter(order__in=orders)
            .order_by("paid_at")
            .values("order__number", "provider", "intent_id", "amount_cents", "currency", "method", "paid_at")
        ],
        "receipts": [
            {"number": receipt.number, "issued_at": receipt.issued_at, "printed": receipt.printed}
            for receipt in Receipt.objects.filter(order__in=orders).order_by("issued_at")
        ],
        "events": [
            dict(row)
            for row in OrderEvent.objects.filter(order__in=orders, for_staff=False)
            .order_by("at", "id")
            .values("order__number", "at", "text")
        ],
    }  # fmt: skip


def erase(user: User, *, at: datetime) -> None:
    """Blank address, name and company on what was never paid; paid orders and receipts stay as printed until their time.

    What was sent to Stripe for a closed order is dropped too. An order still open keeps it, since a retry must send the
    same bytes; it closes by itself and is then purged.
    """
    unpaid = _orders_of(user).filter(paid_at=None, payments=None)
    numbers = list(unpaid.values_list("pk", flat=True))
    CheckoutAttempt.objects.filter(order__in=numbers).exclude(order__state=Order.State.PENDING).update(
        params={}, url=""
    )
    Order.objects.filter(pk__in=numbers).update(
        email=f"deleted-{user.pk}@deleted.invalid", buyer_name="", company="", tax_id="", country="", province=""
    )


def _orders_of(user: User) -> QuerySet[Order]:
    return Order.objects.filter(Q(buyer=user) | Q(buyer=None, email__iexact=user.email))
