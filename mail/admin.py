from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override

from foundation.acts import log_act
from mail.delivery import sweep
from mail.models import Message, Suppression
from mail.outbox import BeingSent, NothingLeftToSend, send_again

# A mail's own styles stand inline; nothing in it may run, and it may fetch its pictures from here only.
PREVIEW_CSP: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "style-src": [CSP.UNSAFE_INLINE],
    "img-src": [CSP.SELF, settings.SITE_URL],
    "frame-ancestors": [CSP.SELF],
    "sandbox": [""],
}


def is_masked(message: Message) -> bool:
    """Its words would let staff sign in as the person it was sent to."""
    return message.is_secret and not settings.DEMO


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["subject", "to", "state", "kind", "age", "attempts"]
    list_filter = ["state", "kind", "created_at"]
    search_fields = ["to", "subject", "key"]
    search_help_text = gettext_lazy("An address, words of the subject, or what it is for, such as an order's number.")
    date_hierarchy = "created_at"
    show_full_result_count = False
    fields = [
        "subject",
        "to",
        ("state", "attempts", "last_error"),
        ("created_at", "next_at", "sent_at"),
        ("kind", "key"),
        "words",
        "preview",
    ]
    readonly_fields = [
        "subject", "to", "state", "attempts", "last_error", "created_at", "next_at", "sent_at", "kind", "key",
        "words", "preview",
    ]  # fmt: skip
    actions = ["send_again"]
    change_list_template = "admin/mail/message/change_list.html"

    def get_queryset(self, request):
        queryset = super().get_queryset(request)
        return queryset.defer("text", "html") if request.resolver_match.url_name.endswith("_changelist") else queryset

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """To be read; the one thing to do with it is an action."""
        nothing_to_save = {"show_save": False, "show_save_and_continue": False}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **nothing_to_save})

    @admin.display(description=gettext_lazy("age"), ordering="-created_at")
    def age(self, message):
        return timesince(message.created_at, depth=1)

    @admin.display(description=gettext_lazy("text"))
    def words(self, message):
        if is_masked(message):
            return _("It carries a code, which only the person it was sent to may see.")
        return format_html("<pre>{}</pre>", message.text) if message.text else _("Dropped.")

    @admin.display(description=gettext_lazy("as HTML"))
    def preview(self, message):
        if is_masked(message) or not message.html:
            return "–"
        return format_html(
            '<iframe class="mail-preview" src="{}" title="{}" sandbox width="660" height="900"></iframe>',
            reverse("admin:mail_message_preview", args=[message.pk]),
            _("The mail as HTML"),
        )

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("sweep/", view(self.sweep_view), name="mail_message_sweep"),
            path("<int:pk>/preview/", view(self.preview_view), name="mail_message_preview"),
            *super().get_urls(),
        ]

    @method_decorator([xframe_options_sameorigin, csp_override(PREVIEW_CSP)])
    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        message = get_object_or_404(Message, pk=pk)
        if not self.has_view_permission(request, message) or is_masked(message):
            raise PermissionDenied
        return HttpResponse(message.html)

    def sweep_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        now = timezone.now()
        if request.method == "POST":
            swept = sweep(at=now)
            self.message_user(
                request,
                _("%(delivered)d delivered, %(unclear)d marked as perhaps sent.") % swept,
                messages.SUCCESS,
            )
            return redirect("admin:mail_message_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Run the sweep now"),
            "opts": self.opts,
            "due": Message.objects.due(at=now).count(),
        }
        return TemplateResponse(request, "admin/mail/message/sweep.html", context)

    @admin.action(description=gettext_lazy("Send again"), permissions=["change"])
    def send_again(self, request, queryset):
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Send again"),
                "opts": self.opts,
                "mails": queryset,
                "arrived": queryset.filter(state=Message.State.SENT).count(),
                "perhaps": queryset.filter(state=Message.State.UNCLEAR).count(),
                "action_checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/mail/message/send_again.html", context)

        now = timezone.now()
        queued = 0
        for message in queryset:
            try:
                with transaction.atomic():
                    send_again(message, at=now)
                    log_act(by=request.user, deed="mail sent again", subject=message, at=now)
            except (NothingLeftToSend, BeingSent) as error:
                self.message_user(request, f"{message}: {error}", messages.WARNING)
            else:
                queued += 1
        if queued:
            words = ngettext("%d mail is on its way again.", "%d mails are on their way again.", queued) % queued
            self.message_user(request, words, messages.SUCCESS)
        return None


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):
    list_display = ["address", "reason", "since"]
    search_fields = ["address", "reason"]
    fields = ["address", "reason"]

    def get_form(self, request, obj=None, change=False, **kwargs):
        help_texts = {
            "address": _(
                "Nothing is sent to this address any more: no codes, no receipts. Delete this row to change that."
            )
        }
        return super().get_form(request, obj, change, help_texts=help_texts, **kwargs)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.since = timezone.now()
        super().save_model(request, obj, form, change)
