"""Comparing ourselves with Stripe, so that a lost message, a crash or a mistake cannot cost a buyer their seat.

Each comparison mends what it can through ``settle`` and writes down what it cannot. All are safe to run at any time.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from coupons.models import Claim, Coupon
from enrolments.models import Enrolment
from payments import settlement, stripe_gateway, webhooks
from payments.models import LedgerEntry, Order, Receipt, ReconcileRun, Series
from payments.stripe_gateway import StripeIsAway, StripeRefused

logger = logging.getLogger(__name__)

GRACE = timedelta(minutes=10)
OPEN_FOR = timedelta(minutes=5)
EVENTS_KEPT = timedelta(days=29)


def expire_orders(*, at: datetime) -> int:
    """Close pending orders whose time and grace are over, asking Stripe before anything is released. Returns how many closed."""
    closed = 0
    for order in Order.objects.overdue(at=at - GRACE):
        try:
            closed += not settlement.expire(order, at=at).is_pending
        except (StripeIsAway, StripeRefused) as error:
            logger.warning("Order %s stays as it is, its payment page could not be closed: %s", order.number, error)
    return closed


def reconcile_open(*, at: datetime) -> ReconcileRun:
    """Ask Stripe about every pending order that has been open for five minutes."""
    run = ReconcileRun.objects.create(kind="open", started_at=at)
    waiting = Order.objects.pending().filter(placed_at__lte=at - OPEN_FOR)
    for order in waiting.filter(Q(total_cents=0) | Q(attempts__session_id__isnull=False)).distinct():
        run.seen += 1
        try:
            run.mended += settlement.settle_order(order, at=at).is_settled
        except (StripeIsAway, StripeRefused) as error:
            run.mismatches.append(f"Order {order.number}: Stripe did not answer ({error})")
    return _ended(run, at=at)


def reconcile_events(*, at: datetime) -> ReconcileRun:
    """Read Stripe's messages since the last one that was read, and act on those that never arrived."""
    last = ReconcileRun.objects.filter(kind="events", ended_at__isnull=False).exclude(cursor="").first()
    cursor = last.cursor if last else ""
    # One period back beyond the last run: messages of the same moment may have come after it.
    since = max(last.started_at - timedelta(hours=2), at - EVENTS_KEPT) if last else at - EVENTS_KEPT
    run = ReconcileRun.objects.create(kind="events", started_at=at, cursor=cursor)
    try:
        for event in stripe_gateway.events_since(cursor=cursor, moment=since, types=webhooks.SESSION_EVENTS):
            run.seen += 1
            run.cursor = event.id
            row = webhooks.take_in(event, at=at)
            if row.state == row.State.RECEIVED:
                webhooks.act_on(row.pk, at=at)
                run.mended += 1
    except (StripeIsAway, StripeRefused) as error:
        run.mismatches.append(f"Stripe did not answer: {error}")
    return _ended(run, at=at)


def reconcile_day(*, at: datetime, days: int = 3) -> ReconcileRun:
    """Hold the payment pages of the last days against our orders, and our books against themselves."""
    run = ReconcileRun.objects.create(kind="day", started_at=at)
    try:
        for session in stripe_gateway.sessions_since(at - timedelta(days=days)):
            run.seen += 1
            number = session.client_reference or session.order_number
            before = Order.objects.filter(number=number).values_list("paid_at", flat=True).first()
            try:
                order = settlement.apply(session, at=at)
            except settlement.UnknownOrder:
                if session.is_paid:
                    run.mismatches.append(f"Stripe session {session.id} is paid, but there is no order {number!r}")
                continue
            run.mended += before is None and order.is_settled
    except (StripeIsAway, StripeRefused) as error:
        run.mismatches.append(f"Stripe did not answer: {error}")
    run.mismatches += list(broken_promises())
    return _ended(run, at=at)


def paid_but_not_enrolled() -> int:
    """How many paid lines have no seat and were not handed to staff; always 0 unless something is wrong. One query."""
    return Order.objects.paid().filter(lines__enrolment=None, review_reason="").aggregate(n=Count("lines"))["n"]


def broken_promises() -> Iterator[str]:
    """Sentences about whatever in our own books does not add up; none when all is well."""
    counted = Coupon.objects.annotate(
        claimed=Count("claims", filter=Q(claims__state__in=["held", "redeemed"])),
        claimed_cents=Coalesce(Sum("claims__discount_cents", filter=Q(claims__state__in=["held", "redeemed"])), 0),
    )
    for coupon in counted.exclude(used=F("claimed"), spent_cents=F("claimed_cents")):
        yield f"Coupon {coupon.code} counts {coupon.used} uses, but has {coupon.claimed} claims"
    for order in Order.objects.filter(claim__state=Claim.State.HELD).exclude(state=Order.State.PENDING):
        yield f"Order {order.number} is {order.get_state_display()}, but still holds its code"
    for order in Order.objects.paid().filter(lines__enrolment=None, review_reason="").distinct():
        yield f"Order {order.number} is paid, but somebody has no seat for it"
    for enrolment in Enrolment.objects.filter(origin=Enrolment.Origin.BOUGHT).exclude(
        order_lines__order__paid_at__isnull=False
    ):
        yield f"Enrolment {enrolment.pk} ({enrolment}) says bought, but no paid order has it"
    for order in Order.objects.filter(paid_at__isnull=False, receipts=None):
        yield f"Order {order.number} is paid, but has no receipt"
    for series in Series.objects.all():
        issued = Receipt.objects.filter(number__startswith=f"{series.key}-").count()
        if issued != series.last:
            yield f"Series {series.key} counts to {series.last}, but has {issued} papers"
    for order in Order.objects.paid().annotate(
        paid=Coalesce(Sum("ledger__amount_cents", filter=Q(ledger__kind=LedgerEntry.Kind.CHARGE)), 0)
    ):
        if order.paid != order.total_cents and not order.review_reason:
            yield f"Order {order.number} costs {order.total_cents} cents, but {order.paid} came in"


def purge_unpaid(*, at: datetime, days: int) -> int:
    """Delete what was never paid and closed more than ``days`` ago; released claims go with it. Returns how many orders."""
    old = Order.objects.filter(
        paid_at=None,
        state__in=[Order.State.EXPIRED, Order.State.CANCELLED],
        closed_at__lt=at - timedelta(days=days),
        payments=None,
    )
    purged = 0
    for order in old.select_related("claim"):
        claim = order.claim
        order.delete()
        if claim is not None:
            claim.delete()
        purged += 1
    return purged


def _ended(run: ReconcileRun, *, at: datetime) -> ReconcileRun:
    run.ended_at = at
    run.save()
    return run
