"""What people see when something is wrong."""

import base64
import hashlib
import re

import pytest
from django.test import Client, RequestFactory
from django.urls import path

from clinic.urls import urlpatterns as site
from foundation.errors import too_many

pytestmark = pytest.mark.django_db


def fail(request):
    raise RuntimeError("This view always fails.")


urlpatterns = [path("fail/", fail), *site]
handler500 = "foundation.errors.server_error"


def test_an_unknown_address_offers_a_search(client):
    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert b'action="/search/"' in response.content
    assert response["Cache-Control"] == "private, no-store"


def test_a_form_without_its_token_is_told_how_to_go_on():
    response = Client(enforce_csrf_checks=True).post("/accounts/login/")

    assert response.status_code == 403
    assert b"Please send that again" in response.content


@pytest.mark.parametrize(("seconds", "words"), [(30, "in 1 minute."), (60, "in 1 minute."), (61, "in 2 minutes.")])
def test_too_many_tries_says_when_to_come_back(rf: RequestFactory, seconds, words):
    response = too_many(rf.get("/"), seconds)

    assert response.status_code == 429
    assert response["Retry-After"] == str(seconds)
    assert words in response.content.decode()


@pytest.mark.urls(__name__)
def test_the_500_page_asks_nothing_and_may_show_its_own_style(django_assert_num_queries):
    client = Client(raise_request_exception=False)

    with django_assert_num_queries(0):
        response = client.get("/fail/")

    page = response.content.decode()
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert response.status_code == 500
    assert f"style-src 'sha256-{digest}'" in response["Content-Security-Policy"]
    assert re.findall(r'(?:src|href)="([^"]+)"', page) == ["/"]
