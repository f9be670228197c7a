"""Times are shown in the zone of whoever reads them: the learner's own, else the clinic's."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone


class LocalTimeMiddleware:
    """Activates the signed-in person's time zone; asks for the person only when the request has a session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        chosen = getattr(request.user, "time_zone", "")
        with timezone.override(zoneinfo.ZoneInfo(chosen) if chosen else None):
            return self.get_response(request)
