"""Money in. Every case drives the real Stripe client against the sandbox; what Stripe says decides, never a hint."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from coupons.models import Claim
from enrolments.enrolling import AlreadyEnrolled
from enrolments.models import Enrolment
from mail.models import Message
from payments import settlement
from payments.checkout import Details, PriceChanged, place
from payments.models import LedgerEntry, Order, Payment, Receipt
from payments.stripe_gateway import StripeIsAway, sessions_since
from tests.factories import BundleFactory, CouponFactory, CourseFactory, EnrolmentFactory, UserFactory
from tests.payments.selling import open_page, order_for, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


def effects(order: Order) -> dict[str, object]:
    """What a purchase leaves behind, counted."""
    order.refresh_from_db()
    return {
        "state": order.state,
        "payments": order.payments.count(),
        "charged": sum(order.ledger.filter(kind="charge").values_list("amount_cents", flat=True)),
        "seats": Enrolment.objects.filter(order_lines__order=order, standing="active").count(),
        "receipts": order.receipts.count(),
        "mails": Message.objects.filter(kind="receipt", key__contains=order.number).count(),
        "claim": order.claim.state if order.claim else None,
    }


PAID = {
    "state": "paid", "payments": 1, "charged": 70_00, "seats": 1, "receipts": 1, "mails": 1, "claim": "redeemed",
}  # fmt: skip
UNPAID = {"payments": 0, "charged": 0, "seats": 0, "receipts": 0, "mails": 0}


def half_price_order(sandbox, **coupon):
    coupon = CouponFactory(code="changeways70", percent_bp=5000, **coupon)
    order = order_for(CourseFactory(price_cents=140_00), code="changeways70")
    return order, open_page(order), coupon


def test_a_payment_brings_seat_receipt_mail_and_redeemed_code_at_once(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    pay(sandbox, session)

    settlement.settle(session, at=now)

    assert effects(order) == PAID
    receipt = Receipt.objects.get()
    assert receipt.printed["total_cents"] == 70_00
    assert receipt.number == f"RT-{timezone.localtime(now).year}-000001"
    assert Message.objects.get(kind="receipt").to == "anna@example.org"


def test_settling_again_changes_nothing(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    pay(sandbox, session)

    for _repeat in range(3):
        settlement.settle(session, at=now)

    assert effects(order) == PAID


def test_an_open_page_pays_nothing(sandbox, now):
    order, session, _ = half_price_order(sandbox)

    settlement.settle(session, at=now)

    assert effects(order) == UNPAID | {"state": "pending", "claim": "held"}


def test_a_new_buyers_account_is_made_by_the_payment_and_the_claim_is_theirs(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    pay(sandbox, session)

    settlement.settle(session, at=now)

    buyer = User.objects.get(email="anna@example.org")
    order.refresh_from_db()
    assert (order.buyer, order.made_account, order.buyer_key) == (buyer, True, f"user:{buyer.pk}")
    assert Claim.objects.get().buyer_key == f"user:{buyer.pk}"
    assert not buyer.has_usable_password()


def test_an_account_that_appeared_meanwhile_gets_the_purchase(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    account = UserFactory(email="anna@example.org")
    pay(sandbox, session)

    settlement.settle(session, at=now)

    order.refresh_from_db()
    assert (order.buyer, order.made_account) == (account, False)
    assert Enrolment.objects.get().learner == account


# --- payments that take their time -----------------------------------------------------------------------------------


def test_a_delayed_payment_does_not_enrol_until_the_bank_has_paid(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    pay(sandbox, session, "delay")
    settlement.settle(session, at=now)
    assert effects(order) == UNPAID | {"state": "pending", "claim": "held"}
    assert order.is_awaiting_bank

    pay(sandbox, session, "succeed")
    settlement.settle(session, at=now)

    assert effects(order) == PAID


def test_a_delayed_payment_that_fails_gives_the_code_back_and_tells_the_buyer(sandbox, now):
    order, session, coupon = half_price_order(sandbox, max_total=1)
    pay(sandbox, session, "delay")
    settlement.settle(session, at=now)

    pay(sandbox, session, "fail")
    settlement.settle(session, at=now)

    assert effects(order) == UNPAID | {"state": "cancelled", "claim": "released"}
    coupon.refresh_from_db()
    assert coupon.used == 0
    assert Message.objects.get(kind="payment_failed").to == "anna@example.org"


def test_a_declined_card_can_be_followed_by_one_that_works(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    pay(sandbox, session, "decline")
    settlement.settle(session, at=now)
    assert effects(order) == UNPAID | {"state": "pending", "claim": "held"}

    pay(sandbox, session)
    settlement.settle(session, at=now)

    assert effects(order) == PAID


# --- late, wrong and double money ------------------------------------------------------------------------------------


def closed_here_but_open_at_stripe(order: Order) -> None:
    """What a mistake of ours would leave: the order is closed and its code free, but the page can still be paid."""
    from payments.closing import close_unpaid

    close_unpaid(order, state=Order.State.EXPIRED, because="test", at=timezone.now())


def test_late_money_enrols_takes_the_code_again_and_is_flagged(sandbox, now):
    order, session, coupon = half_price_order(sandbox, max_total=1)
    closed_here_but_open_at_stripe(order)
    pay(sandbox, session)

    settlement.settle(session, at=now)

    assert effects(order) == PAID
    coupon.refresh_from_db()
    assert coupon.used == 1
    assert "after the order had been closed" in order.review_reason


def test_late_money_whose_code_is_gone_enrols_all_the_same(sandbox, now):
    order, session, coupon = half_price_order(sandbox, max_total=1)
    closed_here_but_open_at_stripe(order)
    order_for(order.offer.course, email="bea@example.org", code="changeways70")
    pay(sandbox, session)

    settlement.settle(session, at=now)

    assert effects(order) == PAID | {"claim": "released"}
    coupon.refresh_from_db()
    assert coupon.used == 1
    assert "honoured late" in order.review_reason


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_total": 69_99},
        {"currency": "cad"},
        {"metadata": {"order": "SOMEOTHER0"}},
        {"livemode": True},
    ],
)
def test_a_payment_that_is_not_what_was_ordered_gives_no_seat_and_goes_to_staff(sandbox, now, changes):
    order, session, _ = half_price_order(sandbox)
    sandbox.control("sessions/alter", session=session, changes=changes)
    pay(sandbox, session)

    settlement.settle(session, at=now)

    assert effects(order)["seats"] == 0
    assert effects(order)["payments"] == 1
    assert "not what was ordered" in order.review_reason


def test_a_session_of_no_order_of_ours_is_said_to_be_unknown(sandbox, now):
    _order, session, _ = half_price_order(sandbox)
    sandbox.control("sessions/alter", session=session, changes={"client_reference_id": "NOSUCHONE0"})

    with pytest.raises(settlement.UnknownOrder):
        settlement.settle(session, at=now)


def test_paying_for_a_course_one_has_meanwhile_makes_no_second_seat_and_goes_to_staff(sandbox, now):
    learner = UserFactory(email="anna@example.org")
    order, session, _ = half_price_order(sandbox)
    EnrolmentFactory(learner=learner, course=order.offer.course)
    pay(sandbox, session)

    settlement.settle(session, at=now)

    assert effects(order) == PAID | {"seats": 0}
    assert "while having a seat" in order.review_reason
    assert Enrolment.objects.count() == 1


# --- nothing to pay --------------------------------------------------------------------------------------------------


def test_a_total_of_zero_never_touches_stripe_and_is_settled_once(sandbox, now, settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # nobody listens there
    CouponFactory(code="gift", percent_bp=10_000)
    order = order_for(CourseFactory(), code="gift")

    for _repeat in range(2):
        settlement.settle_free(order, at=now)

    assert effects(order) == PAID | {"charged": 0}
    assert Payment.objects.get().provider == "none"


def test_an_order_that_costs_something_is_never_settled_as_free(sandbox, now):
    order, _session, _ = half_price_order(sandbox)

    with pytest.raises(ValueError, match="not free"):
        settlement.settle_free(order, at=now)

    assert effects(order) == UNPAID | {"state": "pending", "claim": "held"}


# --- bundles ---------------------------------------------------------------------------------------------------------


def test_one_payment_for_a_bundle_makes_a_seat_for_each_course_and_its_lines_sum_to_what_was_paid(sandbox, now):
    courses = [CourseFactory(price_cents=cents) for cents in (20_00, 20_00, 140_00)]
    order = order_for(BundleFactory(price_cents=100_00, courses=courses))
    session = open_page(order)
    pay(sandbox, session)

    settlement.settle(session, at=now)

    assert effects(order) == PAID | {"charged": 100_00, "seats": 3, "claim": None}
    assert sum(order.lines.values_list("total_cents", flat=True)) == 100_00


# --- placing ---------------------------------------------------------------------------------------------------------


def test_the_same_purchase_placed_again_is_the_same_order_with_one_held_use(sandbox):
    CouponFactory(code="once", max_total=1)
    course = CourseFactory()

    assert order_for(course, code="once") == order_for(course, code="once")
    assert Claim.objects.count() == 1


def test_another_code_replaces_the_pending_order_and_closes_its_payment_page(sandbox):
    first, second = CouponFactory(code="first"), CouponFactory(code="second", percent_bp=6000)
    course = CourseFactory()
    old = order_for(course, code="first")
    session = open_page(old)

    new = order_for(course, code="second")

    old.refresh_from_db()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (old.state, new.state) == ("cancelled", "pending")
    assert (first.used, second.used) == (0, 1)
    assert old.attempts.get(session_id=session).state == "expired"


def test_an_order_that_was_paid_in_the_other_tab_is_not_replaced(sandbox):
    CouponFactory(code="first")
    course = CourseFactory()
    old = order_for(course, code="first")
    pay(sandbox, open_page(old))

    with pytest.raises(AlreadyEnrolled):
        order_for(course)

    assert effects(old) == PAID


def test_an_order_is_not_replaced_while_stripe_does_not_answer(sandbox, settings):
    CouponFactory(code="first")
    course = CourseFactory()
    old = order_for(course, code="first")
    open_page(old)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(StripeIsAway):
        order_for(course)

    assert effects(old) == UNPAID | {"state": "pending", "claim": "held"}


def test_a_price_that_was_not_seen_is_never_charged(sandbox, now):
    course = CourseFactory(price_cents=140_00)

    with pytest.raises(PriceChanged) as raised:
        place(
            offer=course, code="", user=None, details=Details(email="a@example.org"), seen_total_cents=139_99,
            terms_version="t", at=now,
        )  # fmt: skip

    assert raised.value.quote.total_cents == 140_00
    assert Order.objects.count() == 0


def test_whoever_has_a_seat_cannot_order_again(sandbox):
    seat = EnrolmentFactory()

    with pytest.raises(AlreadyEnrolled):
        order_for(seat.course, email=seat.learner.email)


def test_after_a_crash_before_stripes_answer_was_stored_the_same_page_is_found_again(sandbox):
    order = order_for(CourseFactory())
    session = open_page(order)
    order.attempts.update(state="prepared", session_id=None, url="")

    assert open_page(order) == session
    assert order.attempts.count() == 1


def test_an_answer_that_was_lost_on_the_way_is_asked_for_again_and_makes_one_page(sandbox):
    order = order_for(CourseFactory())
    sandbox.control("api/fail", kind="timeout", after_work=True)

    open_page(order)

    assert len(list(sessions_since(timezone.now() - timedelta(hours=1)))) == 1


def test_placing_with_a_code_takes_at_most_25_queries(sandbox, django_assert_max_num_queries):
    CouponFactory(code="counted", max_total=5)
    purchase = {
        "offer": CourseFactory(price_cents=140_00), "code": "counted", "user": None,
        "details": Details(email="anna@example.org"), "seen_total_cents": 70_00, "terms_version": "t",
    }  # fmt: skip

    with django_assert_max_num_queries(25):
        place(**purchase, at=timezone.now())


# --- receipts --------------------------------------------------------------------------------------------------------


def test_a_number_that_is_rolled_back_goes_to_the_next_receipt(sandbox, now):
    first, second = order_for(CourseFactory()), order_for(CourseFactory(), email="bea@example.org")
    for order in (first, second):
        pay(sandbox, open_page(order))

    with transaction.atomic():
        settlement.settle_order(first, at=now)
        transaction.set_rollback(True)
    settlement.settle_order(second, at=now)
    settlement.settle_order(first, at=now)

    numbers = sorted(Receipt.objects.values_list("number", flat=True))
    assert [number[-6:] for number in numbers] == ["000001", "000002"]


def test_a_receipt_keeps_what_it_printed(sandbox, now):
    order, session, _ = half_price_order(sandbox)
    pay(sandbox, session)
    settlement.settle(session, at=now)
    before = Receipt.objects.get().printed

    course = order.offer.course
    course.title, course.price_cents = "Renamed", 1_00
    course.save()

    assert Receipt.objects.get().printed == before
    assert before["lines"][0]["list_cents"] == 140_00


def test_the_ledger_holds_each_movement_once(sandbox, now):
    _order, session, _ = half_price_order(sandbox)
    pay(sandbox, session)

    settlement.settle(session, at=now)
    settlement.settle(session, at=now + timedelta(days=1))

    assert list(LedgerEntry.objects.values_list("kind", "amount_cents")) == [("charge", 70_00)]
