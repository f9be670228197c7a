"""Money in: the one place that turns a payment into access. Webhook, return page, reconciler and staff all come here.

Stripe is asked first, outside any transaction; what it says is then applied in one transaction that holds everything:
payment, ledger, claim, account, enrolment, receipt and mail. Applying the same answer again changes nothing.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User, address_key
from accounts.signing_up import account_for, correct_address
from coupons import claims
from coupons.buyer import buyer_key
from enrolments.enrolling import AlreadyEnrolled, enrol
from enrolments.models import Enrolment
from mail import outbox
from payments import stripe_gateway
from payments.closing import close_unpaid
from payments.models import CheckoutAttempt, LedgerEntry, Order, OrderEvent, Payment, Receipt
from payments.receipts import issue_receipt
from payments.stripe_gateway import Session

logger = logging.getLogger(__name__)

# A bank may take this long to answer a delayed payment; until then the code stays held.
BANK_ANSWERS_WITHIN = timedelta(days=14)


class UnknownOrder(Exception):
    """Stripe speaks of an order that we do not have (yet)."""


def settle(session_id: str, *, at: datetime) -> Order:
    """Ask Stripe how a session stands and bring its order to the same state. Safe to call any number of times, in parallel.

    :raises UnknownOrder: the session belongs to no order of ours.
    :raises StripeIsAway, StripeRefused: nothing was learned, nothing changed.
    """
    return apply(stripe_gateway.get_session(session_id), at=at)


def settle_order(order: Order, *, at: datetime) -> Order:
    """Bring one order up to date with Stripe through all its payment pages; a total of zero is settled at once.

    :raises StripeIsAway: nothing was learned.
    """
    if order.is_pending and order.total_cents == 0:
        return settle_free(order, at=at)
    for attempt in order.attempts.exclude(session_id=None):
        settle(attempt.session_id or "", at=at)
    order.refresh_from_db()
    return order


@transaction.atomic
def settle_free(order: Order, *, at: datetime) -> Order:
    """Nothing is to be paid: the same as a payment, without Stripe.

    :raises ValueError: there is something to pay.
    """
    order = _locked(order.number)
    if order.total_cents != 0:
        raise ValueError(f"Order {order.number} is not free.")
    if not order.is_settled:
        payment = Payment.objects.create(
            order=order, provider=Payment.Provider.NONE, amount_cents=0, currency=order.currency, paid_at=at,
            is_live=settings.STRIPE_LIVE,
        )  # fmt: skip
        _complete(order, payment, at=at)
    return order


def give_up(order: Order, *, because: str, at: datetime) -> Order:
    """Cancel a pending order once Stripe has closed its payment page; one that turns out to be paid is settled instead.

    :raises StripeIsAway: it may still be paid, so it stays as it is.
    """
    return _close(order, state=Order.State.CANCELLED, because=because, at=at)


def expire(order: Order, *, at: datetime) -> Order:
    """As ``give_up`` for an order whose time to pay is over."""
    return _close(order, state=Order.State.EXPIRED, because=_("The time to pay was over"), at=at)


def _close(order: Order, *, state: str, because: str, at: datetime) -> Order:
    for attempt in order.attempts.exclude(session_id=None):
        apply(stripe_gateway.close_session(attempt.session_id or ""), at=at, closing=(state, because))
    order.refresh_from_db()
    if order.is_pending and not order.is_awaiting_bank:
        close_unpaid(order, state=state, because=because, at=at)
        order.refresh_from_db()
    return order


@transaction.atomic
def apply(session: Session, *, at: datetime, closing: tuple[str, str] | None = None) -> Order:
    """Bring the order of ``session`` to the state that Stripe's answer says. ``closing``: state and words if it is expired.

    :raises UnknownOrder: the session belongs to no order of ours.
    """
    order = _locked(session.client_reference or session.order_number)
    _remember(order, session)

    if session.is_paid:
        _take_money(order, session, at=at)
    elif not order.is_pending:
        pass
    elif session.status == "expired":
        state, because = closing or (Order.State.EXPIRED, _("The time to pay was over"))
        if not _has_other_open_page(order, session):
            close_unpaid(order, state=state, because=because, at=at)
    elif session.bank_said_no:
        _bank_said_no(order, at=at)
    elif session.status == "complete":
        _await_bank(order, at=at)
    order.refresh_from_db()
    return order


def _locked(number: str) -> Order:
    """The order, with its row locked until the transaction ends, on every database (a plain UPDATE locks everywhere)."""
    if not Order.objects.filter(number=number).update(state=F("state")):
        raise UnknownOrder(number)
    return Order.objects.select_related("claim__coupon", "buyer").get(number=number)


def _remember(order: Order, session: Session) -> None:
    """Keep the session's state with its attempt; an answer lost in a crash is found here again."""
    states = {
        "open": CheckoutAttempt.State.OPEN,
        "complete": CheckoutAttempt.State.COMPLETE,
        "expired": CheckoutAttempt.State.EXPIRED,
    }
    known = order.attempts.filter(session_id=session.id)
    if not known.exists():
        lost = order.attempts.filter(session_id=None).order_by("number").first()
        if lost is not None:
            order.attempts.filter(pk=lost.pk).update(session_id=session.id, url=session.url)
    known.update(state=states[session.status])


def _has_other_open_page(order: Order, session: Session) -> bool:
    others = order.attempts.exclude(session_id=session.id)
    return others.filter(state__in=[CheckoutAttempt.State.OPEN, CheckoutAttempt.State.PREPARED]).exists()


def _take_money(order: Order, session: Session, *, at: datetime) -> None:
    if not session.intent_id:
        _flag(order, _("Stripe says paid, but names no payment"), at=at)
        return
    if order.payments.filter(intent_id=session.intent_id).exists():
        return
    is_right = _is_what_was_ordered(order, session)
    payment = Payment.objects.create(
        order=order,
        provider=Payment.Provider.STRIPE,
        intent_id=session.intent_id,
        charge_id=session.charge_id,
        amount_cents=session.amount_cents,
        currency=session.currency,
        method=session.method,
        paid_at=at,
        is_live=session.is_live,
    )
    LedgerEntry.objects.create(
        order=order, kind=LedgerEntry.Kind.CHARGE, amount_cents=session.amount_cents, currency=session.currency,
        provider_ref=session.charge_id or session.intent_id, at=at,
    )  # fmt: skip
    if not is_right:
        _flag(order, _("A payment came that is not what was ordered: amount, currency or reference differ"), at=at)
    elif order.is_settled:
        _flag(order, _("Paid twice: give one payment back"), at=at)
    else:
        _complete(order, payment, at=at)


def _is_what_was_ordered(order: Order, session: Session) -> bool:
    return (
        session.amount_cents == order.total_cents
        and session.currency == order.currency
        and session.client_reference == order.number
        and session.order_number == order.number
        and session.discount_cents == 0
        and session.is_live == settings.STRIPE_LIVE
    )


def _complete(order: Order, payment: Payment, *, at: datetime) -> None:
    """Everything that a payment brings about, in the caller's transaction."""
    was_closed = not order.is_pending
    account, made = (order.buyer, False) if order.buyer else account_for(order.email, order_number=order.number, at=at)
    key = buyer_key(user=account)

    _settle_claim(order, key, at=at)
    order.state, order.paid_at, order.closed_at, order.is_awaiting_bank = Order.State.PAID, at, None, False
    order.buyer, order.buyer_key, order.made_account = account, key, made
    order.save(
        update_fields=["state", "paid_at", "closed_at", "is_awaiting_bank", "buyer", "buyer_key", "made_account"]
    )
    _note(order, "paid", _("Paid") if order.total_cents else _("Nothing to pay"), at=at)
    if was_closed:
        _flag(order, _("Paid after the order had been closed; the buyer is enrolled"), at=at)
    _enrol_lines(order, account, at=at)
    receipt = issue_receipt(order, payment, at=at)
    _mail_receipt(order, receipt, account, at=at)


def _settle_claim(order: Order, key: str, *, at: datetime) -> None:
    claim = order.claim
    if claim is None:
        return
    held = claims.redeem(claim, at=at) or (claims.take_again(claim, at=at) and claims.redeem(claim, at=at))
    if not held:
        _flag(order, _("The discount was honoured late: its code could not be held again"), at=at)
        return
    if not claims.give_to(claim, buyer_key=key):
        _flag(order, _("This person used the code more often than one person may"), at=at)


def _enrol_lines(order: Order, account: User, *, at: datetime) -> None:
    for line in order.lines.select_related("course__edition"):
        try:
            line.enrolment = enrol(learner=account, course=line.course, origin=Enrolment.Origin.BOUGHT, at=at)
        except AlreadyEnrolled:
            _flag(order, _("Paid for “%(title)s” while having a seat in it") % {"title": line.title[:80]}, at=at)
            continue
        line.save(update_fields=["enrolment"])
        _note(order, "enrolled", _("Enrolled in “%(title)s”") % {"title": line.title}, at=at)


@transaction.atomic
def move_to_address(order: Order, address: str, *, at: datetime) -> None:
    """The buyer mistyped the address: move the account that this order made to the right one, and mail the receipt again.

    The receipt itself stays as it was printed.

    :raises AddressTaken: another account has that address.
    """
    order = _locked(order.number)
    if order.buyer is None or order.buyer.made_by_order != order.number:
        raise ValueError(f"The account of order {order.number} has been signed in to; its owner changes its address.")
    correct_address(order.buyer, address)
    order.email = order.buyer.email
    order.save(update_fields=["email"])
    _note(order, "address", _("E-mail address corrected"), at=at)
    _mail_receipt(order, order.receipts.get(kind=Receipt.Kind.RECEIPT), order.buyer, at=at)


def mail_receipt_again(order: Order, *, at: datetime) -> None:
    """Staff send the receipt once more."""
    if order.buyer is None:
        raise ValueError(f"Order {order.number} has no receipt yet.")
    again = order.events.filter(kind="receipt_mailed").count() + 1
    _note(order, "receipt_mailed", _("Receipt mailed again"), at=at)
    receipt = order.receipts.get(kind=Receipt.Kind.RECEIPT)
    _mail_receipt(order, receipt, order.buyer, at=at, suffix=f":again-{again}")


def _mail_receipt(order: Order, receipt: Receipt, account: User, *, at: datetime, suffix: str = "") -> None:
    # The address is part of the key: one that was corrected gets a mail of its own.
    outbox.write(
        key=f"receipt:{order.number}:{address_key(order.email)[:12]}{suffix}",
        kind="receipt",
        to=order.email,
        template="receipt",
        context={
            "order": order,
            "receipt": receipt,
            "lines": list(order.lines.all()),
            "order_url": settings.SITE_URL + order.get_absolute_url(),
            "learn_url": settings.SITE_URL + reverse("enrolments:learn"),
            "made_account": order.made_account,
            "greeting_name": account.greeting_name,
        },
        at=at,
    )


def _await_bank(order: Order, *, at: datetime) -> None:
    if order.is_awaiting_bank:
        return
    Order.objects.filter(pk=order.pk).update(is_awaiting_bank=True, expires_at=at + BANK_ANSWERS_WITHIN)
    _note(order, "awaiting_bank", _("Waiting for your bank"), at=at)


def _bank_said_no(order: Order, *, at: datetime) -> None:
    if close_unpaid(order, state=Order.State.CANCELLED, because=_("The bank did not make the payment"), at=at):
        outbox.write(
            key=f"payment_failed:{order.number}",
            kind="payment_failed",
            to=order.email,
            template="payment_failed",
            context={"order": order, "order_url": settings.SITE_URL + order.get_absolute_url()},
            at=at,
        )


def _flag(order: Order, reason: str, *, at: datetime) -> None:
    """Ask staff to look. The buyer does not see it."""
    if reason in order.review_reason:
        return
    order.review_reason = "; ".join(part for part in (order.review_reason, reason) if part)
    Order.objects.filter(pk=order.pk).update(review_reason=order.review_reason)
    OrderEvent.objects.create(order=order, at=at, kind="review", text=reason, for_staff=True)
    logger.warning("Order %s needs a look: %s", order.number, reason)


def _note(order: Order, kind: str, text: str, *, at: datetime) -> None:
    OrderEvent.objects.create(order=order, at=at, kind=kind, text=text)
