"""Structured data for search engines, safe to stand inside a page."""

import json

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# In JSON these signs occur in strings alone, where an escape means the same.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def json_ld(data: dict) -> SafeString:
    """``data`` as a JSON-LD block; no text in it can end the block."""
    text = json.dumps(data, ensure_ascii=False).translate(_ESCAPES)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(text))
