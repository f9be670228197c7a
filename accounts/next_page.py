"""Where somebody was going when the site asked who they are."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

# The pages through which one comes in, each of which may send the visitor on to another.
ENTRANCES = [
    "account_login",
    "account_signup",
    "account_request_login_code",
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_reset_password",
    "account_confirm_password_reset_code",
    "account_complete_password_reset",
]


class KeepNextMiddleware:
    """A redirect from one entrance page to another takes ``?next=`` along, also where allauth forgets it.

    The page that finally follows ``next`` checks that it leads nowhere else than to this site.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 302 or not request.path.startswith("/accounts/"):
            return response
        going_to = request.POST.get("next") or request.GET.get("next")
        target = urlsplit(response.headers["Location"])
        entrances = {reverse(name) for name in ENTRANCES}
        if going_to and request.path in entrances and target.path in entrances and "next" not in parse_qs(target.query):
            query = "&".join(filter(None, [target.query, urlencode({"next": going_to})]))
            response.headers["Location"] = urlunsplit(target._replace(query=query))
        return response
