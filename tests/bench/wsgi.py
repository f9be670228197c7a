"""One server, three ways through it: the bare view, the site, and the site without its page cache."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.test.utils import override_settings
from django.urls import path

from tests.bench.load import COLD

PAGE_CACHE = "foundation.page_cache.PageCacheMiddleware"


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Hello")


urlpatterns = [path("-bare-/", bare)]


class BareRequest(WSGIRequest):
    urlconf = __name__


class Handler(WSGIHandler):
    """Django's own, with the middleware that it is given."""

    def __init__(self, middleware: list[str]) -> None:
        with override_settings(MIDDLEWARE=middleware):
            super().__init__()


class BareHandler(Handler):
    request_class = BareRequest


django.setup()
_site = Handler(settings.MIDDLEWARE)
_cold = Handler([name for name in settings.MIDDLEWARE if name != PAGE_CACHE])
_bare = BareHandler([])


def application(environ: dict[str, Any], start_response: Any) -> Any:
    address = environ["PATH_INFO"]
    if address.startswith(COLD):
        environ["PATH_INFO"] = address.removeprefix(COLD)
        return _cold(environ, start_response)
    return (_bare if address == "/-bare-/" else _site)(environ, start_response)
