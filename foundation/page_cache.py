"""Anonymous pages are the same for everybody: rendered once, kept whole, and forgotten at the next change or boundary.

A view whose page may be kept says so with ``@shared_page``. Each process keeps its own pages, under a generation that
all processes read from the shared cache and that ``forget_pages`` renews after commit: a kept page costs one small look
there, and a change is seen by everybody at once. Apps name the moments at which their pages change by themselves
(a sale's end) with ``add_boundaries``.
"""

import functools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

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
# How many pages and other things a process keeps; a page weighs some 5 KB packed and 40 KB plain.
KEPT_ENTRIES = 500

_GENERATION = "pages:generation"
THEMES = {"light", "dark"}

_boundaries: list[Callable[[datetime], datetime | None]] = []


class ProcessMemory:
    """What this process remembers of a generation; the entries unused for longest make room for new ones."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[tuple[int, Hashable], Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, generation: int | None, key: Hashable) -> Any:
        with self._lock:
            found = self._entries.get((generation, key)) if generation is not None else None
            if found is not None:
                self._entries.move_to_end((generation, key))  # type: ignore[arg-type]
            return found

    def put(self, generation: int | None, key: Hashable, value: Any) -> None:
        """Keeps ``value``; without a generation nothing, since nobody could say when it is out of date."""
        if generation is None:
            return
        with self._lock:
            self._entries[generation, key] = value
            self._entries.move_to_end((generation, key))
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)


memory = ProcessMemory(KEPT_ENTRIES)


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
    cache.set(_GENERATION, _new_generation(), timeout=None)


def _new_generation() -> int:
    # Random instead of counted: an emptied cache cannot bring a generation back whose pages some process still keeps.
    return secrets.randbits(62)


def generation() -> int | None:
    """What kept pages belong to, the same in all processes; nothing while the shared cache cannot be reached."""
    number = cache.get(_GENERATION)
    if number is None:
        cache.add(_GENERATION, _new_generation(), timeout=None)
        number = cache.get(_GENERATION)
    return number


def next_boundary(at: datetime, belongs_to: int | None) -> datetime | None:
    """The first moment after ``at`` at which any page changes by itself; asked of the database once a generation."""
    known: tuple[datetime | None] | None = memory.get(belongs_to, "boundary")
    if known is None or (known[0] is not None and known[0] <= at):
        known = (min((moment for ask in _boundaries if (moment := ask(at)) is not None), default=None),)
        memory.put(belongs_to, "boundary", known)
    return known[0]


def shared_page(view: Callable) -> Callable:
    """Marks a view whose page is the same for everybody without a session, as long as no code is in its address."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.is_shared_page = True
        return response

    return wrapper


@dataclass(frozen=True, slots=True)
class KeptPage:
    content: bytes
    headers: dict[str, str]
    boundary: datetime | None
    good_until: datetime


class PageCacheMiddleware:
    """Answers visitors without a session from memory, and says to proxies and browsers what they may keep.

    Stands before all other middleware: what these add to a page is kept with it, as it is the same for everybody who
    asks by the same scheme and host. A page that held a nonce would not be.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _may_be_shared(request):
            return _private_unless_said(self.get_response(request))

        belongs_to = generation()
        key = _key(request)
        kept: KeptPage | None = memory.get(belongs_to, key)
        now = timezone.now()
        if kept is not None and now < kept.good_until:
            response = HttpResponse(kept.content, headers=kept.headers)
            response.headers["Cache-Control"] = _shared_control(kept.boundary, now)
            return response

        response = self.get_response(request)
        if not (getattr(response, "is_shared_page", False) and response.status_code == 200 and not response.cookies):
            return _private_unless_said(response)
        # The theme cookie and a session make it another page.
        patch_vary_headers(response, ["Cookie"])
        boundary = next_boundary(now, belongs_to)
        response.headers["Cache-Control"] = _shared_control(boundary, now)
        if not response.streaming:
            good_until = min(boundary or datetime.max.replace(tzinfo=now.tzinfo), now + timedelta(seconds=APP_SECONDS))
            memory.put(belongs_to, key, KeptPage(response.content, dict(response.headers), boundary, good_until))
        return response


def _may_be_shared(request: HttpRequest) -> bool:
    return (
        request.method in {"GET", "HEAD"}
        and not request.path.startswith(settings.STATIC_URL)
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
        and "messages" not in request.COOKIES
        and "coupon" not in request.GET
        and "HTTP_AUTHORIZATION" not in request.META
    )


def _key(request: HttpRequest) -> Hashable:
    theme = request.COOKIES.get("theme", "")
    return (
        request.method,
        request.scheme,
        request.get_host(),
        theme if theme in THEMES else "",
        "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", ""),
        request.get_full_path(),
    )


def _shared_control(boundary: datetime | None, now: datetime) -> str:
    seconds = PROXY_SECONDS if boundary is None else max(0, min(PROXY_SECONDS, int((boundary - now).total_seconds())))
    return f"public, max-age=0, s-maxage={seconds}"


def _private_unless_said(response: HttpResponse) -> HttpResponse:
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-store"
    return response
