"""The pages for what went wrong, in our own words and looks."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that came without its token: usually cookies are off, or the page was open for too long."""
    return render(request, "403_csrf.html", status=403)


def too_many(request: HttpRequest, retry_after: int) -> HttpResponse:
    """429 with the time to wait, in seconds, as header and in words."""
    response = render(request, "429.html", {"minutes": -(-retry_after // 60)}, status=429)
    response["Retry-After"] = str(retry_after)
    return response
