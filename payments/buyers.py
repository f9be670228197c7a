"""Who stands before the till: gathers what a price depends on, once, for page, fragment, checkout and API."""

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from accounts.models import User, normalise_address
from coupons.buyer import VISITOR, Buyer, buyer_key
from courses.models import Offer
from enrolments.access import owned_course_ids
from payments.models import Order


def buyer_of(*, user: User | AnonymousUser | None, address: str = "", offer: Offer, at: datetime) -> Buyer:
    """The buyer behind an account or an address. Nothing known: a visitor, without a query; else at most three queries."""
    account = user if isinstance(user, User) else None
    address = account.email if account else normalise_address(address)
    key = buyer_key(user=account, address=address)
    if not key:
        return VISITOR
    orders = Order.objects.filter(buyer_key=key).order_by()
    return Buyer(
        key=key,
        email=address,
        owned_courses=owned_course_ids(account, at=at) if account else frozenset(),
        has_bought=orders.filter(paid_at__isnull=False).exists(),
        holding=frozenset(
            orders.pending().filter(offer_id=offer.pk, claim__isnull=False).values_list("claim", flat=True)
        ),
    )


def visiting_buyer(request: HttpRequest, offer: Offer, *, at: datetime) -> Buyer:
    """The buyer behind a page view."""
    return buyer_of(user=request.user, offer=offer, at=at)


def account_of(address: str) -> User | None:
    """The account that an address has, if any."""
    return User.objects.filter(email=normalise_address(address)).first()
