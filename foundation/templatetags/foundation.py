"""Tags that every template has without loading them."""

import functools

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from foundation.money import format_decimal, format_money

register = template.Library()


@register.simple_tag
@functools.cache
def icon(name: str) -> SafeString:
    """A Lucide icon of icons.svg, hidden from screen readers: words beside it say what it means. No query."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#i-{}"/></svg>', static("icons.svg"), name)


@register.filter
def money(cents: int, currency: str = "usd") -> str:
    """Cents as ``US$140.00``."""
    return format_money(cents, currency)


@register.filter
def decimal_money(cents: int) -> str:
    """Cents as ``140.00``, for structured data."""
    return format_decimal(cents)


@register.filter
def clock(seconds: int) -> str:
    """A video's length or place as ``4:07`` or ``1:02:45``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@register.filter
def duration(seconds: int) -> str:
    """How long something takes, in words: ``45 sec``, ``25 min``, ``1 h 5 min``; rounded to the nearest minute."""
    if seconds < 60:
        return f"{seconds} sec"
    hours, minutes = divmod((seconds + 30) // 60, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@register.simple_tag
def counted(number: int, one: str, many: str) -> str:
    """``1 lesson``, ``4 lessons``."""
    return f"{number} {ngettext(one, many, number)}"
