"""Pages kept whole: for whom, how long, and when they are forgotten."""

from datetime import timedelta
from unittest.mock import Mock, call

import pytest
import time_machine
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from accounts.models import Person
from coupons.models import Coupon
from courses.models import Course
from foundation.models import CrisisLine
from foundation.page_cache import PageCacheMiddleware, ProcessMemory, shared_page
from tests.factories import NOON, CourseFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def title_on(client, address="/courses/", **headers) -> str:
    return client.get(address, headers=headers).content.decode()


def test_the_second_visitor_gets_the_kept_page_without_a_query(client, django_assert_num_queries):
    CourseFactory(title="Sleeping Well")
    first = client.get("/courses/")

    with django_assert_num_queries(0):
        second = client.get("/courses/")

    assert second.content == first.content
    assert b"Sleeping Well" in second.content


def test_a_kept_page_has_the_same_headers(client):
    CourseFactory()
    first = client.get("/courses/")

    second = client.get("/courses/")

    assert dict(second.headers) == dict(first.headers)
    assert second["Cache-Control"] == "public, max-age=0, s-maxage=5"
    assert "Cookie" in second["Vary"]
    assert "Content-Security-Policy" in second
    assert second["X-Content-Type-Options"] == "nosniff"


def test_a_kept_page_costs_one_look_at_the_shared_cache(client, monkeypatch):
    CourseFactory()
    client.get("/courses/")
    looked_at = Mock(wraps=cache)
    monkeypatch.setattr("foundation.page_cache.cache", looked_at)

    client.get("/courses/")

    assert looked_at.mock_calls == [call.get("pages:generation")]


def test_a_change_in_another_process_forgets_the_pages_of_this_one(client):
    CourseFactory()
    client.get("/courses/")

    cache.set("pages:generation", 1)

    with CaptureQueriesContext(connection) as asked:
        client.get("/courses/")
    assert len(asked) > 0


def test_nothing_is_kept_while_the_shared_cache_is_away(client, monkeypatch):
    CourseFactory()
    monkeypatch.setattr("foundation.page_cache.cache", Mock(**{"get.return_value": None}))
    client.get("/courses/")

    with CaptureQueriesContext(connection) as asked:
        response = client.get("/courses/")

    assert response.status_code == 200
    assert len(asked) > 0


def test_the_memory_of_a_process_is_bounded():
    memory = ProcessMemory(2)
    memory.put(1, "first", "a")
    memory.put(1, "second", "b")
    memory.get(1, "first")

    memory.put(2, "third", "c")

    assert [memory.get(1, "first"), memory.get(1, "second"), memory.get(2, "third")] == ["a", None, "c"]


@pytest.mark.django_db(transaction=True)
def test_a_change_is_seen_at_once(client):
    course = CourseFactory(title="Sleeping Well")
    before = title_on(client)

    course.title = "Sleeping Better"
    course.save()

    assert "Sleeping Well" in before
    assert "Sleeping Better" in title_on(client)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "change",
    [
        lambda course: course.topics.create(slug="sleep", name="Sleep"),
        lambda course: course.edition.instructing.all().delete(),
        lambda course: Person.objects.update_or_create(slug="imogen-hale", defaults={"name": "Imogen Hale-Ward"}),
        lambda course: CrisisLine.objects.create(label="988", text="Day and night."),
    ],
    ids=["a topic", "an instructor gone", "an instructor renamed", "a crisis line"],
)
def test_every_change_of_what_pages_show_forgets_them(client, change):
    course = CourseFactory()
    client.get("/courses/")

    change(course)

    with CaptureQueriesContext(connection) as asked:
        client.get("/courses/")
    assert len(asked) > 0


@pytest.mark.parametrize(
    ("moment", "shown"),
    [(-SECOND, "US$15.00"), (0 * SECOND, "US$20.00"), (SECOND, "US$20.00")],
    ids=["the second before", "the second itself", "the second after"],
)
def test_a_page_kept_before_the_end_of_a_sale_is_not_shown_after_it(client, moment, shown):
    with time_machine.travel(NOON - 10 * SECOND, tick=False):
        CourseFactory(price_cents=20_00, sale_price_cents=15_00, sale_ends_at=NOON)
        assert "US$15.00" in title_on(client)

    with time_machine.travel(NOON + moment, tick=False):
        page = title_on(client)

    assert f'"price">{shown}' in page.replace('<span class="sr">Sale price</span> ', "")


@pytest.mark.parametrize(
    ("seconds_before", "kept"),
    [(60, 5), (5, 5), (4, 4), (1, 1)],
)
def test_proxies_keep_a_page_no_longer_than_to_the_next_boundary(client, seconds_before, kept):
    with time_machine.travel(NOON - seconds_before * SECOND, tick=False):
        CourseFactory(price_cents=20_00, sale_price_cents=15_00, sale_ends_at=NOON)

        assert client.get("/courses/")["Cache-Control"] == f"public, max-age=0, s-maxage={kept}"


def test_whoever_has_a_session_gets_a_page_of_their_own(client):
    CourseFactory()
    client.get("/courses/")
    client.force_login(UserFactory())

    response = client.get("/courses/")

    assert b"Sign out" in response.content
    assert response["Cache-Control"] == "private, no-store"


def test_a_page_made_for_staff_is_not_kept_for_visitors(client):
    course = CourseFactory(status=Course.Status.DRAFT, title="Not yet")
    address = course.get_absolute_url()
    client.force_login(StaffFactory())
    assert b"Not yet" in client.get(address).content
    client.logout()

    response = client.get(address)

    assert response.status_code == 404


def test_a_page_with_a_code_is_never_kept(client):
    Coupon.objects.create(code="half", percent_bp=5000, all_offers=True)
    course = CourseFactory()

    response = client.get(course.get_absolute_url() + "?coupon=half")

    assert response["Cache-Control"] == "private, no-store"
    assert b"US$70.00" in response.content
    assert b"US$70.00" not in client.get(course.get_absolute_url()).content


def test_visitors_get_no_cookie(client):
    CourseFactory()

    for address in ["/", "/courses/", "/search/?q=course"]:
        assert client.get(address).cookies == {}


@pytest.mark.parametrize(("cookie", "mark"), [("light", 'data-theme="light"'), ("dark", 'data-theme="dark"')])
def test_a_chosen_theme_has_pages_of_its_own(client, cookie, mark):
    plain = title_on(client)
    client.cookies["theme"] = cookie

    themed = title_on(client)

    assert "data-theme=" not in plain.partition("<head>")[0]
    assert mark in themed
    assert f'id="theme-{cookie}" value="{cookie}" checked' in themed


def test_a_theme_that_does_not_exist_shares_the_plain_page(client, django_assert_num_queries):
    plain = title_on(client)
    client.cookies["theme"] = '"><script>'

    with django_assert_num_queries(0):
        assert title_on(client) == plain


def test_a_message_that_waits_is_shown_although_the_page_is_kept(client):
    client.get("/courses/")
    request = RequestFactory().get("/")
    storage = messages.storage.cookie.CookieStorage(request)
    storage.add(messages.SUCCESS, "You have signed out.")
    response = HttpResponse()
    storage.update(response)
    client.cookies["messages"] = response.cookies["messages"].value

    shown = title_on(client)

    assert "You have signed out." in shown
    assert "You have signed out." not in title_on(client)


@pytest.mark.parametrize(
    ("status", "cookie"),
    [(404, False), (500, False), (302, False), (200, True)],
    ids=["not found", "failed", "moved", "sets a cookie"],
)
def test_only_whole_pages_without_cookies_are_kept(status, cookie):
    calls = []

    @shared_page
    def view(request):
        calls.append(request)
        response = HttpResponse(status=status)
        if cookie:
            response.set_cookie("name", "value")
        return response

    site = PageCacheMiddleware(view)
    for _ in range(2):
        response = site(RequestFactory().get("/somewhere/"))

    assert len(calls) == 2
    assert response["Cache-Control"] == "private, no-store"


def test_a_page_of_one_host_or_address_is_not_shown_on_another(client):
    CourseFactory(title="Sleeping Well")
    client.get("/courses/")

    assert b"Sleeping Well" not in client.get("/courses/?q=nothing+such").content
    assert settings.SESSION_COOKIE_NAME not in client.cookies
