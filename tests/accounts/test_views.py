import pytest

from accounts.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

PROFILE = "/accounts/profile/"


@pytest.fixture
def sam(client):
    sam = UserFactory(email="sam@example.org")
    client.force_login(sam)
    return sam


@pytest.mark.parametrize("page", ["/accounts/", PROFILE, "/accounts/reauthenticate/code/", "/accounts/email/"])
def test_a_visitor_is_asked_to_sign_in(client, page):
    assert client.get(page).url == f"/accounts/login/?next={page}"


@pytest.mark.parametrize(
    "page",
    [
        "/accounts/", PROFILE, "/accounts/privacy/", "/accounts/email/", "/accounts/password/change/",
        "/accounts/logout/", "/accounts/reauthenticate/", "/accounts/reauthenticate/code/", "/accounts/inactive/",
    ],
)  # fmt: skip
def test_every_page_of_the_account_opens_within_its_budget(client, sam, page, django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        answer = client.get(page)

    assert answer.status_code == 200
    assert "{%" not in answer.content.decode()


def test_the_profile_is_saved(client, sam):
    typed = {"legal_name": "Sam Okafor", "display_name": "Sam", "time_zone": "America/Vancouver"}

    client.post(PROFILE, typed | {"country": "CA", "province": "CA-BC"})

    sam.refresh_from_db()
    assert (sam.legal_name, sam.greeting_name, sam.province) == ("Sam Okafor", "Sam", "CA-BC")
    assert str(client.get(PROFILE).wsgi_request.user) == "sam@example.org"


@pytest.mark.parametrize(("country", "province"), [("US", "CA-BC"), ("GB", "US-NY"), ("", "CA-BC")])
def test_a_province_lies_in_the_country(client, sam, country, province):
    page = client.post(PROFILE, {"country": country, "province": province}).content.decode()

    assert "This province or state is not in the country you chose." in page
    assert User.objects.get().province == ""


def test_the_profile_leads_on_to_the_page_that_asked_for_it(client, sam):
    answer = client.post(PROFILE, {"legal_name": "Sam Okafor", "next": "/learn/"})

    assert answer.url == "/learn/"


def test_a_first_password_can_be_set_and_changed(client, sam):
    sam.set_unusable_password()
    sam.save()
    client.force_login(sam)
    assert client.get("/accounts/password/change/").url == "/accounts/password/set/"

    chosen = {"password1": "a quiet river bend", "password2": "a quiet river bend"}
    assert client.post("/accounts/password/set/", chosen).url == "/accounts/"

    sam.refresh_from_db()
    assert sam.check_password("a quiet river bend")
    assert client.get("/accounts/").status_code == 200
