"""Uses of a code: counted in the statement that checks the limit, given back once."""

import pytest
from django.db import IntegrityError, transaction

from coupons.claims import CouponUsedByYou, CouponUsedUp, give_to, hold, redeem, release, take_again
from coupons.models import Claim, Coupon
from tests.factories import NOON, CouponFactory
from tests.racing import in_processes

pytestmark = pytest.mark.django_db


def take(coupon, buyer="user:1", cents=70_00):
    return hold(coupon=coupon, buyer_key=buyer, discount_cents=cents, at=NOON)


def counters(coupon):
    coupon.refresh_from_db()
    return coupon.used, coupon.spent_cents


def test_a_hold_counts_the_use_and_its_discount():
    coupon = CouponFactory()

    take(coupon)

    assert counters(coupon) == (1, 70_00)


def test_no_more_uses_are_held_than_there_are():
    coupon = CouponFactory(max_total=2)
    take(coupon, "user:1")
    take(coupon, "user:2")

    with pytest.raises(CouponUsedUp):
        take(coupon, "user:3")

    assert counters(coupon) == (2, 140_00)


def test_a_hold_beyond_the_budget_is_refused():
    coupon = CouponFactory(budget_cents=100_00)
    take(coupon, "user:1", 70_00)

    with pytest.raises(CouponUsedUp):
        take(coupon, "user:2", 30_01)

    take(coupon, "user:2", 30_00)
    assert counters(coupon) == (2, 100_00)


def test_one_person_takes_no_more_than_their_share_and_the_refused_hold_is_not_counted():
    coupon = CouponFactory(max_per_person=2)
    take(coupon)
    take(coupon)

    with pytest.raises(CouponUsedByYou):
        take(coupon)

    assert counters(coupon) == (2, 140_00)
    assert sorted(coupon.claims.values_list("slot", flat=True)) == [1, 2]


def test_a_released_slot_is_taken_again():
    coupon = CouponFactory(max_per_person=1)
    release(take(coupon), because="expired", at=NOON)

    take(coupon)

    assert counters(coupon) == (1, 70_00)


def test_releasing_twice_gives_back_once():
    coupon = CouponFactory(max_total=5)
    claim = take(coupon)

    assert [release(claim, because="expired", at=NOON) for _ in range(2)] == [True, False]
    assert counters(coupon) == (0, 0)


def test_a_redeemed_claim_is_not_released():
    claim = take(CouponFactory())
    redeem(claim, at=NOON)

    assert release(claim, because="expired", at=NOON) is False
    assert counters(claim.coupon) == (1, 70_00)


def test_a_released_claim_is_taken_again_while_there_is_room():
    coupon = CouponFactory(max_total=1)
    claim = take(coupon, "user:1")
    release(claim, because="expired", at=NOON)

    assert take_again(claim, at=NOON) is True
    assert counters(coupon) == (1, 70_00)


def test_a_released_claim_is_not_taken_again_when_somebody_else_has_the_use():
    coupon = CouponFactory(max_total=1)
    claim = take(coupon, "user:1")
    release(claim, because="expired", at=NOON)
    take(coupon, "user:2")

    assert take_again(claim, at=NOON) is False
    assert counters(coupon) == (1, 70_00)


def test_a_claim_moves_to_the_account_its_buyer_turned_out_to_have():
    claim = take(CouponFactory(), "mail:abc")

    assert give_to(claim, buyer_key="user:1") is True
    assert Claim.objects.get().buyer_key == "user:1"


def test_a_paid_claim_beyond_the_share_of_its_person_stays_counted_and_says_so():
    coupon = CouponFactory(max_per_person=1)
    take(coupon, "user:1")
    claim = take(coupon, "mail:abc")

    assert give_to(claim, buyer_key="user:1") is False
    assert sorted(Claim.objects.values_list("buyer_key", "slot")) == [("user:1", 1), ("user:1", 2)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"percent_bp": 0},
        {"percent_bp": 10_001},
        {"percent_bp": None},
        {"amount_cents": 5},
        {"kind": "amount"},
        {"kind": "amount", "percent_bp": None, "amount_cents": 0},
        {"starts_at": NOON, "ends_at": NOON},
        {"max_total": 1, "used": 2},
        {"budget_cents": 1, "spent_cents": 2},
        {"max_per_person": 0},
    ],
)
def test_the_database_refuses_a_coupon_that_makes_no_sense(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        CouponFactory(**wrong)


def test_two_codes_that_people_cannot_tell_apart_by_case_or_dashes_are_the_same():
    CouponFactory(code="spring-20")

    with pytest.raises(IntegrityError), transaction.atomic():
        CouponFactory(code="SPRING 20")


def _try_to_hold(coupon_pk: int, buyer: str, cents: int) -> str:
    try:
        hold(coupon=Coupon.objects.get(pk=coupon_pk), buyer_key=buyer, discount_cents=cents, at=NOON)
    except (CouponUsedUp, CouponUsedByYou) as error:
        return type(error).__name__
    return "held"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_in_parallel_a_budget_is_never_overspent_and_one_person_never_gets_more_than_their_share():
    budget = CouponFactory(budget_cents=500_00)
    share = CouponFactory(max_per_person=3)

    held = in_processes(_try_to_hold, [(budget.pk, f"user:{n}", 70_00) for n in range(24)], workers=8)
    mine = in_processes(_try_to_hold, [(share.pk, "user:1", 1_00) for _ in range(24)], workers=8)

    assert (held.count("held"), counters(budget)) == (7, (7, 490_00))
    assert (mine.count("held"), counters(share)) == (3, (3, 3_00))
