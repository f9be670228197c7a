"""Who may see an order: its owner, the browser that placed it, and staff."""

import hashlib
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.models import User
from courses.models import Offer
from payments.models import Order, new_order_number

_PLACED_HERE = "orders"
_REMEMBERED = 20


class SignInFirst(Exception):
    """A visitor asks for an order; ``response`` leads to the sign-in."""

    def __init__(self, response: HttpResponseBase) -> None:
        super().__init__()
        self.response = response


def orders_of_browser(request: HttpRequest) -> list[str]:
    """The numbers of the orders that this browser placed."""
    return request.session.get(_PLACED_HERE, [])


def number_for_next_order(request: HttpRequest, offer: Offer) -> str:
    """The number that an order of this browser for ``offer`` gets: the same for both requests of a double click, of
    which the second leaves before the session of the first has come back."""
    secret = request.META.get("CSRF_COOKIE", "")
    if not secret:
        return new_order_number()
    return cache.get_or_set(_number_key(secret, offer), new_order_number, timeout=60) or new_order_number()


def _number_key(secret: str, offer: Offer) -> str:
    return f"placing:{hashlib.sha256(secret.encode()).hexdigest()}:{offer.pk}"


def finished_by_the_first_click(request: HttpRequest, offer: Offer, account: User) -> Order | None:
    """The order whose first click, a moment ago in this browser, ended in this new account; its page opens here too."""
    number = account.made_by_order
    if not number or number_for_next_order(request, offer) != number:
        return None
    order = Order.objects.select_related("offer", "buyer").filter(number=number, buyer=account).first()
    if order is not None:
        remember_order(request, order)
        sign_in_new_buyer(request, order)
    return order


def remember_order(request: HttpRequest, order: Order) -> None:
    """Let this browser come back to the order, signed in or not."""
    if secret := request.META.get("CSRF_COOKIE", ""):
        cache.set(_number_key(secret, order.offer), order.number, timeout=60)
    numbers = [number for number in request.session.get(_PLACED_HERE, []) if number != order.number]
    request.session[_PLACED_HERE] = [*numbers, order.number][-_REMEMBERED:]


def placed_here(request: HttpRequest, order: Order) -> bool:
    return order.number in request.session.get(_PLACED_HERE, [])


def is_buyer(request: HttpRequest, order: Order) -> bool:
    """Whether this is the order's owner or the browser that placed it, and not staff who look at it."""
    return placed_here(request, order) or (request.user.is_authenticated and order.buyer_id == request.user.pk)


def get_order(request: HttpRequest, number: str) -> Order:
    """The order, if this request may see it.

    :raises SignInFirst: a visitor who did not place it here, whether or not it exists.
    :raises Http404: signed in, but not theirs, or no such order.
    """
    # PostgreSQL refuses to look for some texts, such as those with a null byte.
    known = Order.objects.select_related("offer", "buyer", "claim")
    order = known.filter(number=number).first() if number.isalnum() else None
    user: Any = request.user
    if order is not None and (is_buyer(request, order) or user.has_perm("payments.view_order")):
        return order
    if not user.is_authenticated:
        raise SignInFirst(redirect_to_login(request.get_full_path()))
    raise Http404


def sign_in_new_buyer(request: HttpRequest, order: Order) -> bool:
    """Sign the paying browser in to the account that its payment made, until that address is proved by a code.

    True when it was signed in now. An account that existed before is never opened this way.
    """
    buyer = order.buyer
    if (
        request.user.is_authenticated
        or buyer is None
        or not buyer.is_active
        or buyer.is_staff
        or buyer.made_by_order != order.number
        or not placed_here(request, order)
    ):
        return False
    numbers = request.session.get(_PLACED_HERE, [])
    login(request, buyer, backend="allauth.account.auth_backends.AuthenticationBackend")
    request.session[_PLACED_HERE] = numbers
    return True
