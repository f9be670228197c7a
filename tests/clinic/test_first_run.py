import io
import re

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command

from accounts.models import User
from foundation.models import ClinicIdentity
from mail.models import Message
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ANSWERS = {
    "owner": "Owner@Harbour.example",
    "clinic": "Harbour Clinic",
    "legal_name": "Harbour Clinic Inc.",
    "address": "1 Pier Road; Victoria, BC; Canada",
    "clinic_email": "hello@harbour.example",
}


@pytest.fixture(autouse=True)
def real_site(settings):
    settings.DEMO = False
    settings.SITE_URL = "https://courses.harbour.example"


def first_run(**answers) -> str:
    printed = io.StringIO()
    call_command("first_run", interactive=False, stdout=printed, **answers)
    return printed.getvalue()


def test_makes_owner_and_identity_and_says_where_to_sign_in():
    printed = first_run(**ANSWERS)

    owner = User.objects.get()
    identity = ClinicIdentity.objects.get()
    assert (owner.email, owner.is_superuser, owner.is_staff) == ("owner@harbour.example", True, True)
    assert (identity.name, identity.address) == ("Harbour Clinic", "1 Pier Road\nVictoria, BC\nCanada")
    assert identity.care_notice
    assert "https://courses.harbour.example/accounts/login/code/" in printed


def test_owner_has_no_password_but_a_proved_address():
    printed = first_run(**ANSWERS)

    owner = User.objects.get()
    assert not owner.has_usable_password()
    assert EmailAddress.objects.get(user=owner).verified
    assert "password" not in printed.lower()


def test_owner_signs_in_with_the_mailed_code_and_opens_the_admin(client):
    first_run(**ANSWERS)

    client.post("/accounts/login/code/", {"email": "owner@harbour.example"}, secure=True)
    code = re.search(r"^ *([A-Z0-9]{3,4}-?[A-Z0-9]{3,4}) *$", Message.objects.get(kind="login_code").text, re.MULTILINE)
    client.post("/accounts/login/code/confirm/", {"code": code[1]}, secure=True)

    assert client.get("/admin/", secure=True).status_code == 200


def test_repeating_it_keeps_what_is_there():
    first_run(**ANSWERS)

    first_run()

    assert User.objects.count() == 1
    assert ClinicIdentity.objects.get().name == "Harbour Clinic"


def test_repeating_it_with_another_answer_changes_that_alone():
    first_run(**ANSWERS)

    first_run(phone="250-555-0100")

    identity = ClinicIdentity.objects.get()
    assert (identity.phone, identity.name) == ("250-555-0100", "Harbour Clinic")


def test_account_that_exists_becomes_owner_and_keeps_its_password():
    UserFactory(email="owner@harbour.example")

    first_run(**ANSWERS)

    owner = User.objects.get()
    assert owner.is_superuser
    assert owner.check_password("correct horse battery")


def test_asks_for_what_no_flag_says(monkeypatch):
    asked = []
    answers = iter(["", ""])  # telephone and tax number stay empty
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or next(answers))

    call_command("first_run", stdout=io.StringIO(), **ANSWERS)

    assert asked == ["Telephone: ", "Tax number, for receipts: "]
    assert ClinicIdentity.objects.get().phone == ""


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"owner": ""}, "--owner"),
        ({"owner": "nobody"}, "is no e-mail address"),
        ({"owner": "staff@larkwater.example"}, "sample clinic"),
        ({"clinic": " "}, "--clinic"),
        ({"address": ";"}, "address"),
        ({"clinic_email": "hello"}, "email"),
    ],
)
def test_refuses_nonsense_and_leaves_nothing(answers, reason):
    with pytest.raises(CommandError, match=reason):
        first_run(**ANSWERS | answers)

    assert not User.objects.exists()
    assert not ClinicIdentity.objects.exists()


@pytest.mark.parametrize(
    "site_url",
    ["http://courses.harbour.example", "https://localhost", "https://127.0.0.1", "https://harbour.example/courses"],
)
def test_refuses_an_address_at_which_nobody_reaches_the_site(settings, site_url):
    settings.SITE_URL = site_url

    with pytest.raises(CommandError, match="SITE_URL"):
        first_run(**ANSWERS)


def test_refuses_the_demo(settings):
    settings.DEMO = True

    with pytest.raises(CommandError, match="This is the demo"):
        first_run(**ANSWERS)
