"""The price rules. Sources: facts on coupons and money of the design; numbers are cents unless a sign says otherwise."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coupons.buyer import Buyer
from coupons.models import Claim, Coupon
from coupons.pricing import quote
from courses.models import Bundle, BundledCourse, Course
from tests.factories import LONG_AGO, NOON, BundleFactory, CouponFactory, CourseFactory, TopicFactory

pytestmark = pytest.mark.django_db

SAM = Buyer(key="user:7", email="sam@example.org")
SECOND = timedelta(seconds=1)


def reason(offer, code, buyer=SAM, at=NOON):
    refusal = quote(offer=offer, code=code, buyer=buyer, at=at).refusal
    return refusal.reason.value if refusal else None


@pytest.mark.parametrize("typed", ["changeways70", "CHANGEWAYS70", " Change-Ways 70 "])
def test_half_price_code_turns_140_dollars_into_70(typed):
    course = CourseFactory(price_cents=140_00)
    CouponFactory(code="changeways70", percent_bp=5000)

    quoted = quote(offer=course, code=typed, buyer=SAM, at=NOON)

    assert (quoted.subtotal_cents, quoted.coupon_cents, quoted.total_cents) == (140_00, 70_00, 70_00)
    assert quoted.applied == "coupon"


@pytest.mark.parametrize(
    ("worth", "price", "total"),
    [
        ({"percent_bp": 5000}, 140_00, 70_00),
        ({"percent_bp": 3300}, 9_99, 6_69),  # 3.2967 off, rounded half up to 3.30
        ({"percent_bp": 5000}, 1_01, 50),  # half a cent goes to the buyer
        ({"percent_bp": 10_000}, 140_00, 0),
        ({"percent_bp": 1}, 140_00, 139_99),
        ({"kind": "amount", "amount_cents": 20_00, "percent_bp": None}, 140_00, 120_00),
        ({"kind": "amount", "amount_cents": 140_00, "percent_bp": None}, 140_00, 0),
        ({"kind": "amount", "amount_cents": 500_00, "percent_bp": None}, 140_00, 0),
        ({"kind": "fixed_price", "amount_cents": 99_00, "percent_bp": None}, 140_00, 99_00),
        ({"kind": "fixed_price", "amount_cents": 0, "percent_bp": None}, 140_00, 0),
        ({"percent_bp": 5000, "max_discount_cents": 30_00}, 140_00, 110_00),
        ({"percent_bp": 5000, "budget_cents": 25_00}, 140_00, 115_00),  # the last buyer gets what is left
        ({"percent_bp": 9990}, 140_00, 0),  # 14 cents cannot be charged and are waived
    ],
)
def test_what_a_code_is_worth(worth, price, total):
    course = CourseFactory(price_cents=price)
    CouponFactory(code="worth", **worth)

    assert quote(offer=course, code="worth", buyer=SAM, at=NOON).total_cents == total


def test_a_waived_rest_is_shown_as_such():
    course = CourseFactory(price_cents=140_00)
    CouponFactory(code="nearly", percent_bp=9990)

    quoted = quote(offer=course, code="nearly", buyer=SAM, at=NOON)

    assert (quoted.coupon_cents, quoted.waived_cents, quoted.total_cents) == (139_86, 14, 0)
    assert sum(line.total_cents for line in quoted.lines) == 0


def test_a_fixed_price_never_raises_a_price():
    course = CourseFactory(price_cents=20_00)
    CouponFactory(code="fixed", kind="fixed_price", amount_cents=50_00, percent_bp=None)

    quoted = quote(offer=course, code="fixed", buyer=SAM, at=NOON)

    assert quoted.total_cents == 20_00
    assert quoted.refusal.reason == "not_needed"


# --- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOON - SECOND, "not_started"),
        (NOON, None),
        (NOON + timedelta(days=1) - SECOND, None),
        (NOON + timedelta(days=1), "expired"),
    ],
)
def test_a_code_counts_from_its_start_until_before_its_end(at, expected):
    course = CourseFactory()
    CouponFactory(code="window", starts_at=NOON, ends_at=NOON + timedelta(days=1))

    assert reason(course, "window", at=at) == expected


@pytest.mark.parametrize(
    ("at", "cents"),
    [
        (NOON - SECOND, 20_00),
        (NOON, 15_00),
        (NOON + timedelta(days=1) - SECOND, 15_00),
        (NOON + timedelta(days=1), 20_00),
    ],
)
def test_a_sale_holds_from_its_start_until_before_its_end_without_any_job(at, cents):
    course = CourseFactory(
        price_cents=20_00, sale_price_cents=15_00, sale_starts_at=NOON, sale_ends_at=NOON + timedelta(days=1)
    )

    assert quote(offer=course, buyer=SAM, at=at).total_cents == cents


# --- the best single offer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent_bp", "stacks", "total", "applied", "refused"),
    [
        (5000, False, 10_00, "coupon", None),  # 10.00 beats the sale's 15.00
        (1000, False, 15_00, "sale", "not_needed"),  # 18.00 does not
        (2500, False, 15_00, "sale", "not_needed"),  # the same price: the code stays unspent
        (1000, True, 13_50, "sale and coupon", None),
    ],
)
def test_the_better_of_sale_and_code_counts_never_both_unless_it_stacks(percent_bp, stacks, total, applied, refused):
    course = CourseFactory(price_cents=20_00, sale_price_cents=15_00)
    CouponFactory(code="best", percent_bp=percent_bp, stackable_with_sale=stacks)

    quoted = quote(offer=course, code="best", buyer=SAM, at=NOON)

    assert (quoted.total_cents, quoted.applied) == (total, applied)
    assert (quoted.refusal.reason.value if quoted.refusal else None) == refused


# --- refusals --------------------------------------------------------------------------------------------------------


def test_each_refusal_has_its_reason():
    course, other = CourseFactory(), CourseFactory()
    CouponFactory(code="elsewhere", all_offers=False).offers.add(other)
    CouponFactory(code="professional", audience="professional")
    CouponFactory(code="spent", max_total=1, used=1)
    CouponFactory(code="budget", budget_cents=10_00, spent_cents=10_00)
    CouponFactory(code="named", allowed_emails="kim@example.org\n@clinic.example")
    CouponFactory(code="firsttime", first_purchase_only=True)
    CouponFactory(code="bigger", min_price_cents=140_01)
    CouponFactory(code="dead", is_active=False)
    CouponFactory(code="archived", archived_at=LONG_AGO)
    used = CouponFactory(code="usedbyme")
    Claim.objects.create(coupon=used, buyer_key=SAM.key, slot=1, state="redeemed", discount_cents=1, held_at=NOON)
    patron = Buyer(key="user:8", email="kim@example.org", has_bought=True)

    assert {
        code: reason(course, code, buyer=patron if code == "firsttime" else SAM)
        for code in [
            "nonsense", "!!", "elsewhere", "professional", "spent", "budget", "named", "firsttime", "bigger", "dead",
            "archived", "usedbyme",
        ]
    } == {
        "nonsense": "unknown", "!!": "unknown", "elsewhere": "wrong_course", "professional": "wrong_course",
        "spent": "exhausted", "budget": "exhausted", "named": "wrong_person", "firsttime": "wrong_person",
        "bigger": "below_minimum", "dead": "expired", "archived": "unknown", "usedbyme": "used_by_you",
    }  # fmt: skip


@pytest.mark.parametrize("address", ["kim@example.org", "anyone@clinic.example"])
def test_a_named_code_works_for_its_people(address):
    CouponFactory(code="named", allowed_emails="KIM@example.org\n@clinic.example")

    assert reason(CourseFactory(), "named", buyer=Buyer(key="user:9", email=address)) is None


def test_a_refused_code_leaves_the_plain_price():
    course = CourseFactory(price_cents=20_00, sale_price_cents=15_00)
    CouponFactory(code="late", ends_at=NOON)

    quoted = quote(offer=course, code="late", buyer=SAM, at=NOON)

    assert (quoted.total_cents, quoted.coupon, quoted.applied) == (15_00, None, "sale")
    assert quoted.refusal.message == "This code ended on 14 May 2026."


def test_an_unlisted_code_that_is_refused_is_unknown_to_strangers_but_not_to_its_holder():
    coupon = CouponFactory(code="quiet", listed=False, ends_at=NOON)
    Claim.objects.create(coupon=coupon, buyer_key="user:1", slot=1, discount_cents=1, held_at=LONG_AGO)
    course = CourseFactory()

    assert reason(course, "quiet") == "unknown"
    assert reason(course, "quiet", buyer=Buyer(key="user:1", email="one@example.org")) == "expired"


def test_a_buyers_own_hold_is_not_held_against_them():
    coupon = CouponFactory(code="lastone", max_total=1, used=1, spent_cents=70_00)
    claim = Claim.objects.create(coupon=coupon, buyer_key=SAM.key, slot=1, discount_cents=70_00, held_at=NOON)
    course = CourseFactory()

    assert reason(course, "lastone") == "used_by_you"
    assert reason(course, "lastone", buyer=Buyer(SAM.key, SAM.email, holding=frozenset({claim.pk}))) is None


# --- scope -----------------------------------------------------------------------------------------------------------


def test_a_code_for_a_topic_covers_the_courses_of_that_topic():
    topic = TopicFactory()
    inside, outside = CourseFactory(), CourseFactory()
    inside.topics.add(topic)
    CouponFactory(code="topical", all_offers=False).topics.add(topic)

    assert reason(inside, "topical") is None
    assert reason(outside, "topical") == "wrong_course"


def test_a_code_for_professionals_covers_a_bundle_only_when_all_its_courses_are():
    public, professional = CourseFactory(), CourseFactory(audience=Course.Audience.PROFESSIONAL)
    CouponFactory(code="pros", audience="professional")

    assert reason(professional, "pros") is None
    assert reason(BundleFactory(courses=[professional]), "pros") is None
    assert reason(BundleFactory(courses=[professional, public]), "pros") == "wrong_course"


def test_an_amount_in_another_currency_does_not_fit():
    CouponFactory(code="loonies", kind="amount", amount_cents=20_00, percent_bp=None, currency="cad")

    assert reason(CourseFactory(currency="usd"), "loonies") == "wrong_course"


# --- bundles ---------------------------------------------------------------------------------------------------------


def test_a_bundle_is_parted_over_its_courses_to_the_cent():
    courses = [CourseFactory(price_cents=cents) for cents in (20_00, 20_00, 140_00)]
    bundle = BundleFactory(price_cents=100_00, courses=courses)

    quoted = quote(offer=bundle, buyer=SAM, at=NOON)

    assert [line.total_cents for line in quoted.lines] == [11_11, 11_11, 77_78]
    assert (quoted.subtotal_cents, quoted.total_cents, quoted.applied) == (180_00, 100_00, "bundle")


def test_courses_that_the_buyer_owns_are_taken_out_of_a_bundle_with_their_share():
    courses = [CourseFactory(price_cents=cents) for cents in (20_00, 20_00, 140_00)]
    bundle = BundleFactory(price_cents=100_00, courses=courses)
    owner = Buyer(key="user:7", email="sam@example.org", owned_courses=frozenset({courses[2].pk}))

    quoted = quote(offer=bundle, buyer=owner, at=NOON)

    assert [line.course.pk for line in quoted.lines] == [courses[0].pk, courses[1].pk]
    assert quoted.total_cents == 22_22


def test_a_code_on_a_bundle_takes_from_the_bundle_price():
    bundle = BundleFactory(price_cents=150_00, courses=[CourseFactory(price_cents=90_00) for _ in range(2)])
    CouponFactory(code="bundled", percent_bp=2000, all_offers=False).offers.add(bundle)

    quoted = quote(offer=bundle, code="bundled", buyer=SAM, at=NOON)

    assert (quoted.subtotal_cents, quoted.sale_cents, quoted.coupon_cents, quoted.total_cents) == (
        180_00, 30_00, 30_00, 120_00,
    )  # fmt: skip
    assert quoted.applied == "bundle and coupon"


def test_a_course_in_a_bundle_never_costs_more_than_alone():
    courses = [CourseFactory(price_cents=20_00, sale_price_cents=5_00), CourseFactory(price_cents=20_00)]
    bundle = BundleFactory(price_cents=38_00, courses=courses)

    assert quote(offer=bundle, buyer=SAM, at=NOON).total_cents == 5_00 + 19_00


# --- properties ------------------------------------------------------------------------------------------------------

worths = st.one_of(
    st.builds(lambda bp: {"kind": "percent", "percent_bp": bp}, st.integers(1, 10_000)),
    st.builds(lambda cents: {"kind": "amount", "amount_cents": cents, "percent_bp": None}, st.integers(1, 30_000)),
    st.builds(lambda cents: {"kind": "fixed_price", "amount_cents": cents, "percent_bp": None}, st.integers(0, 30_000)),
)


@settings(max_examples=60, deadline=None)
@given(
    prices=st.lists(st.integers(0, 30_000), min_size=1, max_size=4),
    bundle_price=st.integers(0, 60_000),
    worth=worths,
    stacks=st.booleans(),
    cap=st.none() | st.integers(0, 10_000),
    owned=st.sets(st.integers(0, 3)),
)
def test_every_price_adds_up_and_a_code_never_makes_it_dearer(prices, bundle_price, worth, stacks, cap, owned):
    Bundle.objects.all().delete()
    BundledCourse.objects.all().delete()
    Course.objects.all().delete()
    Coupon.objects.all().delete()
    courses = [CourseFactory(price_cents=cents, taught=False) for cents in prices]
    bundle = BundleFactory(price_cents=bundle_price, courses=courses)
    CouponFactory(code="random", stackable_with_sale=stacks, max_discount_cents=cap, **worth)
    buyer = Buyer("user:7", "sam@example.org", frozenset(courses[i].pk for i in owned if i < len(courses)))

    without = quote(offer=bundle, buyer=buyer, at=NOON)
    quoted = quote(offer=bundle, code="random", buyer=buyer, at=NOON)

    assert 0 <= quoted.total_cents <= without.total_cents <= without.subtotal_cents
    assert quoted.total_cents == quoted.subtotal_cents - quoted.sale_cents - quoted.coupon_cents - quoted.waived_cents
    assert min(quoted.sale_cents, quoted.coupon_cents, quoted.waived_cents) >= 0
    assert sum(line.total_cents for line in quoted.lines) == quoted.total_cents
    assert all(0 <= line.total_cents <= line.list_cents for line in quoted.lines)
    assert not 0 < quoted.total_cents < 50


def test_the_plain_price_of_a_course_needs_no_query(django_assert_num_queries):
    course = CourseFactory()

    with django_assert_num_queries(0):
        quote(offer=course, at=NOON)


def test_a_code_costs_at_most_three_queries(django_assert_max_num_queries):
    course = CourseFactory()
    CouponFactory(code="chosen", all_offers=False).offers.add(course)

    with django_assert_max_num_queries(3):
        quote(offer=course, code="chosen", buyer=SAM, at=NOON)
