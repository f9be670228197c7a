"""Home, search, pages that staff write, robots and sitemap."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
import time_machine
from django.core.cache import cache

from clinic.models import Page
from courses.models import Course, Offer
from foundation.models import ClinicIdentity
from tests.factories import LONG_AGO, NOON, CourseFactory, teach

pytestmark = pytest.mark.django_db

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def main_of(client, address: str) -> str:
    return client.get(address).content.decode().partition("<main")[2].partition("</main>")[0]


def words_of(client, address: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", main_of(client, address)).split())


def test_home_greets_before_there_is_anything(client):
    page = main_of(client, "/")

    assert "One clear lesson at a time." in page
    assert "Courses to start with" not in page


def test_home_says_what_staff_wrote(client):
    ClinicIdentity.objects.create(
        name="Larkwater", legal_name="L", address="-", email="a@b.example", care_notice="-",
        tagline="Untangle it.", welcome="Come in.",
    )  # fmt: skip

    page = main_of(client, "/")

    assert "Untangle it." in page
    assert "Come in." in page


def test_home_puts_the_first_course_for_the_public_forward_and_shows_the_next(client):
    CourseFactory(title="For clinicians", audience=Course.Audience.PROFESSIONAL, position=1)
    CourseFactory(title="Calm", slug="calm", position=2)
    for number in range(3, 8):
        CourseFactory(title=f"Course {number}", position=number)

    page = main_of(client, "/")

    cards, _, forward = page.partition('aria-labelledby="forward"')
    assert [title for title in ("For clinicians", "Calm", "Course 3", "Course 4", "Course 5") if title in cards] == [
        "For clinicians", "Course 3", "Course 4",
    ]  # fmt: skip
    assert "Calm" in forward
    assert 'href="/courses/calm/preview/welcome/"' in forward


def test_search_finds_courses_and_pages(client):
    CourseFactory(title="Sleeping Well", slug="sleep")
    Page.objects.create(slug="privacy", title="Privacy", body="<p>We never sell your <strong>data</strong>.</p>")
    Page.objects.create(slug="hidden", title="Data plans", body="<p>data</p>", is_published=False)

    assert 'href="/courses/sleep/"' in main_of(client, "/search/?q=sleep")
    assert 'href="/p/privacy/"' in main_of(client, "/search/?q=data")
    assert 'href="/p/hidden/"' not in main_of(client, "/search/?q=data")


def test_search_without_words_asks_for_some(client):
    page = main_of(client, "/search/")

    assert 'name="q"' in page
    assert "Nothing found" not in page


def test_search_says_when_nothing_was_found(client):
    assert "Nothing found for “&lt;b&gt;”" in main_of(client, "/search/?q=<b>")


def test_a_page_shows_what_staff_wrote_cleaned(client):
    Page.objects.create(slug="terms", title="Terms", body="<h2>What you buy</h2><script>alert(1)</script>")

    page = main_of(client, "/p/terms/")

    assert "<h2>What you buy</h2>" in page
    assert "alert(1)" not in page


SMALL_PRINT = ["privacy", "terms", "refunds", "accessibility", "grievance"]


@pytest.fixture
def frames():
    """A page with each frame that links to the small print."""
    CourseFactory(slug="calm")
    return ["/", "/courses/calm/", "/checkout/calm/", "/accounts/signup/"]


def own_pages_linked_from(client, address: str) -> set[str]:
    return set(re.findall(r'href="/p/([^"/]+)/"', client.get(address).content.decode()))


def test_no_link_leads_to_small_print_that_is_not_published(client, frames):
    for slug in SMALL_PRINT:
        Page.objects.create(slug=slug, title=slug.title(), is_published=False)

    assert [own_pages_linked_from(client, address) for address in frames] == [set(), set(), set(), set()]
    assert "I have read the terms, the refund policy and the privacy page," in words_of(client, "/checkout/calm/")
    assert "you accept our terms and privacy notice." in words_of(client, "/accounts/signup/")


def test_published_small_print_is_linked_from_where_it_matters(client, frames):
    for slug in SMALL_PRINT:
        Page.objects.create(slug=slug, title=slug.title())

    home, course, checkout, signup = (own_pages_linked_from(client, address) for address in frames)

    assert home == course == set(SMALL_PRINT)
    assert checkout == {"privacy", "terms", "refunds"}
    assert {"privacy", "terms"} <= signup


def test_links_to_the_small_print_cost_no_query_once_known(client, django_assert_num_queries):
    Page.objects.create(slug="terms", title="Terms")
    client.get("/search/?q=one")

    with django_assert_num_queries(0):
        page = client.get("/search/")

    assert 'href="/p/terms/"' in page.content.decode()


def test_a_page_is_linked_as_soon_as_it_is_published(client, django_capture_on_commit_callbacks):
    terms = Page.objects.create(slug="terms", title="Terms", is_published=False)
    assert own_pages_linked_from(client, "/") == set()

    with django_capture_on_commit_callbacks(execute=True):
        terms.is_published = True
        terms.save()

    assert own_pages_linked_from(client, "/") == {"terms"}


def test_a_page_that_is_not_published_is_not_there(client):
    Page.objects.create(slug="terms", title="Terms", is_published=False)

    assert client.get("/p/terms/").status_code == 404
    assert client.get("/p/none/").status_code == 404


def test_robots_keep_out_of_what_is_personal_and_find_the_sitemap(client):
    response = client.get("/robots.txt")

    lines = response.content.decode().splitlines()
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert "Disallow: /checkout/" in lines
    assert "Sitemap: http://127.0.0.1:8000/sitemap.xml" in lines


def test_the_sitemap_tells_the_last_true_change(client):
    new_year = LONG_AGO.replace(hour=12)
    with time_machine.travel(new_year, tick=False):
        course = CourseFactory(slug="calm", taught=False)
        Page.objects.create(slug="terms", title="Terms")
    with time_machine.travel(NOON, tick=False):
        edition = teach(course)
        edition.published_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        edition.save()
    Offer.objects.update(updated_at=new_year)

    tree = ET.fromstring(client.get("/sitemap.xml").content)

    changed = {
        url.find(f"{SITEMAP}loc").text: getattr(url.find(f"{SITEMAP}lastmod"), "text", None)
        for url in tree.findall(f"{SITEMAP}url")
    }
    assert changed == {
        "http://127.0.0.1:8000/": None,
        "http://127.0.0.1:8000/courses/": None,
        "http://127.0.0.1:8000/courses/calm/": "2026-03-01",
        "http://127.0.0.1:8000/p/terms/": "2026-01-01",
    }


@pytest.mark.parametrize("address", ["/", "/search/?q=course"])
def test_the_number_of_queries_does_not_grow_with_the_offers(client, address, django_assert_max_num_queries):
    def ask() -> int:
        cache.clear()
        client.get("/p/none/")  # the clinic's own row is kept from page to page
        with django_assert_max_num_queries(8) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    for _ in range(3):
        CourseFactory()
    few = ask()
    for _ in range(30):
        CourseFactory(taught=False)

    assert ask() == few


def test_the_menu_marks_where_one_is(client):
    menu = client.get("/courses/?audience=professional").content.decode().partition("<nav")[2].partition("</nav>")[0]

    assert menu.count("aria-current") == 1
    assert '?audience=professional" aria-current="page"' in menu
