"""Proof, given not long ago in this browser, of being the account's owner: for what cannot be undone."""

import functools
import time
from collections.abc import Callable

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.code_verification import AbstractCodeVerificationProcess
from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from accounts.signing_in import signed_in

SESSION_KEY = "proof_by_code"


def was_proved_lately(request: HttpRequest) -> bool:
    """A sign-in or repeated proof within ``ACCOUNT_REAUTHENTICATION_TIMEOUT`` seconds; a sign-in by payment is none."""
    oldest = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    return any(record["at"] >= oldest for record in get_authentication_records(request, request.user))


def proof_required(view: Callable) -> Callable:
    """Sends a signed-in person without recent proof to give it first, and back."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if was_proved_lately(request):
            return view(request, *args, **kwargs)
        first_method = get_adapter().get_reauthentication_methods(request.user)[0]
        return redirect(f"{first_method['url']}?{urlencode({'next': request.path})}")

    return wrapper


class ProofByCode(AbstractCodeVerificationProcess):
    """A code mailed to the account's own address; it lives in the session and allows a few wrong tries."""

    def __init__(self, request: HttpRequest, state: dict) -> None:
        self.request = request
        super().__init__(
            max_attempts=app_settings.LOGIN_BY_CODE_MAX_ATTEMPTS,
            timeout=app_settings.LOGIN_BY_CODE_TIMEOUT,
            state=state,
            user=request.user,
        )

    @classmethod
    def begin(cls, request: HttpRequest) -> "ProofByCode":
        account = signed_in(request)
        process = cls(request, cls.initial_state(account, account.email))
        process.send()
        process.persist()
        return process

    @classmethod
    def resume(cls, request: HttpRequest) -> "ProofByCode | None":
        state = request.session.get(SESSION_KEY)
        if state is None or state.get("email") != signed_in(request).email:
            return None
        return cls(request, state).abort_if_invalid()

    def send(self) -> None:
        adapter = get_adapter()
        self.state["code"] = adapter.generate_login_code()
        adapter.send_mail("account/email/proof_code", self.state["email"], {"code": self.code})

    def persist(self) -> None:
        self.request.session[SESSION_KEY] = self.state

    def abort(self) -> None:
        self.request.session.pop(SESSION_KEY, None)

    def finish(self) -> None:
        self.abort()
        record_authentication(
            self.request, self.request.user, method="code", email=self.state["email"], reauthenticated=True
        )
