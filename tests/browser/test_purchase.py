"""The main job: from the front page to a seat in a course, paid with a code; with and without JavaScript."""

import re
import time
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from clinic.sample_clinic import load
from enrolments.models import Enrolment
from mail.models import Message
from payments.models import CheckoutAttempt, Order, Receipt
from payments.sandbox import Sandbox
from tests.browser.walking import (
    ANNA,
    checkout_as_new,
    halve_the_price,
    open_first_lesson,
    pay,
    receipt_text,
    sign_in_by_code,
    to_payment,
    to_the_course,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def stripe_page() -> Iterator[Sandbox]:
    with Sandbox(pump=True) as sandbox:
        yield sandbox


@pytest.fixture
def shop(stripe_page, live_server, settings) -> Iterator[Sandbox]:
    """The sample clinic, and a Stripe that tells it of payments as they happen."""
    stripe_page.control("reset")
    settings.STRIPE_API_BASE = stripe_page.base_url
    settings.STRIPE_WEBHOOK_SECRETS = [stripe_page.webhook_secret]
    settings.SITE_URL = live_server.url
    settings.SECURE_CSP = settings.SECURE_CSP | {"form-action": ["'self'", stripe_page.base_url]}
    stripe_page.webhook_url = f"{live_server.url}/payments/stripe/webhook/"
    load(at=timezone.now())
    yield stripe_page
    stripe_page.webhook_url = None


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_from_the_front_page_to_a_seat_paid_with_a_code(shop, open_browser, mailed_code, javascript):
    page = open_browser(java_script_enabled=javascript)
    to_the_course(page)
    halve_the_price(page)

    checkout_as_new(page)
    pay(page, shop.base_url)

    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")
    order = Order.objects.get()
    assert (order.state, order.total_cents, order.code) == (Order.State.PAID, 70_00, "changeways70")
    expect(page.get_by_text(Receipt.objects.get().number)).to_be_visible()

    assert "US$70.00" in receipt_text(page)

    lesson = open_first_lesson(page)

    mail = Message.objects.get(kind="receipt")
    assert (mail.to, "US$70.00" in mail.text) == (ANNA, True)

    later = open_browser(java_script_enabled=javascript)
    later.goto(lesson)
    expect(later).to_have_url(re.compile(r"/accounts/.*next="))
    sign_in_by_code(later, mailed_code)
    expect(later).to_have_url(lesson)
    assert Message.objects.filter(to=ANNA).count() == 2


def test_signing_out_closes_order_and_course_until_the_code_is_given(shop, open_browser, mailed_code):
    page = open_browser()
    to_payment(page)
    page.get_by_role("button", name="Pay US$70.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")
    order = page.url

    page.get_by_role("button", name="Sign out").click()
    page.goto(order)
    expect(page).to_have_url(re.compile("/accounts/login/"))
    sign_in_by_code(page, mailed_code)

    expect(page).to_have_url(order)
    expect(page.get_by_role("heading", level=1)).to_contain_text("You are enrolled")


def test_a_declined_card_may_be_followed_by_a_good_one(shop, open_browser):
    page = open_browser()
    to_payment(page)

    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text(re.compile("declined", re.IGNORECASE)).first).to_be_visible()
    assert not Enrolment.objects.filter(learner__email=ANNA).exists()
    page.get_by_role("button", name="Pay US$70.00").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")
    assert CheckoutAttempt.objects.count() == 1


def test_whoever_leaves_the_payment_page_finds_the_order_and_carries_on(shop, open_browser):
    page = open_browser()
    to_payment(page)

    page.get_by_role("link", name="Abandon").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your order is waiting for you")
    page.get_by_role("button", name="Pay US$70.00").click()
    page.get_by_role("button", name="Pay US$70.00").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")
    assert Order.objects.count() == CheckoutAttempt.objects.count() == 1


def test_a_bank_that_takes_its_time_enrols_in_the_end(shop, open_browser):
    page = open_browser()
    to_payment(page)

    page.get_by_role("button", name="Pay later by bank").click()
    bank = page.url
    if "/c/bank/" in bank:
        page.get_by_role("link", name="Back to the shop").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your bank is working on it")
    shop.control("sessions/succeed", session=CheckoutAttempt.objects.get().session_id)

    # The page looks again by itself.
    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")


def test_whoever_closes_the_tab_after_paying_is_enrolled_within_two_seconds(shop, open_browser):
    page = open_browser()
    to_payment(page)
    page.close()

    paid_at = time.monotonic()
    shop.control("sessions/pay", session=CheckoutAttempt.objects.get().session_id)
    while not Enrolment.objects.filter(learner__email=ANNA).exists():
        assert time.monotonic() - paid_at < 2
        time.sleep(0.02)

    assert Message.objects.get(kind="receipt").to == ANNA


def test_enter_means_the_code_in_its_field_and_the_payment_elsewhere(shop, open_browser):
    page = open_browser()
    page.goto("/checkout/undoing-depression/")

    page.get_by_label("Code").fill("changeways70")
    page.get_by_label("Code").press("Enter")
    expect(page.get_by_role("button", name="Pay US$70.00")).to_be_visible()
    page.get_by_role("checkbox").check()
    page.get_by_label("Email").fill(ANNA)
    page.get_by_label("Email").press("Enter")

    expect(page).to_have_url(re.compile(f"^{re.escape(shop.base_url)}/c/pay/"))


def test_a_wrong_code_at_checkout_takes_the_focus_to_what_is_wrong(shop, open_browser):
    page = open_browser()
    page.goto("/checkout/undoing-depression/")
    page.get_by_label("Email").fill(ANNA)

    page.get_by_label("Code").fill("nonsense")
    page.get_by_role("button", name="Apply").click()

    expect(page).to_have_title(re.compile("^Error: Checkout"))
    expect(page.locator(".errors")).to_be_focused()
    expect(page.get_by_label("Email")).to_have_value(ANNA)
    page.locator(".errors").get_by_role("link").click()
    expect(page.get_by_label("Code")).to_be_focused()
    page.get_by_role("button", name="Carry on without a code").click()
    expect(page.locator(".errors")).to_have_count(0)
    expect(page.get_by_label("Email")).to_have_value(ANNA)


def test_a_double_click_on_pay_places_one_order(shop, open_browser):
    page = open_browser()
    page.goto("/checkout/undoing-depression/?coupon=changeways70")
    page.get_by_label("Email").fill(ANNA)
    page.get_by_role("checkbox").check()

    page.get_by_role("button", name="Pay US$70.00").dblclick(no_wait_after=True)

    expect(page).to_have_url(re.compile(f"^{re.escape(shop.base_url)}/c/pay/"))
    assert Order.objects.count() == CheckoutAttempt.objects.count() == 1


def test_back_after_paying_offers_nothing_to_pay(shop, open_browser):
    page = open_browser()
    page.goto("/checkout/undoing-depression/?coupon=changeways70")
    page.get_by_label("Email").fill(ANNA)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Pay US$70.00").click()
    page.get_by_role("button", name="Pay US$70.00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled")

    page.goto("/checkout/undoing-depression/?coupon=changeways70")

    expect(page.get_by_role("heading", level=1)).to_have_text("You are enrolled already")
