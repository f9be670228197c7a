"""What every page's frame shows."""

from django.conf import settings
from django.http import HttpRequest

from foundation.identity import clinic_identity, crisis_lines
from foundation.page_cache import THEMES


def site(request: HttpRequest) -> dict[str, object]:
    """The clinic, its crisis lines, the chosen colour theme and the page's canonical address. No query when kept."""
    theme = request.COOKIES.get("theme", "")
    return {
        "clinic": clinic_identity(),
        "crisis_lines": crisis_lines(),
        "theme": theme if theme in THEMES else "system",
        "canonical_url": settings.SITE_URL + request.path,
        "site_url": settings.SITE_URL,
        "demo": settings.DEMO,
    }
