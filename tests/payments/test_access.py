"""Who may open an order: its owner, the browser that placed it, and staff with the right; for others it does not exist."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests.factories import CourseFactory, StaffFactory, UserFactory
from tests.payments.buying import ANNA, bought, placed

pytestmark = pytest.mark.django_db

PAGES = ["order", "receipt", "return"]


def signed_in(user) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.fixture
def paying_browser():
    return Client()


@pytest.fixture
def order(sandbox, paying_browser):
    return bought(paying_browser, sandbox, CourseFactory())


@pytest.fixture
def people(order, paying_browser):
    helper = UserFactory(is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="view_order"))
    return {
        "the paying browser": paying_browser,
        "the owner elsewhere": signed_in(order.buyer),
        "staff who may see orders": signed_in(helper),
        "the owner of the site": signed_in(StaffFactory()),
        "staff without the right": signed_in(UserFactory(is_staff=True)),
        "somebody else": signed_in(UserFactory()),
        "a visitor": Client(),
    }


MAY = ["the paying browser", "the owner elsewhere", "staff who may see orders", "the owner of the site"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", MAY)
def test_these_may(people, order, who, page):
    response = people[who].get(reverse(f"payments:{page}", args=[order.number]))

    assert response.status_code == (302 if page == "return" else 200)
    assert not response.headers.get("Location", "").startswith(reverse("account_login"))
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["somebody else", "staff without the right"])
def test_for_these_there_is_no_such_order(people, order, who, page):
    there, nowhere = (
        people[who].get(reverse(f"payments:{page}", args=[number])) for number in (order.number, "0000000000")
    )

    assert there.status_code == nowhere.status_code == 404


def test_no_database_is_asked_for_a_number_with_a_null_byte(people, django_assert_num_queries):
    browser = people["a visitor"]

    with django_assert_num_queries(0):
        response = browser.get("/orders/0000%00000/")

    assert response.status_code == 302


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_is_asked_to_sign_in_whether_or_not_the_order_exists(people, order, page):
    for number in (order.number, "0000000000"):
        address = reverse(f"payments:{page}", args=[number])

        response = people["a visitor"].get(address)

        assert response.status_code == 302
        assert response.headers["Location"] == f"{reverse('account_login')}?next={address}"
        assert not response.cookies


@pytest.mark.parametrize("deed", ["pay", "cancel"])
@pytest.mark.parametrize(
    ("who", "status"), [("somebody else", 404), ("a visitor", 302), ("the owner of the site", 404)]
)
def test_others_can_do_nothing_to_an_order(sandbox, people, who, status, deed):
    theirs = placed(Client(), CourseFactory(), email="bea@example.org")

    response = people[who].post(reverse(f"payments:{deed}", args=[theirs.number]))

    theirs.refresh_from_db()
    assert response.status_code == status
    assert theirs.is_pending


@pytest.mark.parametrize("who", [*MAY[1:], "somebody else", "staff without the right"])
def test_only_the_paying_browser_may_correct_the_address(people, order, who):
    assert people[who].get(reverse("payments:address", args=[order.number])).status_code == 404
    assert people["the paying browser"].get(reverse("payments:address", args=[order.number])).status_code == 200


def test_signing_out_takes_the_order_out_of_the_browser(people, order, paying_browser):
    paying_browser.post(reverse("account_logout"))

    assert paying_browser.get(order.get_absolute_url()).status_code == 302


def test_an_account_from_before_is_never_opened_by_a_payment(sandbox, client):
    """Its owner pays signed in, in one browser; the order's address in another opens nothing."""
    user = UserFactory(email=ANNA)
    browser = signed_in(user)
    theirs = bought(browser, sandbox, CourseFactory())
    browser.post(reverse("account_logout"))

    browser.get(reverse("payments:return", args=[theirs.number]))

    assert browser.get(reverse("enrolments:learn")).status_code == 302


def test_my_orders_are_for_those_who_signed_in(client):
    response = client.get(reverse("payments:orders"))

    assert response.headers["Location"] == f"{reverse('account_login')}?next={reverse('payments:orders')}"
