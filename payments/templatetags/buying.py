"""What pages of lower apps show about buying."""

from django import template
from django.http import HttpRequest
from django.template import RequestContext
from django.utils import timezone

from courses.models import Offer
from payments.till import price_for

register = template.Library()


@register.inclusion_tag("payments/includes/price_box.html", takes_context=True)
def price_box(context: RequestContext, offer: Offer) -> dict[str, object]:
    """The price of ``offer`` with the code in the page's address, and the way to buy it.

    Queries: none for a visitor without a code (one for a bundle), three more with a code, three more when signed in.
    """
    return price_box_context(context["request"], offer)


def price_box_context(request: HttpRequest, offer: Offer) -> dict[str, object]:
    """The same for the fragment's own address."""
    code = request.GET.get("coupon", "")[:200]
    till = price_for(request, offer, code, at=timezone.now())
    return {"offer": offer, "quote": till.quote, "till": till, "code": code, "request": request}
