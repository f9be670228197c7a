"""The price that one request sees: the code from its address or form, its buyer, and the throttle on guessing."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest

from coupons import guessing
from coupons.buyer import Buyer
from coupons.pricing import Quote, quote
from coupons.refusals import Reason
from courses.models import Bundle, Offer
from foundation.network import caller_network
from foundation.throttle import TooManyFailures
from payments.buyers import buyer_of

# What may come right at checkout: the code may be for the address that is typed there.
_RIGHT_FOR_SOMEBODY = {Reason.UNKNOWN, Reason.WRONG_PERSON}


@dataclass(frozen=True)
class Till:
    """A quote, and how many seconds to wait when codes were guessed too often (the price is then the plain one)."""

    quote: Quote
    is_owned: bool = False
    left_out: int = 0  # courses of a bundle that the buyer has already, and does not pay again
    retry_after: int = 0
    wait_message: str = ""

    @property
    def code_error(self) -> str:
        """Why the typed code does not count; empty when it does, and when the price is as low without it."""
        refused = self.quote.refusal
        return "" if refused is None or refused.reason == Reason.NOT_NEEDED else refused.message

    @property
    def code_remark(self) -> str:
        """What is to be said of a code that was not needed."""
        refused = self.quote.refusal
        return refused.message if refused is not None and refused.reason == Reason.NOT_NEEDED else ""

    @property
    def may_be_personal(self) -> bool:
        """The code is unknown to us here, but one made for a certain person would be as well."""
        refused = self.quote.refusal
        return refused is not None and refused.reason == Reason.UNKNOWN

    @property
    def carried_code(self) -> str:
        """The code that the way to the checkout takes along."""
        refused = self.quote.refusal
        return self.quote.typed_code if refused is None or refused.reason in _RIGHT_FOR_SOMEBODY else ""


def price_for(
    request: HttpRequest,
    offer: Offer,
    code: str,
    *,
    at: datetime,
    buyer: Buyer | None = None,
    is_counted: bool = False,
) -> Till:
    """What ``offer`` costs whoever sent ``request``, with ``code``. An unknown code counts as a guess, unless it
    ``is_counted`` already."""
    if buyer is None:
        buyer = buyer_of(user=request.user, offer=offer, at=at)
    plain = quote(offer=offer, buyer=buyer, at=at)
    left_out = _left_out(offer, buyer)
    if offer.pk in buyer.owned_courses or (left_out and not plain.lines):
        return Till(plain, is_owned=True)
    if not code.strip():
        return Till(plain, left_out=left_out)
    who = guessers(request)
    try:
        guessing.check(*who, at=at)
    except TooManyFailures as error:
        return Till(plain, left_out=left_out, retry_after=error.retry_after, wait_message=str(error))
    quoted = quote(offer=offer, code=code, buyer=buyer, at=at)
    if not is_counted:
        guessing.notice(quoted.refusal, *who, at=at)
    return Till(quoted, left_out=left_out)


def _left_out(offer: Offer, buyer: Buyer) -> int:
    if not isinstance(offer, Bundle) or not buyer.owned_courses:
        return 0
    return offer.bundled.filter(course__in=buyer.owned_courses).count()


def guessers(request: HttpRequest) -> list[str]:
    """Whom a wrong code is counted against: the network, and the account when signed in."""
    who = [caller_network(request)]
    if request.user.is_authenticated:
        who.append(f"user:{request.user.pk}")
    return who
