import re

import pytest
from django.test import RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.signing_in import send_code_and_continue
from mail.models import Message
from tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

ASK = "/accounts/login/code/"
ENTER = "/accounts/login/code/confirm/"
THERE = "/courses/undoing-depression/?coupon=changeways70"


def signed_in(client) -> User | None:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk) if pk else None


def test_a_mailed_code_signs_in_and_leads_on_to_where_one_was_going(client, mailed_code):
    user = UserFactory(email="sam@example.org")

    asked = client.post(ASK, {"email": "Sam@Example.org ", "next": THERE}, follow=True)
    entered = client.post(asked.redirect_chain[-1][0], {"code": mailed_code("sam@example.org"), "next": THERE})

    assert entered.url == THERE
    assert signed_in(client) == user


def test_a_code_may_be_typed_in_small_letters_without_its_dash(client, mailed_code):
    user = UserFactory()
    client.post(ASK, {"email": user.email})

    client.post(ENTER, {"code": mailed_code(user.email).replace("-", " ").lower()})

    assert signed_in(client) == user


def test_the_code_field_asks_the_browser_for_the_code(client):
    client.post(ASK, {"email": UserFactory().email})

    page = client.get(ENTER).content.decode()

    assert 'autocomplete="one-time-code"' in page


def test_an_unknown_address_sees_the_same_page_and_gets_a_mail_that_leads_to_sign_up(client, newest_mail):
    known = UserFactory(email="known@example.org")
    pages = {}
    for address in (known.email, "other@example.org"):
        client.cookies.clear()
        page = client.post(ASK, {"email": address, "next": THERE}, follow=True)
        words = re.sub(r'value="\w{64}"', "token", page.content.decode()).replace(address, "…")
        pages[address] = (page.redirect_chain, words)

    assert pages[known.email] == pages["other@example.org"]
    mail = newest_mail("other@example.org")
    assert mail.kind == "unknown_account"
    assert "/accounts/signup/?email=other%40example.org&next=%2Fcourses%2Fundoing-depression%2F%3Fcoupon" in mail.text


def test_a_password_signs_in_too(client):
    user = UserFactory()

    answer = client.post("/accounts/login/", {"login": user.email, "password": "correct horse battery", "next": THERE})

    assert answer.url == THERE
    assert signed_in(client) == user


def test_a_wrong_password_opens_the_password_form_with_its_error(client):
    user = UserFactory()

    page = client.post("/accounts/login/", {"login": user.email, "password": "wrong"}).content.decode()

    assert "The address and the password do not belong together." in page
    assert '<details class="fold" open>' in page


def test_the_third_wrong_code_ends_it_and_keeps_where_one_was_going(client, mailed_code):
    user = UserFactory()
    client.post(ASK, {"email": user.email})
    code = mailed_code(user.email)
    for _attempt in range(2):
        client.post(ENTER, {"code": "BBB-BBB", "next": THERE})

    last = client.post(ENTER, {"code": "BBB-BBB", "next": THERE})
    too_late = client.post(ENTER, {"code": code})

    assert last.url.startswith(f"{ASK}?next=")
    assert too_late.url == ASK
    assert signed_in(client) is None


def test_another_code_can_be_mailed_and_replaces_the_first(client, mailed_code):
    user = UserFactory()
    client.post(ASK, {"email": user.email})
    first = mailed_code(user.email)
    answer = client.post(ENTER, {"action": "resend", "next": THERE})

    client.post(ENTER, {"code": mailed_code(user.email)})

    assert "next=" in answer.url
    assert first != mailed_code(user.email)
    assert signed_in(client) == user


def test_asking_for_codes_is_limited(client):
    user = UserFactory()
    for _browser in range(4):
        client.cookies.clear()
        client.post(ASK, {"email": user.email})

    assert Message.objects.filter(to=user.email).count() == 3


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_next_never_leads_to_another_site(client, mailed_code, elsewhere):
    user = UserFactory()
    client.post(ASK, {"email": user.email, "next": elsewhere})

    answer = client.post(ENTER, {"code": mailed_code(user.email), "next": elsewhere})

    assert answer.url == reverse("enrolments:learn")


def test_going_back_to_sign_in_while_a_code_waits_keeps_the_new_destination(client):
    client.post(ASK, {"email": UserFactory().email})

    answer = client.get("/accounts/login/", {"next": THERE})

    assert answer.url == f"{ENTER}?next=%2Fcourses%2Fundoing-depression%2F%3Fcoupon%3Dchangeways70"


@pytest.mark.parametrize(
    "page", ["account_login", "account_request_login_code", "account_signup", "account_reset_password"]
)
def test_an_anonymous_visit_to_an_entrance_page_opens_no_session(client, page):
    response = client.get(reverse(page), {"next": THERE})

    assert "sessionid" not in response.cookies
    assert response.status_code == 200


def test_an_account_that_is_switched_off_gets_no_code(client):
    user = UserFactory(is_active=False)

    client.post(ASK, {"email": user.email})

    assert Message.objects.get(to=user.email).kind == "unknown_account"


def test_a_code_for_an_address_that_was_given_up_signs_nobody_in(client, mailed_code):
    user = UserFactory(email="old@example.org")
    client.post(ASK, {"email": "old@example.org"})
    code = mailed_code("old@example.org")
    user.emailaddress_set.update(email="new@example.org")
    User.objects.update(email="new@example.org")

    answer = client.post(ENTER, {"code": code})

    assert answer.url == reverse("account_login")
    assert signed_in(client) is None


class TestTheCodeStepOfOtherPages:
    def test_mails_a_code_and_leads_on_to_the_page_that_asked(self, client, mailed_code, rf_with_session):
        user = UserFactory()
        request = rf_with_session(client)

        answer = send_code_and_continue(request, user.email, "/checkout/undoing-depression/?coupon=half")
        request.session.save()
        client.cookies["sessionid"] = request.session.session_key
        entered = client.post(answer.url, {"code": mailed_code(user.email)})

        assert answer.url == f"{ENTER}?next=%2Fcheckout%2Fundoing-depression%2F%3Fcoupon%3Dhalf"
        assert entered.url == "/checkout/undoing-depression/?coupon=half"
        assert signed_in(client) == user

    def test_answers_429_to_whoever_asks_too_often(self, client, rf_with_session):
        user = UserFactory()
        request = rf_with_session(client)
        for _time in range(3):
            send_code_and_continue(request, user.email, "/")

        answer = send_code_and_continue(request, user.email, "/")

        assert answer.status_code == 429
        assert answer["Retry-After"] == "60"


@pytest.fixture
def rf_with_session():
    from allauth.core import context
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.messages.storage.fallback import FallbackStorage

    contexts = []

    def make(client):
        request = RequestFactory().post("/checkout/undoing-depression/")
        request.session = client.session
        request.user = AnonymousUser()
        request._messages = FallbackStorage(request)
        entered = context.request_context(request)
        entered.__enter__()
        contexts.append(entered)
        return request

    yield make
    for entered in contexts:
        entered.__exit__(None, None, None)


class TestTheAdmin:
    def test_sends_a_visitor_to_the_sites_own_sign_in_and_takes_staff_back(self, client, mailed_code):
        staff = StaffFactory()
        page = client.get("/admin/", follow=True)
        assert page.redirect_chain[-1][0] == "/accounts/login/?next=/admin/"

        client.post(ASK, {"email": staff.email, "next": "/admin/"})
        entered = client.post(ENTER, {"code": mailed_code(staff.email), "next": "/admin/"}, follow=True)

        assert entered.redirect_chain[-1][0] == "/admin/"
        assert entered.status_code == 200

    @pytest.mark.parametrize("address", ["/admin/", "/admin/login/", "/admin/accounts/user/", "/admin/nothing/"])
    def test_does_not_exist_for_a_learner(self, client, address):
        client.force_login(UserFactory())

        assert client.get(address).status_code == 404

    def test_sends_staff_on_from_its_sign_in_page(self, client):
        client.force_login(StaffFactory())

        assert client.get("/admin/login/?next=https://evil.example/").url == "/admin/"
