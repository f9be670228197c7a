from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings

from mail.outbox import write
from tests.factories import NOON

pytestmark = pytest.mark.django_db

ACCOUNT_MAILS = sorted((settings.BASE_DIR / "templates/account/email").glob("*_subject.txt"))


@pytest.fixture
def order():
    return SimpleNamespace(
        number="7KQ2M9XW3P", email="sam@example.org", currency="usd", sale_cents=0, coupon_cents=70_00, waived_cents=0,
        tax_cents=0, total_cents=70_00, code="changeways70", is_sensitive=True,
    )  # fmt: skip


@pytest.fixture
def receipt_mail(order):
    def make(**given):
        context = {
            "order": order,
            "receipt": SimpleNamespace(number="R-2026-000123", issued_at=NOON),
            "lines": [SimpleNamespace(title="UnDoing <Depression>", list_cents=140_00)],
            "order_url": "https://clinic.example/orders/7KQ2M9XW3P/",
            "learn_url": "https://clinic.example/learn/",
            "made_account": False,
        }
        return write(
            key="receipt:x", kind="receipt", to=order.email, template="receipt", context=context | given, at=NOON
        )

    return make


def test_the_receipt_says_what_was_paid_in_text_and_html(receipt_mail):
    mail = receipt_mail()

    for body in (mail.text, mail.html):
        for words in ("R-2026-000123", "US$140.00", "changeways70", "−US$70.00", "/orders/7KQ2M9XW3P/", "/learn/"):
            assert words in body
    assert "UnDoing <Depression>" in mail.text
    assert "UnDoing &lt;Depression&gt;" in mail.html


def test_pictures_are_fetched_from_the_site_by_their_full_address(receipt_mail, settings):
    settings.SITE_URL = "https://clinic.example"

    assert 'src="https://clinic.example/static/art/email-line.png"' in receipt_mail().html


def test_a_picture_that_collectstatic_missed_does_not_undo_what_the_mail_is_about(receipt_mail, settings, tmp_path):
    hashed = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": hashed}
    settings.SITE_URL = "https://clinic.example"

    assert 'src="https://clinic.example/static/art/email-line.png"' in receipt_mail().html


def test_a_subject_and_its_preview_line_never_name_the_course(receipt_mail):
    mail = receipt_mail()

    assert mail.subject == "Your receipt from New clinic"
    before_the_heading = mail.html.partition("<h1")[0]
    assert "UnDoing" not in before_the_heading


@pytest.mark.parametrize("made_account", [True, False])
def test_whoever_got_an_account_by_paying_reads_how_to_come_back(receipt_mail, made_account):
    mail = receipt_mail(made_account=made_account)

    assert ("/accounts/login/" in mail.text) is made_account
    assert ("/accounts/login/" in mail.html) is made_account


def test_pictures_have_absolute_addresses(receipt_mail, settings):
    settings.SITE_URL = "https://clinic.example"

    assert 'src="https://clinic.example/static/art/email-line.png"' in receipt_mail().html


def test_a_payment_that_failed_says_that_nothing_was_charged(order):
    mail = write(
        key="payment_failed:x", kind="payment_failed", to=order.email, template="payment_failed",
        context={"order": order, "order_url": "https://clinic.example/orders/7KQ2M9XW3P/"}, at=NOON,
    )  # fmt: skip

    assert mail.subject == "Your payment to New clinic did not go through"
    assert "Nothing was charged" in mail.text
    assert "https://clinic.example/orders/7KQ2M9XW3P/" in mail.html


@pytest.mark.parametrize("subject", ACCOUNT_MAILS, ids=lambda path: path.stem)
def test_every_account_mail_has_a_neutral_subject_text_and_html(subject: Path):
    from django.template.loader import render_to_string

    name = f"account/email/{subject.stem.removesuffix('_subject')}"
    context = {
        "clinic": SimpleNamespace(name="Larkwater", legal_name="Larkwater Inc", address="1 Quay", email="a@b.example"),
        "site_url": "https://clinic.example", "to": "sam@example.org", "email": "sam@example.org", "code": "BCD-FGH",
        "timestamp": NOON, "ip": "192.0.2.1", "user_agent": "Browser", "login_url": "https://clinic.example/in",
        "signup_url": "https://clinic.example/up", "from_email": "old@example.org", "to_email": "new@example.org",
    }  # fmt: skip

    assert "Larkwater" in render_to_string(f"{name}_subject.txt", context)
    text, html = (render_to_string(f"{name}_message.{kind}", context) for kind in ("txt", "html"))
    assert "Larkwater Inc" in text
    assert "<h1" in html
    assert ("BCD-FGH" in text) == ("BCD-FGH" in html)
