"""/courses/: what is listed, narrowed, counted, ordered."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache

from courses.models import Course, Edition
from tests.factories import NOON, BundleFactory, CourseFactory, TopicFactory, teach

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
HOUR = 3600


def titles(client, query: str = "") -> list[str]:
    page = client.get(f"/courses/{query}").content.decode()
    return [html.unescape(title) for title in re.findall(r'class="card__link"[^>]*>([^<]+)<', page)]


def lasting(seconds: int, **fields) -> Course:
    course = CourseFactory(**fields)
    Edition.objects.filter(pk=course.edition_id).update(seconds=seconds)
    return course


@pytest.fixture
def shelf():
    """A small shop whose every filter parts it differently."""
    sleep, mood = TopicFactory(slug="sleep", name="Sleep"), TopicFactory(slug="mood", name="Mood")
    lasting(10 * 60, title="Calm", price_cents=0, position=1)
    nights = lasting(HOUR, title="Nights", price_cents=60_00, sale_price_cents=45_00, position=2)
    clinic = lasting(
        3 * HOUR, title="Clinic work", price_cents=120_00, position=3, audience=Course.Audience.PROFESSIONAL
    )
    Edition.objects.filter(pk=clinic.edition_id).update(credits=3)
    nights.topics.add(sleep)
    clinic.topics.add(sleep, mood)
    days = CourseFactory(title="Days", price_cents=60_00, status="draft", taught=False)
    BundleFactory(title="Both", price_cents=80_00, position=4, courses=[nights, days])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Calm", "Nights", "Clinic work", "Both"]),
        ("?audience=public", ["Calm", "Nights", "Both"]),
        ("?audience=professional", ["Clinic work"]),
        ("?topic=sleep", ["Nights", "Clinic work", "Both"]),
        ("?topic=mood", ["Clinic work"]),
        ("?topic=mood&topic=sleep", ["Nights", "Clinic work", "Both"]),
        ("?credits=1", ["Clinic work"]),
        ("?length=short", ["Calm"]),
        ("?length=medium", ["Nights", "Both"]),
        ("?length=long", ["Clinic work"]),
        ("?length=short&length=long", ["Calm", "Clinic work"]),
        ("?price=free", ["Calm"]),
        ("?price=under-50", ["Calm", "Nights"]),
        ("?price=under-100", ["Calm", "Nights", "Both"]),
        ("?sale=1", ["Nights"]),
        ("?audience=public&topic=sleep&price=under-50", ["Nights"]),
        ("?audience=public&topic=mood", []),
        ("?sort=price", ["Calm", "Nights", "Both", "Clinic work"]),
        ("?sort=length", ["Calm", "Nights", "Both", "Clinic work"]),
        ("?sort=credits", ["Clinic work", "Calm", "Nights", "Both"]),
    ],
)
def test_filters(client, shelf, query, found):
    assert titles(client, query) == found


@pytest.mark.parametrize(
    "query",
    [
        "?audience=everyone",
        "?topic=nothing",
        "?topic[]=sleep",
        "?credits=yes",
        "?length=-1",
        "?price=1'OR'1'='1",
        "?sort=-password",
        "?page=many",
        "?page=0",
        "?page=99999999999999999999",
        "?q=",
        "?q=%00",
        "?%ff=%fe",
        "?utm_source=letter",
    ],
)
def test_what_the_address_says_amiss_is_left_out(client, shelf, query):
    assert titles(client, query) == ["Calm", "Nights", "Clinic work", "Both"]


@pytest.mark.parametrize(
    ("query", "name", "counts"),
    [
        ("", "audience", {"": 4, "public": 3, "professional": 1}),
        ("?topic=sleep", "audience", {"": 3, "public": 2, "professional": 1}),
        ("?audience=public", "audience", {"": 4, "public": 3, "professional": 1}),
        ("", "topic", {"sleep": 3, "mood": 1}),
        ("?audience=public", "topic", {"sleep": 2}),
        ("?audience=public&topic=mood", "topic", {"sleep": 2, "mood": 0}),
        ("", "length", {"short": 1, "medium": 2, "long": 1}),
        ("", "price", {"free": 1, "under-50": 2, "under-100": 3}),
        ("?length=long", "sale", {"1": 0}),
    ],
)
def test_a_choice_says_how_many_it_would_show(client, shelf, query, name, counts):
    catalogue = client.get(f"/courses/{query}").context["catalogue"]

    assert {choice.value: choice.count for choice in catalogue.choices[name]} == counts


def test_each_active_filter_can_be_taken_away_alone(client, shelf):
    page = client.get("/courses/?audience=public&topic=sleep&price=free&price=under-50&sale=1&q=nights&sort=price")

    chips = {chip.label: chip.address for chip in page.context["catalogue"].chips}
    assert chips == {
        "“nights”": "?audience=public&topic=sleep&price=free&price=under-50&sale=1&sort=price",
        "The public": "?q=nights&topic=sleep&price=free&price=under-50&sale=1&sort=price",
        "Sleep": "?q=nights&audience=public&price=free&price=under-50&sale=1&sort=price",
        "Free": "?q=nights&audience=public&topic=sleep&price=under-50&sale=1&sort=price",
        "Under US$50": "?q=nights&audience=public&topic=sleep&price=free&sale=1&sort=price",
        "On sale": "?q=nights&audience=public&topic=sleep&price=free&price=under-50&sort=price",
    }


def test_sorting_keeps_the_filters(client, shelf):
    page = client.get("/courses/?topic=sleep&topic=mood&sale=1").content.decode()

    sort_form = page.partition('<form class="cluster"')[2].partition("</form>")[0]
    assert re.findall(r'name="(\w+)" value="([^"]*)"', sort_form) == [
        ("topic", "mood"),
        ("topic", "sleep"),
        ("sale", "1"),
    ]


def test_nothing_found_offers_a_way_out(client, shelf):
    page = client.get("/courses/?audience=public&topic=mood").content.decode()

    assert "No course fits all of that" in page
    assert "0 courses" in page


def test_an_empty_shop_says_so(client):
    assert b"No courses yet" in client.get("/courses/").content


@pytest.mark.parametrize(
    ("status", "published", "listed"),
    [
        ("published", -SECOND, True),
        ("published", 0 * SECOND, True),
        ("published", SECOND, False),
        ("draft", -SECOND, False),
        ("withdrawn", -SECOND, False),
    ],
)
def test_the_public_sees_an_offer_from_its_second_on(client, status, published, listed):
    course = CourseFactory(title="Calm", status=status, published_at=NOON + published)
    bundle = BundleFactory(title="Both", status=status, published_at=NOON + published, courses=[course])
    expected = ["Both", "Calm"] if listed else []

    with time_machine.travel(NOON, tick=False):
        assert sorted(titles(client)) == expected
        assert sorted(re.findall(r"Both|Calm", client.get("/courses/feed/").content.decode()))[:2] == expected[:2]
        for offer in (course, bundle):
            address = offer.get_absolute_url()
            assert client.get(address).status_code == (200 if listed else 404)
            assert (address in client.get("/sitemap.xml").content.decode()) is listed
        assert client.get(f"{course.get_absolute_url()}preview/welcome/").status_code == (200 if listed else 404)
        assert ("Calm" in client.get("/").content.decode()) is listed
        assert ('class="card__link"' in client.get("/search/?q=calm").content.decode()) is listed


def test_a_card_says_price_sale_end_length_and_free_preview(client):
    midnight_in_vancouver = datetime(2026, 5, 18, 7, 0, tzinfo=UTC)
    lasting(65 * 60, title="Nights", price_cents=60_00, sale_price_cents=45_00, sale_ends_at=midnight_in_vancouver)

    with time_machine.travel(NOON, tick=False):
        page = " ".join(client.get("/courses/").content.decode().split())

    assert "25% off" in page
    assert "US$45.00" in page
    assert "<s>US$60.00</s>" in page
    assert "Sale ends on 17 May 2026." in page
    assert "1 h 5 min" in page
    assert "Free preview" in page


def test_long_catalogues_come_in_pages_that_keep_the_filters(client):
    for number in range(25):
        CourseFactory(title=f"Course {number:02}", taught=False)

    first, second = titles(client, "?audience=public"), titles(client, "?audience=public&page=2")

    assert (len(first), second) == (24, ["Course 24"])
    page = client.get("/courses/?audience=public").content.decode()
    assert 'href="?audience=public&amp;page=2"' in page


@pytest.mark.parametrize("query", ["", "?q=course", "?audience=public&topic=sleep&sort=price"])
def test_the_number_of_queries_does_not_grow_with_the_offers(client, query, django_assert_max_num_queries):
    def ask():
        cache.clear()
        client.get("/p/none/")  # the clinic's own row is kept from page to page
        with django_assert_max_num_queries(8) as asked:
            assert client.get(f"/courses/{query}").status_code == 200
        return len(asked)

    sleep = TopicFactory(slug="sleep")
    for _ in range(3):
        CourseFactory().topics.add(sleep)
    BundleFactory(courses=Course.objects.all())
    few = ask()
    for _ in range(30):
        course = CourseFactory(taught=False)
        course.topics.add(sleep)
    teach(course)
    BundleFactory(courses=Course.objects.all())

    assert ask() == few
