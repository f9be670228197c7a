"""How allauth behaves here: its mail goes through the outbox, and addresses are kept in one spelling."""

import uuid

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from accounts.models import User, normalise_address
from foundation.identity import clinic_identity
from foundation.network import caller_address
from mail.outbox import write_rendered

# These carry a code that signs somebody in.
SECRET_KINDS = {"login_code", "password_reset_code", "email_confirmation", "email_confirmation_signup", "proof_code"}


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is switched off."),
        "email_password_mismatch": _("The address and the password do not belong together."),
        "email_taken": _("This address has an account."),
        "duplicate_email": _("This is your address already."),
        "enter_current_password": _("This is not your current password."),
        "incorrect_code": _("This is not the code in our newest mail to you."),
        "incorrect_password": _("This is not your password."),
        "too_many_login_attempts": _("That was tried too often. Please wait a few minutes and start again."),
        "rate_limited": _("Please wait half a minute before you ask for another code."),
    }

    def clean_email(self, email: str) -> str:
        return normalise_address(email)

    def get_client_ip(self, request: HttpRequest) -> str:
        return caller_address(request)

    def pre_login(self, request: HttpRequest, user: User, *, email: str | None, **kwargs) -> HttpResponse | None:
        """A code mailed to an address that the account has given up since signs nobody in."""
        if email and normalise_address(email) != user.email:
            clear_login(request)
            messages.error(request, _("This account has another address now. Please ask for a new code."))
            return redirect("account_login")
        return super().pre_login(request, user, email=email, **kwargs)

    def get_reauthentication_methods(self, user: User) -> list[dict]:
        """A mailed code proves who somebody is, whether or not they have a password."""
        methods = super().get_reauthentication_methods(user)
        if user.is_authenticated:
            methods.append(
                {
                    "id": "proof_by_code",
                    "description": _("Email me a code"),
                    "url": reverse("accounts:prove_by_code"),
                }
            )
        return methods

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("accounts:overview")

    def get_email_verification_redirect_url(self, email_address) -> str:
        return reverse("accounts:overview") if self.request.user.is_authenticated else reverse("account_login")

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        request = allauth_context.request
        kind = template_prefix.rpartition("/")[2]
        frame = {
            **context,
            "request": request,
            "email": email,
            "to": email,
            "clinic": clinic_identity(),
            "site_url": settings.SITE_URL,
            "login_url": settings.SITE_URL + reverse("account_login"),
            "signup_url": settings.SITE_URL + reverse("account_signup") + _on_the_way(request, email),
        }
        mail = self.render_mail(template_prefix, email, frame)
        html = next((part.content for part in mail.alternatives), "")
        write_rendered(
            key=f"{kind}:{uuid.uuid4()}",
            kind=kind,
            to=email,
            subject=mail.subject,
            text=mail.body,
            html=html,
            at=timezone.now(),
            is_secret=kind in SECRET_KINDS,
        )


def _on_the_way(request: HttpRequest, email: str) -> str:
    """The query with which a mailed link to the sign-up page remembers whose it is and where they were going."""
    going_to = request.POST.get("next") or request.GET.get("next")
    return "?" + urlencode({"email": email} | ({"next": going_to} if going_to else {}))
