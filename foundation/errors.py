"""The pages for what went wrong, in our own words and looks."""

import base64
import hashlib
import re

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.csp import CSP, build_policy


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that came without its token: usually cookies are off, or the page was open for too long."""
    return render(request, "403_csrf.html", status=403)


def too_many(request: HttpRequest, retry_after: int) -> HttpResponse:
    """429 with the time to wait, in seconds, as header and in words."""
    response = render(request, "429.html", {"minutes": -(-retry_after // 60)}, status=429)
    response["Retry-After"] = str(retry_after)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """The 500 page: it asks no database, no cache and no other file, and its one style block is allowed by its hash."""
    page = render_to_string("500.html")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[1].encode() if style else b"").digest()).decode()
    response = HttpResponseServerError(page)
    response[str(CSP.HEADER_ENFORCE)] = build_policy({"default-src": [CSP.NONE], "style-src": [f"'sha256-{digest}'"]})
    return response
