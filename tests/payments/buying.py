"""A buyer's way through the pages, for tests."""

from django.test import Client
from django.urls import reverse

from courses.models import Offer
from payments.models import CheckoutAttempt, Order
from payments.sandbox import Sandbox

ANNA = "anna@example.org"


def post_checkout(client: Client, offer: Offer, *, seen: int, code: str = "", **more: object):
    """Press the button that pays; as a new buyer with the terms read, unless ``more`` says otherwise."""
    typed = {"email": ANNA, "terms": "on", "act": "pay", "code": code, "shown_code": code, "seen_total": seen}
    return client.post(checkout_url(offer), {key: value for key, value in (typed | more).items() if value is not None})


def checkout_url(offer: Offer) -> str:
    return reverse("payments:checkout", args=[offer.slug])


def placed(client: Client, offer: Offer, *, seen: int = 140_00, **more: object) -> Order:
    """The order that a buyer placed just now."""
    response = post_checkout(client, offer, seen=seen, **more)
    assert response.status_code == 302, response.context and response.context["form"].errors
    return Order.objects.order_by("-id")[0]


def pay(sandbox: Sandbox, order: Order) -> str:
    """Pay on the newest payment page of ``order``; nobody tells the site. The session's id."""
    session = CheckoutAttempt.objects.filter(order=order).latest("number").session_id or ""
    sandbox.control("sessions/pay", session=session)
    return session


def bought(client: Client, sandbox: Sandbox, offer: Offer, *, seen: int = 140_00, **more: object) -> Order:
    """An order that was paid, and whose buyer has come back from the payment page."""
    order = placed(client, offer, seen=seen, **more)
    pay(sandbox, order)
    client.get(reverse("payments:return", args=[order.number]))
    order.refresh_from_db()
    return order
