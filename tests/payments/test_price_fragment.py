import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.templatetags.buying import last_day
from tests.factories import BundleFactory, CouponFactory, CourseFactory, EnrolmentFactory, UserFactory

pytestmark = pytest.mark.django_db


def words(response) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def price_url(offer) -> str:
    return reverse("payments:price", args=[offer.slug])


@pytest.fixture
def course():
    return CourseFactory(slug="undoing-depression", title="UnDoing Depression")


@pytest.fixture
def half():
    return CouponFactory(code="changeways70", percent_bp=5000)


def test_without_a_code_it_is_the_price(client, course):
    response = client.get(price_url(course))

    assert "Your price US$140.00" in words(response)
    assert "Was" not in words(response)
    assert f'href="{reverse("payments:checkout", args=[course.slug])}"' in response.content.decode()
    assert "data-price-box" in response.content.decode()


@pytest.mark.parametrize("typed", ["changeways70", "CHANGEWAYS70", " change-ways 70 "])
def test_a_code_halves_it_and_goes_along_to_the_checkout(client, course, half, typed):
    response = client.get(price_url(course), {"coupon": typed})

    assert "Your price US$70.00 Was US$140.00" in words(response)
    assert "changeways70 applied You save US$70.00." in words(response)
    assert re.search(r'href="/checkout/undoing-depression/\?coupon=[^"]+"', response.content.decode())
    assert "no-store" in response.headers["Cache-Control"]
    assert "private" in response.headers["Cache-Control"]


@pytest.mark.parametrize("page", ["payments:price", "courses:detail", "payments:checkout"])
def test_page_fragment_and_checkout_say_the_same_price(client, course, half, page):
    response = client.get(reverse(page, args=[course.slug]), {"coupon": "changeways70"})

    assert "US$70.00" in words(response)
    assert "You save US$70.00" in words(response)


def test_a_sale_says_when_it_ends(client, settings):
    settings.TIME_ZONE = "America/Vancouver"
    ends_at = timezone.now().astimezone(UTC) + timedelta(days=9)
    course = CourseFactory(price_cents=20_00, sale_price_cents=15_00, sale_ends_at=ends_at)

    said = words(client.get(price_url(course)))

    assert "Your price US$15.00 Was US$20.00" in said
    assert f"You save US$5.00. The sale ends on {last_day(ends_at)}." in said


@pytest.mark.parametrize(
    ("ends_at", "words_shown"),
    [
        (datetime(2026, 7, 1, 7, 0, tzinfo=UTC), "30 June 2026"),  # midnight in Vancouver
        (datetime(2026, 7, 1, 19, 30, tzinfo=UTC), "1 July 2026, 12:30"),
        (datetime(2026, 1, 1, 8, 0, tzinfo=UTC), "31 December 2025"),
    ],
)
def test_an_end_at_midnight_is_said_as_the_day_before(ends_at, words_shown):
    assert last_day(ends_at) == words_shown


@pytest.mark.parametrize(
    ("coupon", "words_shown"),
    [
        ({"code": "other4"}, "We do not know this code"),
        ({"listed": False, "ends_at": timezone.now() - timedelta(days=3)}, "We do not know this code"),
        ({"ends_at": timezone.now() - timedelta(days=3)}, "This code ended on"),
        ({"is_active": False}, "This code has ended"),
        ({"max_total": 5, "used": 5}, "This code has been used up"),
        ({"all_offers": False}, "This code is for another course"),
        ({"audience": "professional"}, "This code is for another course"),
        ({"starts_at": timezone.now() + timedelta(days=3)}, "This code works from"),
    ],
)
@pytest.mark.parametrize("page", ["payments:price", "courses:detail"])
def test_a_refused_code_leaves_the_plain_price_with_status_200(client, course, coupon, words_shown, page):
    CouponFactory(**{"code": "SPRING26", "max_per_person": None} | coupon)

    response = client.get(reverse(page, args=[course.slug]), {"coupon": "SPRING26"})

    assert response.status_code == 200
    assert words_shown in words(response)
    assert "Your price US$140.00" in words(response)
    assert 'aria-invalid="true"' in response.content.decode()
    assert not response.cookies


def test_a_dead_code_is_not_carried_to_the_checkout_but_a_personal_one_is(client, course):
    CouponFactory(code="SPRING26", ends_at=timezone.now() - timedelta(days=3))
    CouponFactory(code="FORANNA26", allowed_emails="anna@example.org", listed=False)

    dead, personal = (
        client.get(price_url(course), {"coupon": code}).content.decode() for code in ("SPRING26", "FORANNA26")
    )

    assert "/checkout/undoing-depression/?coupon" not in dead
    assert "/checkout/undoing-depression/?coupon=FORANNA26" in personal


def test_a_free_course_needs_no_code(client):
    course = CourseFactory(price_cents=0)

    said = words(client.get(price_url(course)))

    assert "Your price Free" in said
    assert "Enrol for free" in said
    assert "code" not in said


def test_a_code_of_100_percent_makes_it_free(client, course):
    CouponFactory(code="present", percent_bp=10_000)

    said = words(client.get(price_url(course), {"coupon": "present"}))

    assert "Your price Free Was US$140.00" in said


def test_a_bundle_is_compared_with_the_list_prices(client):
    bundle = BundleFactory(
        price_cents=50_00, courses=[CourseFactory(price_cents=40_00), CourseFactory(price_cents=20_00)]
    )

    said = words(client.get(price_url(bundle)))

    assert "Your price US$50.00 List prices together US$60.00" in said
    assert "Together you save US$10.00." in said


def test_whoever_has_a_seat_sees_no_price(client, course):
    seat = EnrolmentFactory(course=course)
    client.force_login(seat.learner)

    for page in ("payments:price", "courses:detail"):
        response = client.get(reverse(page, args=[course.slug]))
        assert "US$140.00" not in words(response)
        assert reverse("payments:checkout", args=[course.slug]) not in response.content.decode()


def test_whoever_has_a_part_of_a_bundle_pays_the_rest(client):
    user, mine, other = UserFactory(), CourseFactory(price_cents=40_00), CourseFactory(price_cents=20_00)
    EnrolmentFactory(learner=user, course=mine)
    client.force_login(user)

    said = words(client.get(price_url(BundleFactory(price_cents=60_00, courses=[mine, other]))))

    assert "Your price US$20.00" in said
    assert "You have 1 of these courses already" in said


def test_ten_wrong_codes_close_the_field_for_a_while(client, course, half):
    for number in range(10):
        assert client.get(price_url(course), {"coupon": f"wrong{number}"}).status_code == 200

    fragment = client.get(price_url(course), {"coupon": "changeways70"})
    page = client.get(course.get_absolute_url(), {"coupon": "changeways70"})
    plain = client.get(price_url(course))

    assert fragment.status_code == 429
    assert 60 <= int(fragment.headers["Retry-After"]) <= 600
    assert "Please wait a little" in words(fragment)
    assert "Your price US$140.00" in words(fragment)
    assert page.status_code == 200
    assert "Please wait a little" in words(page)
    assert plain.status_code == 200


def test_other_refusals_are_no_guesses(client, course):
    CouponFactory(code="SPRING26", ends_at=timezone.now() - timedelta(days=3))

    statuses = {client.get(price_url(course), {"coupon": "SPRING26"}).status_code for _ in range(12)}

    assert statuses == {200}


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_what_is_not_on_offer_has_no_price(client, status):
    course = CourseFactory(status=status)

    assert client.get(price_url(course)).status_code == 404


@pytest.mark.parametrize(
    "code", ["\x00", "x" * 5000, "🎁" * 40, "<script>alert(1)</script>", "' OR 1=1 --", "%", "\u202e"]
)
@pytest.mark.parametrize("page", ["payments:price", "courses:detail"])
def test_no_code_breaks_the_page(client, course, code, page):
    response = client.get(reverse(page, args=[course.slug]), {"coupon": code})

    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_looking_sets_no_cookie(client, course, half):
    for address in (price_url(course), course.get_absolute_url()):
        assert not client.get(address, {"coupon": "changeways70"}).cookies
        assert not client.get(address).cookies


def test_the_questions_to_the_database_are_few(client, course, half, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        client.get(price_url(course), {"coupon": "changeways70"})
    with django_assert_max_num_queries(1):
        client.get(price_url(course))
