"""Placing an order: what is bought, for whom and at which price is frozen here, and a code is held."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from coupons.buyer import Buyer
from coupons.claims import CouponUsedByYou, CouponUsedUp, hold
from coupons.pricing import Quote, quote
from coupons.refusals import Reason, Refusal, refusal
from courses.models import Course, Offer
from enrolments.enrolling import AlreadyEnrolled
from foundation.identity import clinic_identity
from payments import stripe_gateway
from payments.buyers import account_of, buyer_of
from payments.models import CheckoutAttempt, Order, OrderEvent, OrderLine, new_order_number
from payments.settlement import give_up

# Stripe keeps a payment page open for at least 30 minutes; a minute more leaves room for clocks that differ.
SESSION_OPEN = timedelta(minutes=31)
HOLDING = timedelta(minutes=35)


class PriceChanged(Exception):
    """The price is not the one that was seen; ``quote`` says what it is now."""

    def __init__(self, now: Quote) -> None:
        super().__init__(
            _("The price has changed since you opened this page. Please look at the new total and confirm it.")
        )
        self.quote = now


class StillWithTheBank(Exception):
    """An earlier order for the same waits for a bank's answer; it can neither be given up nor paid again."""

    def __init__(self) -> None:
        super().__init__(
            _("Your bank is still working on an earlier payment for this. We write to you as soon as it has answered.")
        )


class CodeRefused(Exception):
    """The code cannot be used; ``refusal`` says why."""

    def __init__(self, refused: Refusal) -> None:
        super().__init__(refused.message)
        self.refusal = refused


@dataclass(frozen=True)
class Details:
    """What a buyer tells about themselves; only the address is needed."""

    email: str
    name: str = ""
    company: str = ""
    tax_id: str = ""
    country: str = ""
    province: str = ""


def place(
    *,
    offer: Offer,
    code: str,
    user: User | None,
    details: Details,
    seen_total_cents: int,
    terms_version: str,
    at: datetime,
    number: str = "",
    continuing: Container[str] | None = None,
) -> Order:
    """The order for ``offer``, pending, with its code held. The same purchase placed again gives the same order.

    ``seen_total_cents`` is the total that the buyer agreed to; no other is ever charged. ``continuing`` are the numbers
    of the orders that may be given again, where anybody can name an address that is not theirs; None: any. A new order
    gets ``number`` unless one has it.

    :raises AlreadyEnrolled: the buyer has a seat in everything that is offered.
    :raises CodeRefused: the code cannot be used, or its last use was taken in this moment.
    :raises PriceChanged: the total is not the one that was seen.
    :raises StillWithTheBank: an earlier order cannot be replaced while its bank has not answered.
    :raises StripeIsAway: an earlier order stands in the way and it is unclear whether it can still be paid.
    """
    while True:
        try:
            return _place_once(
                offer=offer, code=code, user=user, details=details, seen_total_cents=seen_total_cents,
                terms_version=terms_version, at=at, number=number, continuing=continuing,
            )  # fmt: skip
        except _Superseded as found:
            earlier = give_up(found.order, because=_("Replaced by a newer order"), at=at)
            if earlier.is_settled:
                raise AlreadyEnrolled(_("You have just paid for this. You find it under My courses.")) from None
            if earlier.is_pending:
                raise StillWithTheBank from None
        except _PlacedMeanwhile:
            continue  # the same buyer clicked twice; look at the order that won


class _Superseded(Exception):
    """The buyer has a pending order for the offer that is not this purchase any more."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.number)
        self.order = order


class _PlacedMeanwhile(Exception):
    """A parallel request placed an order for the same buyer and offer."""


@transaction.atomic
def _place_once(
    *,
    offer: Offer,
    code: str,
    user: User | None,
    details: Details,
    seen_total_cents: int,
    terms_version: str,
    at: datetime,
    number: str,
    continuing: Container[str] | None,
) -> Order:
    account = user or account_of(details.email)
    buyer = buyer_of(user=account, address=details.email, offer=offer, at=at)
    _refuse_owners(offer, buyer)
    quoted = quote(offer=offer, code=code, buyer=buyer, at=at)
    if quoted.refusal is not None and quoted.refusal.reason != Reason.NOT_NEEDED:
        _look_again_at_own_hold(offer, buyer)
        raise CodeRefused(quoted.refusal)
    if quoted.total_cents != seen_total_cents:
        raise PriceChanged(quoted)

    pending = Order.objects.pending().select_related("claim").filter(buyer_key=buyer.key, offer=offer).first()
    if pending is not None:
        may_continue = continuing is None or pending.number in continuing
        if not may_continue or not _is_same_purchase(pending, quoted, details, at=at):
            raise _Superseded(pending)
        return pending

    order = _insert(
        offer=offer, quoted=quoted, buyer=buyer, account=account, details=details, terms=terms_version,
        number=number, at=at,
    )  # fmt: skip
    if quoted.coupon is not None:
        _hold_code(order, quoted, at=at)
    return order


def _look_again_at_own_hold(offer: Offer, buyer: Buyer) -> None:
    """The first of two clicks may have taken the use of the code between our look at the buyer and at the code.

    :raises _PlacedMeanwhile: it did; the next look knows it for the buyer's own.
    """
    held = Order.objects.pending().filter(buyer_key=buyer.key, offer_id=offer.pk, claim__isnull=False)
    if set(held.values_list("claim", flat=True)) - buyer.holding:
        raise _PlacedMeanwhile


def _refuse_owners(offer: Offer, buyer: Buyer) -> None:
    if not buyer.owned_courses:
        return
    courses = [offer.pk] if isinstance(offer, Course) else list(offer.bundled.values_list("course_id", flat=True))
    if set(courses) <= buyer.owned_courses:
        raise AlreadyEnrolled(
            _("You already have a seat in “%(title)s”. You find it under My courses.") % {"title": offer.title}
        )


def _is_same_purchase(order: Order, quoted: Quote, details: Details, *, at: datetime) -> bool:
    return (
        order.total_cents == quoted.total_cents
        and order.code == quoted.code
        and order.expires_at > at
        and [line.course_id for line in order.lines.all()] == [line.course.pk for line in quoted.lines]
        and (order.buyer_name, order.company, order.tax_id) == (details.name, details.company, details.tax_id)
    )


def _insert(
    *, offer: Offer, quoted: Quote, buyer: Buyer, account: User | None, details: Details, terms: str, number: str,
    at: datetime,
) -> Order:  # fmt: skip
    is_taken = bool(number) and Order.objects.filter(number=number).exists()
    is_sensitive = any(line.course.is_sensitive for line in quoted.lines)
    try:
        with transaction.atomic():
            order = Order.objects.create(
                number=new_order_number() if is_taken or not number else number,
                offer_id=offer.pk,
                buyer_key=buyer.key,
                buyer=account,
                email=buyer.email,
                buyer_name=details.name,
                company=details.company,
                tax_id=details.tax_id,
                country=details.country,
                province=details.province,
                offer_title=offer.title,
                is_sensitive=is_sensitive,
                code=quoted.code,
                applied=quoted.applied,
                currency=quoted.currency,
                subtotal_cents=quoted.subtotal_cents,
                sale_cents=quoted.sale_cents,
                coupon_cents=quoted.coupon_cents,
                waived_cents=quoted.waived_cents,
                total_cents=quoted.total_cents,
                terms_version=terms,
                placed_at=at,
                expires_at=at + HOLDING,
            )
    except IntegrityError:
        is_number_gone = bool(number) and not is_taken and Order.objects.filter(number=number).exists()
        if is_number_gone or Order.objects.pending().filter(buyer_key=buyer.key, offer_id=offer.pk).exists():
            raise _PlacedMeanwhile from None
        raise
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            course=line.course,
            position=position,
            title=line.course.title,
            list_cents=line.list_cents,
            discount_cents=line.discount_cents,
            total_cents=line.total_cents,
        )
        for position, line in enumerate(quoted.lines)
    )
    OrderEvent.objects.create(order=order, at=at, kind="placed", text=_("Order placed"))
    return order


def _hold_code(order: Order, quoted: Quote, *, at: datetime) -> None:
    assert quoted.coupon is not None
    try:
        claim = hold(coupon=quoted.coupon, buyer_key=order.buyer_key, discount_cents=quoted.coupon_cents, at=at)
    except CouponUsedUp:
        raise CodeRefused(refusal(Reason.EXHAUSTED if quoted.coupon.listed else Reason.UNKNOWN)) from None
    except CouponUsedByYou:
        raise CodeRefused(refusal(Reason.USED_BY_YOU)) from None
    Order.objects.filter(pk=order.pk).update(claim=claim)
    order.claim = claim


def payment_page(order: Order, *, at: datetime) -> str:
    """The address of the Stripe page on which ``order`` is paid; opened once, found again on a retry.

    :raises StripeIsAway: unclear; asking again continues where it stopped.
    :raises StripeRefused: Stripe does not accept the order; staff must look.
    """
    attempt = order.attempts.order_by("number").last()
    if attempt is not None and attempt.state == CheckoutAttempt.State.OPEN and attempt.expires_at > at:
        return attempt.url
    if (
        attempt is None
        or attempt.state != CheckoutAttempt.State.PREPARED
        or attempt.expires_at - at < timedelta(minutes=30)
    ):
        attempt = _prepare(order, number=attempt.number + 1 if attempt else 1, at=at)
    try:
        session = stripe_gateway.create_session(attempt.params, idempotency_key=attempt.idempotency_key)
    except stripe_gateway.StripeRefused:
        CheckoutAttempt.objects.filter(pk=attempt.pk).update(state=CheckoutAttempt.State.FAILED)
        raise
    CheckoutAttempt.objects.filter(pk=attempt.pk, state=CheckoutAttempt.State.PREPARED).update(
        state=CheckoutAttempt.State.OPEN, session_id=session.id, url=session.url
    )
    return session.url


def _prepare(order: Order, *, number: int, at: datetime) -> CheckoutAttempt:
    """Write down what will be sent before it is sent, so that a retry after a crash sends the same bytes."""
    expires_at = at + SESSION_OPEN
    attempt, made = CheckoutAttempt.objects.get_or_create(
        order=order,
        number=number,
        defaults={
            "params": _session_params(order, expires_at=expires_at),
            "idempotency_key": f"co:{order.number}:{number}",
            "expires_at": expires_at,
            "created_at": at,
        },
    )
    if made:
        Order.objects.pending().filter(pk=order.pk, expires_at__lt=at + HOLDING).update(expires_at=at + HOLDING)
    return attempt


def _session_params(order: Order, *, expires_at: datetime) -> dict[str, Any]:
    # A course on somebody's health is nobody's business but theirs: Stripe hears "Online course".
    title = _("Online course") if order.is_sensitive else order.offer_title
    address = settings.SITE_URL + reverse("payments:return", args=[order.number])
    metadata = {"order": order.number}
    return {
        "mode": "payment",
        "allowed_payment_method_types": ["card"],
        "adaptive_pricing": {"enabled": False},
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency,
                    "unit_amount": order.total_cents,
                    "product_data": {"name": f"{clinic_identity().name}: {title}"[:250]},
                },
            }
        ],
        "customer_email": order.email,
        "client_reference_id": order.number,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, "description": f"Order {order.number}"},
        "success_url": address + "?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": settings.SITE_URL + order.get_absolute_url(),
        "expires_at": int(expires_at.timestamp()),
    }
