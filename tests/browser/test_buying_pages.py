"""axe finds nothing on checkout and orders in any state; nothing scrolls sideways on the smallest screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone

from payments.models import CheckoutAttempt, Order
from payments.sandbox import Sandbox
from tests.browser.test_accessibility import LOOKS, RULES
from tests.factories import BundleFactory, CouponFactory, CourseFactory, UserFactory
from tests.payments.buying import bought, placed
from tests.payments.delivering import SECRET

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(settings) -> list[tuple[str, Client]]:
    """An address for every state, and who may open it."""
    with Sandbox(webhook_secret=SECRET, pump=False) as sandbox:
        settings.STRIPE_API_BASE = sandbox.base_url
        course = CourseFactory(slug="calm", title="Calm", price_cents=60_00, sale_price_cents=45_00)
        other = CourseFactory(slug="sleep", title="Sleep")
        both = BundleFactory(slug="both", courses=[course, other])
        CouponFactory(code="half", percent_bp=5000)
        CouponFactory(code="present", percent_bp=10_000)
        CouponFactory(code="over", ends_at=timezone.now())

        browsers = [Client() for _ in range(6)]
        pending = placed(browsers[0], other, email="pending@example.org")
        cancelled = placed(browsers[1], other, email="cancelled@example.org")
        browsers[1].post(f"/orders/{cancelled.number}/cancel/")
        late = placed(browsers[2], other, email="late@example.org")
        Order.objects.filter(pk=late.pk).update(expires_at=timezone.now())
        slow = placed(browsers[3], other, email="slow@example.org")
        sandbox.control("sessions/delay", session=CheckoutAttempt.objects.get(order=slow).session_id)
        browsers[3].get(f"/orders/{slow.number}/return/")
        paid = bought(browsers[4], sandbox, both, seen=150_00)
        staff = Client()
        staff.force_login(UserFactory(is_staff=True, is_superuser=True))
        browsers[5].force_login(UserFactory())

    visitor = Client()
    return [
        ("/checkout/calm/", visitor),
        ("/checkout/sleep/?coupon=half", visitor),
        ("/checkout/sleep/?coupon=nonsense", visitor),
        ("/checkout/sleep/?coupon=over", visitor),
        ("/checkout/sleep/?coupon=present", visitor),
        ("/checkout/both/", visitor),
        ("/checkout/sleep/", browsers[5]),
        ("/checkout/sleep/", browsers[4]),
        ("/redeem/", visitor),
        ("/redeem/?coupon=nonsense", visitor),
        ("/redeem/?coupon=half", visitor),
        (pending.get_absolute_url(), browsers[0]),
        (f"{pending.get_absolute_url()}?looks=20", browsers[0]),
        (cancelled.get_absolute_url(), browsers[1]),
        (late.get_absolute_url(), browsers[2]),
        (slow.get_absolute_url(), browsers[3]),
        (paid.get_absolute_url(), browsers[4]),
        (paid.get_absolute_url(), staff),
        (f"/orders/{paid.number}/address/", browsers[4]),
        ("/orders/", browsers[4]),
        ("/orders/", browsers[5]),
    ]


def open_as(page, client: Client, address: str, base: str) -> None:
    """Open ``address`` with the cookies of ``client`` and no others."""
    page.context.clear_cookies()
    page.context.add_cookies([{"name": name, "value": one.value, "url": base} for name, one in client.cookies.items()])
    page.goto(address)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(pages, chromium, live_server, width, scheme):
    context = chromium.new_context(
        base_url=live_server.url, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page, wrong = context.new_page(), {}
    for address, who in pages:
        open_as(page, who, address, live_server.url)
        found = Axe().run(page, options={"runOnly": RULES})
        if found.violations_count:
            wrong[address] = found.generate_report()
    context.close()

    assert wrong == {}


def test_nothing_scrolls_sideways_on_the_smallest_screen(pages, chromium, live_server):
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 320, "height": 700})
    page, wide = context.new_page(), {}
    for address, who in pages:
        open_as(page, who, address, live_server.url)
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 320:
            wide[address] = width
    context.close()

    assert wide == {}
