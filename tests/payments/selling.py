"""Orders placed and paid without pages, for tests of what lies beneath them."""

from datetime import datetime

from django.utils import timezone

from coupons.pricing import quote
from courses.models import Offer
from payments.buyers import account_of, buyer_of
from payments.checkout import Details, payment_page, place
from payments.models import Order
from payments.sandbox import Sandbox


def order_for(offer: Offer, *, email: str = "anna@example.org", code: str = "", at: datetime | None = None) -> Order:
    """A pending order at the price that its buyer sees."""
    at = at or timezone.now()
    account = account_of(email)
    buyer = buyer_of(user=account, address=email, offer=offer, at=at)
    seen = quote(offer=offer, code=code, buyer=buyer, at=at).total_cents
    return place(
        offer=offer,
        code=code,
        user=account,
        details=Details(email=email),
        seen_total_cents=seen,
        terms_version="t",
        at=at,
    )


def open_page(order: Order, *, at: datetime | None = None) -> str:
    """Open the order's payment page; the session's id."""
    payment_page(order, at=at or timezone.now())
    return order.attempts.latest("number").session_id or ""


def pay(sandbox: Sandbox, session: str, way: str = "pay") -> None:
    """The buyer acts on the payment page; nobody tells the site."""
    sandbox.control(f"sessions/{way}", session=session)
