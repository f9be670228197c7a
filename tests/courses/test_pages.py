"""The page of a course and of a bundle, and the free lessons."""

import json
import re
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core.cache import cache

from courses.models import Course
from foundation.models import ClinicIdentity, CrisisLine
from tests.factories import (
    NOON,
    BundleFactory,
    CouponFactory,
    CourseFactory,
    LessonFactory,
    StaffFactory,
    UserFactory,
    VideoLessonFactory,
)

pytestmark = pytest.mark.django_db


def words_of(client, address: str) -> str:
    page = client.get(address).content.decode().partition("<main")[2].partition("<footer")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def structured(client, address: str) -> dict | None:
    block = re.search(
        r'<script type="application/ld\+json">(.*?)</script>', client.get(address).content.decode(), re.DOTALL
    )
    return json.loads(block[1]) if block else None


def visible_price(client, address: str) -> str:
    page = client.get(address).content.decode()
    return re.search(r'class="price price--lg">.*?US\$([\d,.]+)', page, re.DOTALL)[1].replace(",", "")


# --- What is shown -----------------------------------------------------------------------------------------------------


def test_a_course_page_says_what_is_learnt_by_whom_and_in_which_order(client):
    course = CourseFactory(title="Calm", lede="Slow down.")
    course.questions.create(question="How long do I have?", answer="As long as you like.")
    course.edition.references.append("Someone (2020). A study.")
    course.edition.disclosure = "Nothing to disclose."
    course.edition.save()

    page = words_of(client, course.get_absolute_url())

    for text in [
        "Calm", "Slow down.", "Name one thing that helps.", "1. Beginning", "Welcome", "First steps", "Imogen Hale",
        "Nothing to disclose.", "How long do I have?", "As long as you like.", "Someone (2020). A study.", "US$140.00",
    ]:  # fmt: skip
        assert text in page


def test_free_lessons_are_links_and_paid_ones_are_not(client):
    course = CourseFactory(slug="calm")

    page = client.get("/courses/calm/").content.decode()

    assert 'href="/courses/calm/preview/welcome/"' in page
    assert "first-steps" not in page
    assert course.edition.lessons.get(slug="first-steps").title in page


def test_the_picture_leads_to_a_video_rather_than_to_a_text(client):
    course = CourseFactory(slug="calm")
    section = course.edition.sections.get()
    VideoLessonFactory(section=section, position=5, slug="film", is_preview=True, seconds=62)

    page = client.get("/courses/calm/").content.decode()

    assert 'class="preview" href="/courses/calm/preview/film/"' in page
    assert "1:02" in page


@pytest.mark.parametrize(("audience", "shown"), [("public", True), ("professional", False)])
def test_courses_for_the_public_say_that_they_are_no_care_and_where_help_is(client, audience, shown):
    ClinicIdentity.objects.create(
        name="Larkwater", legal_name="L", address="-", email="a@b.example", care_notice="No care."
    )
    CrisisLine.objects.create(label="Call 988", text="Day and night.", href="tel:988")
    course = CourseFactory(audience=audience)

    main = client.get(course.get_absolute_url()).content.decode().partition("<main")[2].partition("</main>")[0]

    assert ("No care." in main) is shown
    assert ('href="tel:988"' in main) is shown


def test_the_crisis_lines_stand_under_every_public_page(client):
    CrisisLine.objects.create(label="Call 988", text="Day and night.", href="tel:988")
    course = CourseFactory()

    for address in ["/", "/courses/", course.get_absolute_url(), "/search/", "/nowhere/"]:
        assert 'href="tel:988"' in client.get(address).content.decode().partition("<footer")[2]


def test_a_bundle_page_lists_its_courses_in_their_order_and_what_they_cost_apart(client):
    calm, nights = CourseFactory(title="Calm", price_cents=20_00), CourseFactory(title="Nights", price_cents=60_00)
    bundle = BundleFactory(title="Both", price_cents=65_00, courses=[nights, calm])

    page = words_of(client, bundle.get_absolute_url())

    assert page.index("Nights") < page.index("Calm")
    assert "Separately US$80.00" in page
    assert "US$65.00" in page


@pytest.mark.parametrize("address", ["/courses/both/", "/courses/both/price/", "/checkout/both/"])
def test_a_bundle_without_courses_is_not_on_offer(client, address):
    bundle = BundleFactory(slug="both", title="Both together")
    assert client.get(address).status_code == 404

    bundle.bundled.create(course=CourseFactory())

    assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["/", "/courses/", "/courses/?q=both", "/search/?q=both", "/sitemap.xml", "/courses/feed/"]
)
def test_a_bundle_without_courses_is_listed_nowhere(client, address, django_capture_on_commit_callbacks):
    bundle = BundleFactory(slug="both", title="Both together")
    assert "/courses/both/" not in client.get(address).content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        bundle.bundled.create(course=CourseFactory())

    assert "/courses/both/" in client.get(address).content.decode()


# --- Prices and codes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [timedelta(seconds=-1), timedelta(0)], ids=["on sale", "after the sale"])
def test_search_engines_are_told_the_price_that_is_shown(client, moment):
    course = CourseFactory(price_cents=20_00, sale_price_cents=15_00, sale_ends_at=NOON)
    bundle = BundleFactory(price_cents=1_010_00, courses=[course, CourseFactory(price_cents=1_000_00)])

    with time_machine.travel(NOON + moment, tick=False):
        for offer in (course, bundle):
            told = structured(client, offer.get_absolute_url())["offers"][0]
            assert told["price"] == visible_price(client, offer.get_absolute_url())
            assert told["priceCurrency"] == "USD"


@pytest.mark.parametrize(
    ("ends_at", "last_day", "shown"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), "2026-05-31", "31 May 2026"),
        (datetime(2026, 6, 1, 15, 30, tzinfo=UTC), "2026-06-01", "1 June 2026, 15:30"),
    ],
    ids=["at midnight", "at some hour"],
)
def test_page_card_and_search_engines_name_the_last_day_of_a_sale(client, settings, ends_at, last_day, shown):
    settings.TIME_ZONE = "UTC"
    course = CourseFactory(price_cents=20_00, sale_price_cents=15_00, sale_ends_at=ends_at)

    with time_machine.travel(NOON, tick=False):
        told = structured(client, course.get_absolute_url())["offers"][0]
        page, cards = words_of(client, course.get_absolute_url()), words_of(client, "/courses/")

    assert told["priceValidUntil"] == last_day
    assert f"The sale ends on {shown}." in page
    assert f"Sale ends on {shown}." in cards


def test_a_title_cannot_break_out_of_the_structured_data(client):
    title = "</script><script>alert(1)</script>"
    course = CourseFactory(title=title)

    page = client.get(course.get_absolute_url()).content.decode()

    assert "<script>alert" not in page
    assert structured(client, course.get_absolute_url())["name"] == title


def test_a_code_in_the_address_shows_its_price_and_tells_search_engines_nothing(client):
    CouponFactory(code="changeways70")
    course = CourseFactory()

    page = words_of(client, course.get_absolute_url() + "?coupon=changeways70")

    assert "US$70.00" in page
    assert structured(client, course.get_absolute_url() + "?coupon=changeways70") is None


def test_a_bad_code_leaves_the_plain_price(client):
    course = CourseFactory()

    response = client.get(course.get_absolute_url() + "?coupon=nothing")

    assert response.status_code == 200
    assert visible_price(client, course.get_absolute_url() + "?coupon=nothing") == "140.00"
    assert response["Cache-Control"] == "private, no-store"


def test_links_that_are_shared_carry_title_summary_and_one_address(client):
    course = CourseFactory(slug="calm", title="Calm & quiet", summary="Slow down.")

    page = client.get("/courses/calm/?utm_source=letter").content.decode()

    assert '<link rel="canonical" href="http://127.0.0.1:8000/courses/calm/">' in page
    assert '<meta property="og:title" content="Calm &amp; quiet">' in page
    assert '<meta name="description" content="Slow down.">' in page
    assert course.cover_url == "/static/art/cover.svg"


def test_a_course_with_a_drawing_of_its_own_shows_it():
    assert Course(slug="undoing-depression").cover_url == "/static/art/undoing-depression.svg"


# --- Who may see what is not public ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_staff_who_edit_courses_see_hidden_ones_with_a_notice(client, status):
    editor = UserFactory(is_staff=True)
    editor.user_permissions.add(Permission.objects.get(codename="change_course"))
    course = CourseFactory(slug="calm", status=status)
    client.force_login(editor)

    for address in ["/courses/calm/", "/courses/calm/preview/welcome/"]:
        response = client.get(address)
        assert "Only staff see this page" in response.content.decode()
        assert response["Cache-Control"] == "private, no-store"
    assert structured(client, course.get_absolute_url()) is None


def test_a_draft_shows_staff_the_edition_that_is_being_written(client):
    course = CourseFactory(slug="calm", status="draft", taught=False)
    course.editions.create(objectives=["Breathe slowly."])
    client.force_login(StaffFactory())

    assert "Breathe slowly." in words_of(client, "/courses/calm/")


@pytest.mark.parametrize("who", [UserFactory, lambda: UserFactory(is_staff=True)], ids=["a learner", "other staff"])
def test_others_do_not_learn_that_a_draft_exists(client, who):
    CourseFactory(slug="calm", status="draft")
    client.force_login(who())

    assert client.get("/courses/calm/").status_code == 404
    assert client.get("/courses/calm/preview/welcome/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_are_only_read(client, method):
    course = CourseFactory()

    assert getattr(client, method)(course.get_absolute_url()).status_code == 405


# --- Free lessons ------------------------------------------------------------------------------------------------------


def test_a_free_lesson_is_open_to_everybody(client):
    CourseFactory(slug="calm", title="Calm")

    page = words_of(client, "/courses/calm/preview/welcome/")

    assert "Some words to read." in page
    assert "Free preview" in page
    assert "US$140.00" in page


@pytest.mark.parametrize("address", ["/courses/calm/preview/first-steps/", "/courses/calm/preview/nothing/"])
def test_other_lessons_are_not_there(client, address):
    CourseFactory(slug="calm")

    assert client.get(address).status_code == 404


def test_a_free_lesson_of_an_edition_that_is_not_taught_is_not_there(client):
    course = CourseFactory(slug="calm")
    coming = course.editions.create(number=2)
    LessonFactory(section=coming.sections.create(title="New"), slug="coming", is_preview=True)

    assert client.get("/courses/calm/preview/coming/").status_code == 404


def test_free_lessons_lead_to_one_another(client):
    course = CourseFactory(slug="calm")
    LessonFactory(section=course.edition.sections.get(), position=3, slug="more", title="More", is_preview=True)

    first = client.get("/courses/calm/preview/welcome/").content.decode()
    last = client.get("/courses/calm/preview/more/").content.decode()

    assert 'rel="next" href="/courses/calm/preview/more/"' in first
    assert 'rel="prev"' not in first
    assert 'rel="prev" href="/courses/calm/preview/welcome/"' in last


def test_a_video_comes_with_captions_and_its_words(client):
    course = CourseFactory(slug="calm")
    VideoLessonFactory(section=course.edition.sections.get(), position=3, slug="film", is_preview=True)

    page = client.get("/courses/calm/preview/film/").content.decode()

    assert '<track kind="captions"' in page
    assert "Breathe out." in page


# --- Feed --------------------------------------------------------------------------------------------------------------


def test_the_feed_is_atom_with_the_newest_first(client):
    CourseFactory(title="Old & worn", slug="old", published_at=NOON - timedelta(days=2))
    CourseFactory(title="New", slug="new", summary="Fresh.", published_at=NOON - timedelta(days=1))

    response = client.get("/courses/feed/")

    feed = feedparser.parse(response.content)
    assert response["Content-Type"].startswith("application/atom+xml")
    assert feed.bozo is False
    assert [entry.title for entry in feed.entries] == ["New", "Old & worn"]
    assert feed.entries[0].link == "http://127.0.0.1:8000/courses/new/"
    assert feed.entries[0].summary == "Fresh."


# --- Cost --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["course", "bundle", "preview", "feed", "sitemap"])
def test_the_number_of_queries_does_not_grow_with_what_is_shown(client, kind, django_assert_max_num_queries):
    course = CourseFactory(slug="calm")
    bundle = BundleFactory(slug="both", courses=[course, CourseFactory(), CourseFactory()])
    address = {
        "course": "/courses/calm/",
        "bundle": "/courses/both/",
        "preview": "/courses/calm/preview/welcome/",
        "feed": "/courses/feed/",
        "sitemap": "/sitemap.xml",
    }[kind]

    def ask() -> int:
        cache.clear()
        client.get("/p/none/")  # the clinic's own row is kept from page to page
        with django_assert_max_num_queries(8) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    few = ask()
    section = course.edition.sections.get()
    for number in range(30):
        LessonFactory(section=section, position=10 + number, is_preview=number % 2 == 0)
        course.questions.create(question="Why?", answer="Because.")
        bundle.bundled.create(course=CourseFactory(taught=False))

    assert ask() == few
