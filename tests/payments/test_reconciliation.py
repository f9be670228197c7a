"""Lost messages, closed tabs and Stripe's silence: what the jobs mend, and what they leave alone."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from coupons.models import Claim, Coupon
from enrolments.models import Enrolment
from payments import reconciliation, webhooks
from payments.models import Order, ReconcileRun, Series, WebhookEvent
from tests.factories import CouponFactory, CourseFactory, EnrolmentFactory
from tests.payments.selling import open_page, order_for, pay

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def held(sandbox, now):
    """A pending order that holds the only use of a code, with its payment page open."""
    CouponFactory(code="lastone", max_total=1)
    order = order_for(CourseFactory(), code="lastone", at=now)
    open_page(order, at=now)
    return order


@pytest.mark.parametrize(("minutes", "state", "used"), [(34, "pending", 1), (44, "pending", 1), (45, "expired", 0)])
def test_an_abandoned_order_frees_its_code_after_time_and_grace(held, now, minutes, state, used):
    reconciliation.expire_orders(at=now + minutes * MINUTE)

    held.refresh_from_db()
    assert (held.state, Coupon.objects.get().used) == (state, used)


def test_nothing_is_released_while_stripe_does_not_answer(held, now, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    reconciliation.expire_orders(at=now + 60 * MINUTE)

    held.refresh_from_db()
    assert (held.state, Claim.objects.get().state) == ("pending", "held")


def test_an_overdue_order_that_turns_out_to_be_paid_is_settled_instead(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id)

    reconciliation.expire_orders(at=now + 60 * MINUTE)

    held.refresh_from_db()
    assert (held.state, held.review_reason, Claim.objects.get().state) == ("paid", "", "redeemed")


def test_an_order_that_waits_for_its_bank_keeps_its_code(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id, "delay")

    reconciliation.expire_orders(at=now + 60 * MINUTE)

    held.refresh_from_db()
    assert (held.state, held.is_awaiting_bank, Coupon.objects.get().used) == ("pending", True, 1)


def test_an_order_without_a_payment_page_expires_without_asking_stripe(sandbox, now, settings):
    order = order_for(CourseFactory(), at=now)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    assert reconciliation.expire_orders(at=now + 45 * MINUTE) == 1

    order.refresh_from_db()
    assert order.state == "expired"


def test_a_payment_whose_webhook_was_lost_is_found_within_minutes(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id)

    run = reconciliation.reconcile_open(at=now + 6 * MINUTE)

    held.refresh_from_db()
    assert (held.state, run.seen, run.mended) == ("paid", 1, 1)


def test_a_free_order_that_a_crash_left_behind_is_finished(sandbox, now):
    CouponFactory(code="gift", percent_bp=10_000)
    order = order_for(CourseFactory(), code="gift", at=now)

    reconciliation.reconcile_open(at=now + 6 * MINUTE)

    order.refresh_from_db()
    assert order.state == "paid"


def test_messages_that_never_came_are_read_at_stripe_once(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id)

    first = reconciliation.reconcile_events(at=now)
    second = reconciliation.reconcile_events(at=now + 60 * MINUTE)

    held.refresh_from_db()
    assert (held.state, first.seen, first.mended) == ("paid", 1, 1)
    assert (second.seen, second.mended) == (0, 0)


def test_the_daily_comparison_settles_what_is_paid_at_stripe_only(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id)

    run = reconciliation.reconcile_day(at=now)

    held.refresh_from_db()
    assert (held.state, run.mended, run.mismatches) == ("paid", 1, [])


def test_money_at_stripe_for_an_order_that_is_not_ours_is_listed(held, now, sandbox):
    session = held.attempts.get().session_id
    sandbox.control("sessions/alter", session=session, changes={"client_reference_id": "NOSUCHONE0"})
    pay(sandbox, session)

    run = reconciliation.reconcile_day(at=now)

    assert run.mismatches == [f"Stripe session {session} is paid, but there is no order 'NOSUCHONE0'"]


def test_an_enrolment_that_says_bought_without_a_paid_order_is_listed():
    seat = EnrolmentFactory(origin=Enrolment.Origin.BOUGHT)

    assert list(reconciliation.broken_promises()) == [
        f"Enrolment {seat.pk} ({seat}) says bought, but no paid order has it"
    ]


def test_counters_that_do_not_equal_their_rows_are_listed():
    CouponFactory(code="astray", used=3)
    Series.objects.create(key="RT-2020", last=2)

    assert list(reconciliation.broken_promises()) == [
        "Coupon astray counts 3 uses, but has 0 claims",
        "Series RT-2020 counts to 2, but has 0 papers",
    ]


def test_all_is_well_after_a_purchase(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id)
    reconciliation.reconcile_open(at=now + 6 * MINUTE)

    assert list(reconciliation.broken_promises()) == []
    assert reconciliation.paid_but_not_enrolled() == 0


def test_a_paid_order_without_a_seat_is_counted(held, now, sandbox):
    pay(sandbox, held.attempts.get().session_id)
    reconciliation.reconcile_open(at=now + 6 * MINUTE)
    held.lines.update(enrolment=None)

    assert reconciliation.paid_but_not_enrolled() == 1


def test_a_message_about_an_order_we_do_not_have_yet_is_tried_again_for_a_day(held, now, sandbox):
    session = held.attempts.get().session_id
    Order.objects.filter(pk=held.pk).update(number="HIDDEN0000")
    event = WebhookEvent.objects.create(
        event_id="evt_1",
        type="checkout.session.completed",
        object_id=session,
        created_at=now,
        received_at=now,
        next_at=now,
    )
    webhooks.sweep(at=now)
    event.refresh_from_db()
    assert (event.state, event.attempts) == ("failed", 1)

    Order.objects.filter(pk=held.pk).update(number=held.number)
    pay(sandbox, session)
    assert webhooks.sweep(at=now + 10 * timedelta(seconds=1)) == 0  # not due yet
    webhooks.sweep(at=now + MINUTE)

    event.refresh_from_db()
    held.refresh_from_db()
    assert (event.state, held.state) == ("done", "paid")


def test_a_message_that_failed_for_a_day_is_left_to_staff(now):
    WebhookEvent.objects.create(
        event_id="evt_1", type="checkout.session.completed", object_id="cs_1", state="failed",
        created_at=now, received_at=now - timedelta(hours=25), next_at=now,
    )  # fmt: skip

    assert webhooks.sweep(at=now) == 0


def test_unpaid_orders_are_deleted_after_their_time_and_paid_ones_never(held, now, sandbox):
    paid = order_for(CourseFactory(), email="bea@example.org", at=now)
    pay(sandbox, open_page(paid, at=now))
    reconciliation.reconcile_open(at=now + 6 * MINUTE)
    reconciliation.expire_orders(at=now + 60 * MINUTE)
    closed = now + 60 * MINUTE

    assert reconciliation.purge_unpaid(at=closed + timedelta(days=90), days=90) == 0
    assert reconciliation.purge_unpaid(at=closed + timedelta(days=90, seconds=1), days=90) == 1
    assert list(Order.objects.all()) == [paid]


@pytest.mark.parametrize("command", ["expire_orders", "reconcile", "sweep_webhooks", "purge_unpaid_orders"])
def test_every_job_is_a_command_that_says_what_it_did(sandbox, capsys, command):
    call_command(command)

    assert capsys.readouterr().out.strip()


def test_a_comparison_writes_down_what_it_saw(sandbox, now):
    reconciliation.reconcile_day(at=now)

    assert list(ReconcileRun.objects.values_list("kind", "seen", "mended", "mismatches")) == [("day", 0, 0, [])]
