"""Any history of buying, whatever order its messages come in, ends with books that add up.

Hypothesis plays buyers, banks, a lossy network and our own jobs against the sandbox. A small model knows who has paid.
"""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from coupons.models import Claim
from enrolments.enrolling import AlreadyEnrolled
from enrolments.models import Enrolment
from mail.models import Message
from payments import reconciliation, settlement, webhooks
from payments.checkout import CodeRefused, StillWithTheBank
from payments.models import Order, Payment, Receipt
from payments.sandbox import Sandbox
from payments.sandbox.wire import Refused
from payments.stripe_gateway import Event
from tests.factories import CouponFactory, CourseFactory
from tests.payments.selling import open_page, order_for, pay

pytestmark = pytest.mark.django_db

# Every example has a course and a code of its own: rows of earlier examples stay and do not matter.
BUYERS = ["anna@example.org", "bea@example.org", "cem@example.org"]
USES = 2


class Shop(RuleBasedStateMachine):
    """One course at 140.00 and a half-price code with two uses."""

    sandbox: Sandbox
    sessions = Bundle("sessions")
    messages = Bundle("messages")

    @initialize()
    def open_shop(self):
        self.sandbox.control("reset")
        self.now = timezone.now()
        self.course = CourseFactory(price_cents=140_00)
        self.coupon = CouponFactory(code=f"half{self.course.pk:04}", max_total=USES)
        self.paid: dict[str, str] = {}  # session → buyer, as Stripe knows it
        self.events = 0

    @rule(target=sessions, buyer=st.sampled_from(BUYERS), with_code=st.booleans())
    def place(self, buyer, with_code):
        try:
            order = order_for(self.course, email=buyer, code=self.coupon.code if with_code else "", at=self.now)
        except (AlreadyEnrolled, CodeRefused, StillWithTheBank):
            return ("", buyer)
        return (open_page(order, at=self.now), buyer)

    @rule(session=sessions, way=st.sampled_from(["pay", "pay", "decline", "delay", "succeed", "fail", "expire"]))
    def act_at_stripe(self, session, way):
        try:
            pay(self.sandbox, session[0], way)
        except Refused:
            return  # the page was no longer open, or no bank was waiting
        if way in {"pay", "succeed"}:
            self.paid[session[0]] = session[1]

    @rule(target=messages, session=sessions)
    def stripe_speaks(self, session):
        self.events += 1
        return Event(
            f"evt_{self.course.pk}_{self.events}", "checkout.session.completed", session[0], "", self.now, False
        )

    @rule(message=messages)
    def message_arrives_and_may_come_again(self, message):
        webhooks.act_on(webhooks.take_in(message, at=self.now).pk, at=self.now)

    @rule(message=consumes(messages))
    def message_is_lost(self, message):
        pass

    @rule(session=sessions)
    def buyer_comes_back(self, session):
        if session[0]:
            settlement.settle(session[0], at=self.now)

    @rule(minutes=st.sampled_from([1, 6, 46]))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)
        self.sandbox.control("clock/advance", seconds=minutes * 60)

    @rule()
    def jobs_run(self):
        reconciliation.expire_orders(at=self.now)
        reconciliation.reconcile_open(at=self.now)

    @invariant()
    def books_add_up(self):
        if not hasattr(self, "coupon"):
            return
        assert list(reconciliation.broken_promises()) == []
        self.coupon.refresh_from_db()
        assert self.coupon.used == Claim.objects.active().filter(coupon=self.coupon).count() <= USES
        assert Payment.objects.filter(order__offer=self.course).count() <= len(self.paid)

    def teardown(self):
        """However it went: once Stripe is compared, whoever paid has one seat, and nobody else has any."""
        if not hasattr(self, "coupon"):
            return
        reconciliation.reconcile_day(at=self.now)
        buyers = set(self.paid.values())
        seats = Enrolment.objects.filter(course=self.course)
        orders = Order.objects.filter(offer=self.course)
        assert {seat.learner.email for seat in seats} == buyers
        assert seats.count() == len(buyers)
        assert Payment.objects.filter(order__in=orders).count() == len(self.paid)
        settled = orders.filter(paid_at__isnull=False)
        assert Receipt.objects.filter(order__in=settled).count() == settled.count()
        for order in settled:
            assert Message.objects.filter(kind="receipt", key__contains=order.number).count() == 1
            assert order.payments.first().amount_cents == order.total_cents
        self.books_add_up()


def test_any_history_of_purchases_ends_with_everybody_who_paid_in_their_seat(sandbox):
    class ThisShop(Shop):
        pass

    ThisShop.sandbox = sandbox

    run_state_machine_as_test(
        ThisShop,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
