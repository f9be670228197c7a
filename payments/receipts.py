"""Receipts: numbered without gaps in the transaction that settles, with every printed value frozen."""

from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from foundation.identity import clinic_identity
from foundation.models import ClinicIdentity
from payments.models import Order, Payment, Receipt, Series


def issue_receipt(order: Order, payment: Payment, *, at: datetime) -> Receipt:
    """Give ``order`` its receipt. Only inside the transaction that settles: its number is lost with it, so none is missing."""
    day = timezone.localtime(at, timezone.get_default_timezone()).date()
    number = _next_number("R" if settings.STRIPE_LIVE else "RT", day.year)
    return Receipt.objects.create(
        order=order,
        number=number,
        issued_at=at,
        total_cents=order.total_cents,
        currency=order.currency,
        printed=_printed(order, payment, number=number, day=day.isoformat()),
    )


def _next_number(kind: str, year: int) -> str:
    """The next number of a series, such as R-2026-000123. Test money (RT) has a series of its own."""
    key = f"{kind}-{year}"
    Series.objects.get_or_create(key=key)
    # The row stays locked until the transaction ends, so a number that is rolled back is given to the next.
    Series.objects.filter(key=key).update(last=F("last") + 1)
    return f"{key}-{Series.objects.get(key=key).last:06}"


def _printed(order: Order, payment: Payment, *, number: str, day: str) -> dict:
    # Not the kept identity of the pages: a receipt must print what is true in this transaction.
    clinic = ClinicIdentity.objects.first() or clinic_identity()
    reductions = [
        (_("Bundle price") if "bundle" in order.applied else _("Sale price"), order.sale_cents),
        (_("Code %(code)s") % {"code": order.code}, order.coupon_cents),
        (_("Small rest waived"), order.waived_cents),
    ]
    return {
        "number": number,
        "kind": Receipt.Kind.RECEIPT,
        "issued_on": day,
        "order_number": order.number,
        "clinic": {
            "name": clinic.name,
            "legal_name": clinic.legal_name,
            "address": clinic.address.splitlines(),
            "email": clinic.email,
            "phone": clinic.phone,
            "tax_number": clinic.tax_number,
            "provider_line": clinic.provider_line,
        },
        "buyer": {
            "name": order.buyer_name,
            "email": order.email,
            "company": order.company,
            "tax_id": order.tax_id,
            "country": order.country,
        },
        "currency": order.currency,
        "lines": [
            {
                "title": line.title,
                "list_cents": line.list_cents,
                "discount_cents": line.discount_cents,
                "tax_cents": line.tax_cents,
                "total_cents": line.total_cents,
            }
            for line in order.lines.all()
        ],
        "subtotal_cents": order.subtotal_cents,
        "reductions": [{"label": label, "cents": cents} for label, cents in reductions if cents],
        "tax": [],
        "total_cents": order.total_cents,
        "paid": {
            "method": payment.method or (_("Nothing to pay") if not order.total_cents else _("Card")),
            "at": payment.paid_at.isoformat(),
            "reference": payment.intent_id or "",
        },
        "notes": [_("Test mode: no money was moved.")] if not settings.STRIPE_LIVE else [],
    }
