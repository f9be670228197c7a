import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import CouponFactory, CourseFactory

pytestmark = pytest.mark.django_db

REDEEM = "/redeem/"


def words(response) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_the_page_asks_for_a_code(client):
    response = client.get(REDEEM)

    assert response.status_code == 200
    assert 'name="coupon"' in response.content.decode()
    assert "Error" not in response.content.decode()
    assert not response.cookies


def test_a_code_for_one_course_leads_to_it_with_the_code(client):
    course, coupon = CourseFactory(slug="undoing-depression"), CouponFactory(code="changeways70", all_offers=False)
    coupon.offers.add(course)
    CourseFactory()

    response = client.get(REDEEM, {"coupon": " changeways 70 "})

    assert response.headers["Location"] == "/courses/undoing-depression/?coupon=changeways+70"
    assert "US$70.00" in words(client.get(response.headers["Location"]))


def test_a_code_for_several_lists_them_with_links_that_carry_it(client):
    courses = [CourseFactory(), CourseFactory()]
    hidden = CourseFactory(title="Not yet", status="draft")
    CouponFactory(code="launch25")

    response = client.get(REDEEM, {"coupon": "launch25"})

    page = response.content.decode()
    assert response.status_code == 200
    assert all(f'href="{course.get_absolute_url()}?coupon=launch25"' in page for course in courses)
    assert hidden.title not in page


@pytest.mark.parametrize(
    ("coupon", "typed", "words_shown"),
    [
        ({}, "nonsense", "We do not know this code"),
        ({}, "", "Enter the code that you were given"),
        ({}, "\x00", "Null characters are not allowed"),
        ({}, "x" * 500, "at most 200 characters"),
        ({"ends_at": timezone.now() - timedelta(days=3)}, "SPRING26", "This code ended on"),
        ({"max_total": 5, "used": 5}, "SPRING26", "This code has been used up"),
        ({"listed": False, "max_total": 5, "used": 5}, "SPRING26", "We do not know this code"),
        ({"archived_at": timezone.now()}, "SPRING26", "We do not know this code"),
    ],
)
def test_a_code_that_does_not_work_says_why(client, coupon, typed, words_shown):
    CourseFactory()
    CouponFactory(**{"code": "SPRING26", "max_per_person": None} | coupon)

    response = client.get(REDEEM, {"coupon": typed})

    assert response.status_code == 422
    assert words_shown in words(response)
    assert "<title>Error:" in response.content.decode()


def test_a_code_for_certain_people_leads_on_since_only_the_checkout_knows_who_asks(client):
    course, coupon = (
        CourseFactory(),
        CouponFactory(code="FORANNA26", allowed_emails="anna@example.org", all_offers=False),
    )
    coupon.offers.add(course)

    response = client.get(REDEEM, {"coupon": "FORANNA26"})

    assert response.status_code == 302


def test_guessing_is_slowed_down_here_too(client):
    CourseFactory()
    for number in range(10):
        client.get(REDEEM, {"coupon": f"wrong{number}"})

    response = client.get(REDEEM, {"coupon": "wrong10"})

    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) >= 60


@pytest.mark.parametrize("number", [3, 30])
def test_the_questions_to_the_database_do_not_grow(client, number, django_assert_max_num_queries):
    for _ in range(number):
        CourseFactory()
    CouponFactory(code="launch25")

    with django_assert_max_num_queries(8):
        client.get(REDEEM, {"coupon": "launch25"})
