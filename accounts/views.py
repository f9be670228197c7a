"""The pages of a person's account that allauth does not have."""

from allauth.account import app_settings
from allauth.account.internal.flows.email_verification import verify_email_indirectly
from allauth.account.models import EmailAddress
from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import ProfileForm, ProofCodeForm
from accounts.models import User
from accounts.proving import ProofByCode
from accounts.signing_in import signed_in


@never_cache
@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "accounts/overview.html", {"is_proved": _is_proved(signed_in(request))})


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect(get_next_redirect_url(request) or reverse("accounts:profile"))
    return TemplateResponse(request, "accounts/profile.html", {"form": form})


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def prove_by_code(request: HttpRequest) -> HttpResponse:
    """Mails a code to the person who is signed in and takes it: allauth's own proof needs a password."""
    account = signed_in(request)
    going_to = get_next_redirect_url(request) or reverse("accounts:overview")
    process = ProofByCode.resume(request)
    form = None

    if request.method == "POST" and "send" in request.POST:
        if limited := ratelimit.consume_or_429(request, action="request_login_code", key=account.email):
            return limited
        process = ProofByCode.begin(request)
    elif request.method == "POST" and process:
        if limited := ratelimit.consume_or_429(request, action="reauthenticate", user=account):
            return limited
        form = ProofCodeForm(request.POST, code=process.code)
        if form.is_valid():
            process.finish()
            verify_email_indirectly(request, account, account.email)
            return redirect(going_to)
        if not process.record_invalid_attempt():
            messages.error(request, _("That was not the code either. We can mail you a new one."))
            process, form = None, None

    if process and form is None:
        form = ProofCodeForm()
    context = {
        "form": form,
        "next": going_to,
        "minutes": app_settings.LOGIN_BY_CODE_TIMEOUT // 60,
        "has_password": account.has_usable_password(),
    }
    return TemplateResponse(request, "accounts/prove_by_code.html", context)


def _is_proved(account: User) -> bool:
    return EmailAddress.objects.filter(user=account, email=account.email, verified=True).exists()
