"""Real processes on PostgreSQL: nothing oversold, nobody charged what they did not see, everything done once."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from coupons.models import Claim, Coupon
from courses.models import Course
from enrolments.models import Enrolment
from mail.models import Message
from payments import settlement
from payments.checkout import CodeRefused, Details, PriceChanged, place
from payments.models import Order, Payment, Receipt, Series, WebhookEvent
from payments.reconciliation import broken_promises
from payments.sandbox import Sandbox
from payments.sandbox.webhooks import next_parcel
from tests.factories import CouponFactory, CourseFactory
from tests.payments.delivering import post
from tests.payments.selling import open_page, order_for, pay
from tests.racing import in_processes

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

BUYERS, USES = 50, 10


def _buy_for_nothing(course_pk: int, buyer: int) -> tuple[str, int]:
    """One buyer who saw 0.00 with the code; falls back to nothing when it is gone. What happened, and what was charged."""
    course = Course.objects.get(pk=course_pk)
    try:
        order = place(
            offer=course, code="race", user=None, details=Details(email=f"buyer{buyer}@example.org"),
            seen_total_cents=0, terms_version="t", at=timezone.now(),
        )  # fmt: skip
    except CodeRefused as error:
        return error.refusal.reason.value, -1
    except PriceChanged as error:
        return "price changed", error.quote.total_cents
    return "bought", settlement.settle_free(order, at=timezone.now()).total_cents


@pytest.mark.parametrize("workers", [2, 8])
def test_fifty_buyers_race_for_ten_uses_and_ten_get_them(workers):
    course = CourseFactory()
    coupon = CouponFactory(code="race", percent_bp=10_000, max_total=USES)

    outcomes = in_processes(_buy_for_nothing, [(course.pk, n) for n in range(BUYERS)], workers=workers)

    assert Counter(outcomes) == {("bought", 0): USES, ("exhausted", -1): BUYERS - USES}
    coupon.refresh_from_db()
    assert coupon.used == Claim.objects.filter(state="redeemed").count() == USES
    assert coupon.spent_cents == USES * 140_00
    assert Order.objects.count() == Enrolment.objects.count() == Receipt.objects.count() == USES
    assert list(broken_promises()) == []


def _order_at_half(course_pk: int, buyer: int) -> str:
    try:
        order_for(Course.objects.get(pk=course_pk), email=f"buyer{buyer}@example.org", code="race")
    except CodeRefused as error:
        return error.refusal.reason.value
    except PriceChanged:
        return "price changed"
    return "held"


def test_held_uses_count_before_anybody_has_paid(sandbox):
    course = CourseFactory()
    CouponFactory(code="race", max_total=1)

    outcomes = in_processes(_order_at_half, [(course.pk, n) for n in range(BUYERS)], workers=8)

    # Whoever asked after the use was gone saw the plain price and placed nothing at the lower one.
    assert outcomes.count("held") == 1 + Order.objects.filter(total_cents=140_00).count()
    assert Order.objects.filter(total_cents=70_00).count() == 1
    assert Coupon.objects.get().used == 1


def _message(sandbox: Sandbox, kind: str) -> bytes:
    """The body of the queued webhook of this type."""
    seen: set[str] = set()
    with sandbox.account.books() as books:
        while (parcel := next_parcel(books, after=seen, patient=False)) is not None:
            if json.loads(parcel.payload)["type"] == kind:
                return parcel.payload
            seen.add(parcel.event)
    raise LookupError(kind)


def test_one_message_twenty_times_in_parallel_makes_one_of_everything(sandbox):
    coupon = CouponFactory(code="once", max_total=3)
    order = order_for(CourseFactory(), code="once")
    session = open_page(order)
    pay(sandbox, session)
    payload = _message(sandbox, "checkout.session.completed")

    def deliver(_n: int) -> int:
        try:
            return post(Client(), payload).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(deliver, range(20)))

    coupon.refresh_from_db()
    assert statuses == [200] * 20
    assert WebhookEvent.objects.get().state == "done"
    assert (coupon.used, Claim.objects.get().state) == (1, "redeemed")
    assert [model.objects.count() for model in (Payment, Enrolment, Receipt, User)] == [1, 1, 1, 1]
    assert Message.objects.filter(kind="receipt").count() == 1


def _settle(session: str) -> str:
    return settlement.settle(session, at=timezone.now()).state


def test_webhook_return_page_reconciler_and_staff_at_the_same_moment_settle_once(sandbox):
    order = order_for(CourseFactory())
    session = open_page(order)
    pay(sandbox, session)

    assert in_processes(_settle, [(session,) for _ in range(24)], workers=6) == ["paid"] * 24
    assert [model.objects.count() for model in (Payment, Enrolment, Receipt)] == [1, 1, 1]


def _settle_or_fail(number: str, fails: bool) -> None:
    order = Order.objects.get(number=number)
    with transaction.atomic():
        settlement.settle_free(order, at=timezone.now())
        if fails:
            transaction.set_rollback(True)


def test_receipt_numbers_have_no_gaps_while_transactions_fail():
    course = CourseFactory(price_cents=0)
    orders = [order_for(course, email=f"buyer{n}@example.org").number for n in range(24)]

    in_processes(_settle_or_fail, [(number, n % 4 == 0) for n, number in enumerate(orders)], workers=6)

    numbers = sorted(int(number[-6:]) for number in Receipt.objects.values_list("number", flat=True))
    assert numbers == list(range(1, 19))
    assert Series.objects.get().last == 18


def _click(course_pk: int) -> int:
    """One click of a buyer who saw 70.00."""
    return place(
        offer=Course.objects.get(pk=course_pk), code="race", user=None, details=Details(email="anna@example.org"),
        seen_total_cents=70_00, terms_version="t", at=timezone.now(),
    ).total_cents  # fmt: skip


def test_a_double_click_in_two_processes_is_one_order_with_one_held_use():
    course = CourseFactory()
    coupon = CouponFactory(code="race", max_total=5)

    outcomes = in_processes(_click, [(course.pk,)] * 8, workers=8)

    coupon.refresh_from_db()
    assert outcomes == [70_00] * 8
    assert (Order.objects.count(), coupon.used) == (1, 1)
