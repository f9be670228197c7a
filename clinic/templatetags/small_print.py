"""Links to pages that the clinic may not have written yet."""

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag(takes_context=True)
def page_link(context: Context, slug: str, words: str, *, new_tab: bool = False) -> SafeString | str:
    """``words`` as a link to the page ``slug``; the words alone when there is no such page. No query when kept."""
    address = context["small_print"].get(slug)
    if not address:
        return words
    if new_tab:
        return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', address, words)
    return format_html('<a href="{}">{}</a>', address, words)
