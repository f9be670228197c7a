"""Anonymous pages are the same for everybody: rendered once, kept whole, and forgotten at the next change or boundary.

A view whose page may be kept says so with ``@shared_page``. The key holds a generation that ``forget_pages`` raises
after commit. Apps name the moments at which their pages change by themselves (a sale's end) with ``add_boundaries``.
"""

import functools
import hashlib
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

# A proxy may keep a page this long; the app keeps it longer, since it hears of changes.
PROXY_SECONDS = 5
APP_SECONDS = 60

_GENERATION = "pages:generation"
THEMES = {"light", "dark"}

_boundaries: list[Callable[[datetime], datetime | None]] = []


def add_boundaries(next_after: Callable[[datetime], datetime | None]) -> None:
    """Register a function that answers: when, after this moment, do pages change by themselves?"""
    if next_after not in _boundaries:
        _boundaries.append(next_after)


def forget_pages() -> None:
    """Pages may have changed: once this transaction is committed, render every one anew."""
    transaction.on_commit(_raise_generation)


def forget_pages_when_saved(*models: type[Model]) -> None:
    """Every save, deletion and change of relations of ``models`` forgets the pages; ``update()`` calls must say it themselves."""
    for model in models:
        post_save.connect(_saved, sender=model)
        post_delete.connect(_saved, sender=model)
        for relation in model._meta.many_to_many:
            m2m_changed.connect(_saved, sender=relation.remote_field.through)


def _saved(**kwargs: object) -> None:
    forget_pages()


def _raise_generation() -> None:
    # A moment instead of a counter: nothing is lost when the cache is emptied.
    cache.set(_GENERATION, time.time_ns(), timeout=None)


def generation() -> int:
    number = cache.get(_GENERATION)
    if number is None:
        cache.add(_GENERATION, time.time_ns(), timeout=None)
        number = cache.get(_GENERATION)
    return number


def next_boundary(at: datetime) -> datetime | None:
    """The first moment after ``at`` at which any page changes by itself; asked of the database once a generation."""
    key = f"pages:boundary:{generation()}"
    known = cache.get(key)
    if known is None or (known[0] is not None and known[0] <= at):
        moments = [moment for ask in _boundaries if (moment := ask(at)) is not None]
        known = (min(moments, default=None),)
        cache.set(key, known, timeout=3600)
    return known[0]


def shared_page(view: Callable) -> Callable:
    """Marks a view whose page is the same for everybody without a session, as long as no code is in its address."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.is_shared_page = True
        return response

    return wrapper


class PageCacheMiddleware:
    """Answers visitors without a session from the cache, and says to proxies and browsers what they may keep."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _may_be_shared(request):
            return _private_unless_said(self.get_response(request))

        key = _key(request)
        kept = cache.get(key)
        now = timezone.now()
        if kept is not None and (kept[2] is None or now < kept[2]):
            response = HttpResponse(kept[0], headers=kept[1])
            response.headers["Cache-Control"] = _shared_control(kept[2], now)
            return response

        response = self.get_response(request)
        if not (getattr(response, "is_shared_page", False) and response.status_code == 200 and not response.cookies):
            return _private_unless_said(response)
        # The theme cookie and a session make it another page.
        patch_vary_headers(response, ["Cookie"])
        boundary = next_boundary(now)
        response.headers["Cache-Control"] = _shared_control(boundary, now)
        if not response.streaming:
            cache.set(key, (response.content, dict(response.headers), boundary), timeout=APP_SECONDS)
        return response


def _may_be_shared(request: HttpRequest) -> bool:
    return (
        request.method in {"GET", "HEAD"}
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
        and "messages" not in request.COOKIES
        and "coupon" not in request.GET
        and "HTTP_AUTHORIZATION" not in request.META
    )


def _key(request: HttpRequest) -> str:
    theme = request.COOKIES.get("theme", "")
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    parts = (
        request.method,
        request.scheme,
        request.get_host(),
        theme if theme in THEMES else "",
        packed,
        request.get_full_path(),
    )
    return f"page:{generation()}:{hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"


def _shared_control(boundary: datetime | None, now: datetime) -> str:
    seconds = PROXY_SECONDS if boundary is None else max(0, min(PROXY_SECONDS, int((boundary - now).total_seconds())))
    return f"public, max-age=0, s-maxage={seconds}"


def _private_unless_said(response: HttpResponse) -> HttpResponse:
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-store"
    return response
