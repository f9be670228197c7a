"""What the site's script makes quicker, in a real browser; and that nothing needs it."""

import re

import pytest
from playwright.sync_api import expect

from coupons.models import Coupon
from courses.models import Course
from tests.factories import CourseFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def course() -> Course:
    Coupon.objects.create(code="changeways70", percent_bp=5000, all_offers=True)
    return CourseFactory(slug="calm", title="Calm")


def apply_code(page, code: str) -> None:
    page.get_by_label("Have a code?").fill(code)
    page.get_by_role("button", name="Apply").click()


def test_a_code_changes_the_price_without_loading_the_page(course, open_browser):
    page = open_browser()
    page.goto("/courses/calm/")
    page.evaluate("window.same = true")

    apply_code(page, "changeways70")

    expect(page.locator(".price--lg")).to_contain_text("US$70.00")
    expect(page).to_have_url(re.compile(r"/courses/calm/\?coupon=changeways70$"))
    expect(page.get_by_role("status").filter(has_text="US$70.00")).to_have_count(1)
    assert page.evaluate("window.same")


def test_back_brings_the_plain_price_back(course, open_browser):
    page = open_browser()
    page.goto("/courses/calm/")
    apply_code(page, "changeways70")
    expect(page.locator(".price--lg")).to_contain_text("US$70.00")

    page.go_back()

    expect(page.locator(".price--lg")).to_contain_text("US$140.00")
    expect(page).to_have_url(re.compile(r"/courses/calm/$"))


def test_a_code_can_be_removed(course, open_browser):
    page = open_browser()
    page.goto("/courses/calm/?coupon=changeways70")
    page.evaluate("window.same = true")

    page.get_by_role("link", name="Remove").click()

    expect(page.locator(".price--lg")).to_contain_text("US$140.00")
    assert page.evaluate("window.same")


def test_a_bad_code_says_why_and_keeps_the_focus_in_its_field(course, open_browser):
    page = open_browser()
    page.goto("/courses/calm/")

    apply_code(page, "nothing")

    expect(page.locator(".field__error")).to_be_visible()
    expect(page.locator(".price--lg")).to_contain_text("US$140.00")
    expect(page.get_by_label("Have a code?")).to_be_focused()


def test_a_code_works_without_scripts(course, open_browser):
    page = open_browser(java_script_enabled=False)
    page.goto("/courses/calm/")

    apply_code(page, "changeways70")

    expect(page.locator(".price--lg")).to_contain_text("US$70.00")


def test_the_catalogue_is_filtered_without_scripts(course, open_browser):
    CourseFactory(title="Clinic work", audience=Course.Audience.PROFESSIONAL)
    page = open_browser(java_script_enabled=False)
    page.goto("/courses/")

    page.get_by_label("Professionals").check()
    page.get_by_role("button", name="Show courses").click()

    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_role("article")).to_contain_text("Clinic work")


def test_the_chosen_theme_is_remembered(course, open_browser):
    page = open_browser(color_scheme="light")
    page.goto("/")

    page.get_by_label("Dark").check()
    page.goto("/courses/")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.get_by_label("Dark")).to_be_checked()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"

    page.get_by_label("System").check()
    page.goto("/")
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light dark"


def test_the_menu_opens_on_a_phone_without_scripts(course, open_browser):
    page = open_browser(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page.goto("/")

    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Courses", exact=True).click()

    expect(page).to_have_url(re.compile(r"/courses/$"))


def test_the_first_tab_leads_past_the_menu(course, open_browser):
    page = open_browser()
    page.goto("/courses/calm/")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()
