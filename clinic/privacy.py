"""The pages on which people take their data with them, or away."""

from allauth.account.internal.flows.logout import logout
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms import DeleteAccountForm
from accounts.proving import proof_required
from accounts.signing_in import signed_in
from clinic.personal_data import StaffStay, as_zip, erase, papers_kept_until


@never_cache
@login_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(
        request, "accounts/privacy.html", {"papers_kept_until": papers_kept_until(signed_in(request))}
    )


@never_cache
@login_required
@proof_required
@require_safe
def download(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    return HttpResponse(
        as_zip(signed_in(request), at=now),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="my-data-{timezone.localdate(now).isoformat()}.zip"'},
    )


@never_cache
@login_required
@proof_required
@require_http_methods(["GET", "POST"])
def delete_account(request: HttpRequest) -> HttpResponse:
    form = DeleteAccountForm(request.POST if request.method == "POST" else None)

    if request.method == "POST" and form.is_valid():
        try:
            erase(signed_in(request), at=timezone.now())
        except StaffStay:
            messages.error(request, _("You are staff. Ask another administrator to take your staff status away first."))
            return redirect("accounts:privacy")
        logout(request, show_message=False)
        messages.success(request, _("Your account is deleted. Take good care of yourself."))
        return redirect("clinic:home")

    context = {"form": form, "papers_kept_until": papers_kept_until(signed_in(request))}
    return TemplateResponse(request, "accounts/delete_account.html", context)
