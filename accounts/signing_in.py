"""The sign-in by mailed code, for pages of other apps that need to know who somebody is."""

from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.forms import RequestCodeForm
from accounts.models import User
from foundation.errors import too_many


def send_code_and_continue(request: HttpRequest, address: str, next_url: str) -> HttpResponse:
    """Mail a sign-in code to ``address`` and go to the page that asks for it; after the code comes ``next_url``.

    To be called for a POST of somebody who is not signed in. Answers 429 when too many codes were asked for. An address
    without an account looks the same; its owner gets a mail that says so.
    """
    form = RequestCodeForm({"email": address})
    if not form.is_valid():
        return slow_down(request)
    LoginCodeVerificationProcess.initiate(request=request, user=form.user, email=form.cleaned_data["email"])
    return redirect(f"{reverse('account_confirm_login_code')}?{urlencode({'next': next_url})}")


def signed_in(request: HttpRequest) -> User:
    """Whose request it is, in views that only signed-in people reach."""
    assert isinstance(request.user, User)
    return request.user


def slow_down(request: HttpRequest) -> HttpResponse:
    """What allauth's rate limits answer."""
    return too_many(request, retry_after=60)
