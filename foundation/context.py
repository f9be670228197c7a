"""What every page's frame shows."""

from django.conf import settings
from django.http import HttpRequest

from foundation.identity import identity_and_lines
from foundation.page_cache import THEMES


def site(request: HttpRequest) -> dict[str, object]:
    """The clinic, its crisis lines, the chosen colour theme and the page's canonical address. No query when kept."""
    clinic, crisis_lines = identity_and_lines()
    theme = request.COOKIES.get("theme", "")
    # Pages ask these two first, so that nobody's session is looked for who has none.
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES or _began_a_session(request)
    has_messages = has_session or "messages" in request.COOKIES or _left_a_message(request)
    return {
        "clinic": clinic,
        "crisis_lines": crisis_lines,
        "has_session": has_session,
        "has_messages": has_messages,
        "theme": theme if theme in THEMES else "system",
        "canonical_url": settings.SITE_URL + request.path,
        "site_url": settings.SITE_URL,
        "demo": settings.DEMO,
    }


def _began_a_session(request: HttpRequest) -> bool:
    session = getattr(request, "session", None)
    return session is not None and session.modified


def _left_a_message(request: HttpRequest) -> bool:
    kept = getattr(request, "_messages", None)
    return kept is not None and kept.added_new
