"""What a visitor does in a browser, one step a function; the same steps walk the test server and a whole stack."""

import re
from collections.abc import Callable
from io import BytesIO

from playwright.sync_api import Page, expect
from pypdf import PdfReader

ANNA = "anna@example.org"
TITLE = "UnDoing Depression"
CODE = "changeways70"


def to_the_free_preview(page: Page) -> None:
    """Home, catalogue, course, free preview."""
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Courses", exact=True).click()
    page.get_by_role("link", name=TITLE, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    page.get_by_role("link", name=re.compile("free preview")).click()
    expect(page).to_have_url(re.compile("/preview/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def to_the_course(page: Page) -> None:
    to_the_free_preview(page)
    page.goto("/courses/undoing-depression/")


def until_video(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {{ const video = document.querySelector('video'); return {condition}; }}")


def watch(page: Page) -> None:
    """The video of this page has pictures, and they move."""
    page.get_by_role("button", name="Play", exact=True).click()
    until_video(page, "video.readyState >= 3 && video.videoWidth > 0 && video.currentTime > 0.3")
    page.get_by_role("button", name="Pause", exact=True).click()


def apply_code(page: Page, code: str) -> None:
    page.get_by_label("Have a code?").fill(code)
    page.get_by_role("button", name="Apply").click()


def halve_the_price(page: Page) -> None:
    """The course's page says US$140.00, and US$70.00 with the code."""
    price = page.locator(".price--lg")
    expect(price).to_contain_text("US$140.00")
    apply_code(page, CODE)
    expect(price).to_contain_text("US$70.00")
    expect(page.locator(".note--good")).to_contain_text("You save US$70.00")


def checkout_as_new(page: Page, button: str = "Pay US$70.00", email: str = ANNA) -> None:
    page.get_by_role("link", name=re.compile("^Enrol")).click()
    page.get_by_label("Email").fill(email)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name=button).click()


def pay(page: Page, payment_page: str) -> None:
    expect(page).to_have_url(re.compile(f"^{re.escape(payment_page)}/c/pay/"))
    page.get_by_role("button", name="Pay US$70.00").click()


def to_payment(page: Page, email: str = ANNA) -> None:
    """To the payment page with the code that halves the price."""
    page.goto(f"/courses/undoing-depression/?coupon={CODE}")
    checkout_as_new(page, email=email)
    expect(page.get_by_role("button", name="Pay US$70.00")).to_be_visible()


def receipt_text(page: Page) -> str:
    """What the receipt says that this order page links to."""
    paper = page.request.get(page.get_by_role("link", name="Receipt (PDF)").get_attribute("href") or "")
    return "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(paper.body())).pages)


def open_first_lesson(page: Page) -> str:
    """From the order page into the course; answers the lesson's address."""
    page.get_by_role("link", name="Start the course").click()
    page.get_by_role("link", name=re.compile("^Start")).first.click()
    expect(page).to_have_url(re.compile("/learn/undoing-depression/.+/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page.url


def sign_in_by_code(page: Page, mailed_code: Callable[[str], str], email: str = ANNA) -> None:
    """On a page that asks who one is."""
    page.get_by_label("Email").first.fill(email)
    page.get_by_role("button", name=re.compile("code", re.IGNORECASE)).first.click()
    expect(page.get_by_label("Code")).to_be_visible()
    page.get_by_label("Code").fill(mailed_code(email))
    page.get_by_role("button", name=re.compile("Sign in|Continue|Confirm")).first.click()
