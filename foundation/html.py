"""Rich text written by staff: cleaned whenever it is saved, so that a page may print it as it is stored."""

import nh3
from django.db import models

ALLOWED_TAGS = {
    "p", "br", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "blockquote", "a", "hr", "sub", "sup",
    "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "code",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"a": {"href", "title"}, "th": {"scope", "colspan"}, "td": {"colspan"}, "ol": {"start"}}


def clean_html(text: str) -> str:
    """``text`` with only plain writing left in it: no script, handler, style, image or address but http(s), mailto, tel, relative."""
    return nh3.clean(
        text,
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes={"https", "http", "mailto", "tel"},
        link_rel="noopener",
    )


class CleanHtmlField(models.TextField):
    """A text column whose value is always clean HTML, however it was written."""

    def get_db_prep_save(self, value, connection):
        return super().get_db_prep_save(clean_html(value) if isinstance(value, str) else value, connection)
