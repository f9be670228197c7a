"""The admin: Django's own, signed in through the site's sign-in pages so that codes and second factors hold there too."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import update_wrapper
from typing import cast

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView

from accounts.models import User
from foundation.acts import log_act
from mail.delivery import sweep as sweep_outbox
from mail.models import Message
from payments import reconciliation, webhooks
from payments.models import Order, ReconcileRun, WebhookEvent


@dataclass(frozen=True)
class Job:
    """Work that runs by itself at set times, and that staff may run now; ``run`` answers with what it did."""

    name: str
    label: str | Promise
    help: str | Promise
    run: Callable[[datetime], str]


def _expire(at: datetime) -> str:
    return _("%(n)d unpaid orders were closed.") % {"n": reconciliation.expire_orders(at=at)}


def _reconcile(at: datetime) -> str:
    compare = (reconciliation.reconcile_open, reconciliation.reconcile_events, reconciliation.reconcile_day)
    runs = [run(at=at) for run in compare]
    return _("%(seen)d things compared, %(mended)d mended, %(wrong)d that need you.") % {
        "seen": sum(run.seen for run in runs),
        "mended": sum(run.mended for run in runs),
        "wrong": sum(len(run.mismatches) for run in runs),
    }


def _sweep_webhooks(at: datetime) -> str:
    return _("%(n)d messages from Stripe were acted on.") % {"n": webhooks.sweep(at=at)}


def _sweep_outbox(at: datetime) -> str:
    return _("%(delivered)d mails delivered, %(unclear)d marked as perhaps sent.") % sweep_outbox(at=at)


def _purge(at: datetime) -> str:
    purged = reconciliation.purge_unpaid(at=at, days=settings.UNPAID_ORDERS_KEPT_DAYS)
    return _("%(n)d orders that were never paid were deleted.") % {"n": purged}


JOBS = [
    Job(
        "expire-orders",
        gettext_lazy("Expire unpaid orders"),
        gettext_lazy("Closes orders whose time to pay is over, and gives their codes back. Stripe is asked first."),
        _expire,
    ),
    Job(
        "reconcile",
        gettext_lazy("Reconcile with Stripe"),
        gettext_lazy("Compares open orders, messages and payment pages with Stripe, and mends what it can."),
        _reconcile,
    ),
    Job(
        "sweep-webhooks",
        gettext_lazy("Sweep webhooks"),
        gettext_lazy("Acts on messages from Stripe that wait or failed."),
        _sweep_webhooks,
    ),
    Job(
        "sweep-outbox",
        gettext_lazy("Sweep the outbox"),
        gettext_lazy("Delivers mail that is due. Nothing is sent twice."),
        _sweep_outbox,
    ),
    Job(
        "purge-orders",
        gettext_lazy("Purge unpaid orders"),
        gettext_lazy("Deletes orders that were never paid and were closed long ago."),
        _purge,
    ),
]


class ClinicAdminSite(admin.AdminSite):
    site_header = "Clinic administration"
    site_title = "Clinic administration"
    index_title = "How are we doing"

    def admin_view(self, view, cacheable=False):
        """To somebody who is signed in and not staff there is no admin."""
        page = super().admin_view(view, cacheable)

        def staff_only(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise Http404
            return page(request, *args, **kwargs)

        return update_wrapper(staff_only, view)

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        going_to = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(going_to, {request.get_host()}, require_https=request.is_secure()):
            going_to = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(going_to)
        if not self.has_permission(request):
            raise Http404
        return redirect(going_to)

    def get_urls(self) -> list:
        """Passwords are changed where everybody changes theirs."""
        jobs = [
            path(f"run/{job.name}/", self.admin_view(self._button(job)), name=f"run_{job.name.replace('-', '_')}")
            for job in JOBS
        ]
        return [
            path("password_change/", RedirectView.as_view(pattern_name="account_change_password")),
            *jobs,
            *super().get_urls(),
        ]

    def index(self, request: HttpRequest, extra_context: dict | None = None) -> TemplateResponse:
        """In front of the lists: how we are doing, for those who may see orders, and the jobs for those who may run them."""
        context: dict = {"jobs": []}
        if request.user.has_perm("payments.view_order"):
            context["standing"] = _standing()
            context["last_runs"] = _last_runs()
        if request.user.has_perm("payments.settle_order"):
            context["jobs"] = [(job, reverse(f"admin:run_{job.name.replace('-', '_')}")) for job in JOBS]
        return super().index(request, {**context, **(extra_context or {})})

    def _button(self, job: Job) -> Callable[..., HttpResponse]:
        def pressed(request: HttpRequest) -> HttpResponse:
            if not request.user.has_perm("payments.settle_order"):
                raise PermissionDenied
            now = timezone.now()
            did = job.run(now)
            staff = cast(User, request.user)
            log_act(by=staff, deed=f"ran {job.name}", subject=staff, reason=did, at=now)
            messages.success(request, f"{job.label}: {did}")
            return redirect("admin:index")

        return require_POST(pressed)


def _standing() -> list[dict]:
    """What staff must know at a glance: words, number, where to look, and whether it is as it should be. Five queries."""
    orders, mails = reverse("admin:payments_order_changelist"), reverse("admin:mail_message_changelist")
    rows = [
        (_("Paid but not enrolled"), reconciliation.paid_but_not_enrolled(), f"{orders}?review=seat"),
        (_("Orders that need a look"), Order.objects.in_review().count(), f"{orders}?review=yes"),
        (
            _("Mails that failed"),
            Message.objects.filter(state=Message.State.FAILED).count(),
            f"{mails}?state__exact=failed",
        ),
        (
            _("Mails that were perhaps sent"),
            Message.objects.filter(state=Message.State.UNCLEAR).count(),
            f"{mails}?state__exact=unclear",
        ),
        (
            _("Messages from Stripe that failed"),
            WebhookEvent.objects.filter(state=WebhookEvent.State.FAILED).count(),
            f"{reverse('admin:payments_webhookevent_changelist')}?state__exact=failed",
        ),
    ]
    return [{"words": words, "number": number, "link": link} for words, number, link in rows]


def _last_runs() -> list[dict]:
    """The last comparison of each kind with Stripe, None where there was none yet. Three queries."""
    kinds = {"open": _("open orders"), "events": _("messages"), "day": _("the last days")}
    return [
        {"kind": words, "run": ReconcileRun.objects.filter(kind=kind, ended_at__isnull=False).first()}
        for kind, words in kinds.items()
    ]
