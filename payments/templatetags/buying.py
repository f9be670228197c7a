"""What pages of lower apps show about buying."""

from datetime import datetime, timedelta

from django import template
from django.http import HttpRequest
from django.template import RequestContext
from django.utils import timezone
from django.utils.formats import date_format

from courses.models import Bundle, Offer
from foundation.money import format_money
from payments.till import price_for

register = template.Library()


@register.inclusion_tag("payments/includes/price_box.html", takes_context=True)
def price_box(context: RequestContext, offer: Offer) -> dict[str, object]:
    """The price of ``offer`` with the code in the page's address, and the way to buy it.

    Queries: none for a visitor without a code (one for a bundle), three more with a code, four more when signed in.
    """
    return price_box_context(context["request"], offer)


def price_box_context(request: HttpRequest, offer: Offer) -> dict[str, object]:
    """The same for the fragment's own address."""
    code = request.GET.get("coupon", "")[:200]
    till = price_for(request, offer, code, at=timezone.now())
    return {
        "offer": offer,
        "is_bundle": isinstance(offer, Bundle),
        "quote": till.quote,
        "till": till,
        "code": code,
        "request": request,
    }


@register.filter
def last_day(ends_at: datetime) -> str:
    """The last day of something that ends at ``ends_at``, with the hour when that is not the midnight after it."""
    local = timezone.localtime(ends_at)
    if (local.hour, local.minute) == (0, 0):
        return date_format(local - timedelta(seconds=1), "j F Y")
    return date_format(local, "j F Y, H:i")


@register.filter
def less(cents: int, currency: str) -> str:
    """Cents that are taken off, as ``−US$70.00``."""
    return format_money(-cents, currency)
