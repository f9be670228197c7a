"""The price that one request sees: the code from its address or form, its buyer, and the throttle on guessing."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from coupons import guessing
from coupons.buyer import Buyer
from coupons.pricing import Quote, quote
from courses.models import Offer
from foundation.network import caller_network
from foundation.throttle import TooManyFailures
from payments.buyers import buyer_of


@dataclass(frozen=True)
class Till:
    """A quote, and how many seconds to wait when codes were guessed too often (the price is then the plain one)."""

    quote: Quote
    retry_after: int = 0
    wait_message: str = ""


def price_for(request: HttpRequest, offer: Offer, code: str, *, at: datetime, buyer: Buyer | None = None) -> Till:
    """What ``offer`` costs whoever sent ``request``, with ``code``. An unknown code counts as a guess."""
    if buyer is None:
        buyer = buyer_of(user=request.user, offer=offer, at=at)
    if not code.strip():
        return Till(quote(offer=offer, buyer=buyer, at=at))
    who = guessers(request)
    try:
        guessing.check(*who, at=at)
    except TooManyFailures as error:
        return Till(quote(offer=offer, buyer=buyer, at=at), retry_after=error.retry_after, wait_message=str(error))
    quoted = quote(offer=offer, code=code, buyer=buyer, at=at)
    guessing.notice(quoted.refusal, *who, at=at)
    return Till(quoted)


def guessers(request: HttpRequest) -> list[str]:
    """Whom a wrong code is counted against: the network, and the account when signed in."""
    who = [caller_network(request)]
    if request.user.is_authenticated:
        who.append(f"user:{request.user.pk}")
    return who
