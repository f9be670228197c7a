from collections.abc import Callable
from datetime import datetime
from typing import cast

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from enrolments import enrolling
from enrolments.models import Enrolment
from foundation.acts import log_act


@admin.register(Enrolment)
class EnrolmentAdmin(admin.ModelAdmin):
    list_display = ["learner", "course", "origin", "standing", "progress", "enrolled_at", "last_seen"]
    list_filter = ["standing", "origin", "course", "enrolled_at"]
    search_fields = ["learner__email", "learner__legal_name", "course__title"]
    date_hierarchy = "enrolled_at"
    list_select_related = ["learner", "course", "edition"]
    fields = [
        ("learner", "course", "edition"),
        ("origin", "standing"),
        ("enrolled_at", "ended_at"),
        "access_ends_at",
        ("first_opened_at", "last_lesson"),
        ("progress", "last_seen"),
    ]
    readonly_fields = [
        "learner", "course", "edition", "origin", "standing", "enrolled_at", "ended_at", "first_opened_at",
        "last_lesson", "progress", "last_seen",
    ]  # fmt: skip
    actions = ["put_on_hold", "release", "end_now"]

    def get_queryset(self, request):
        return Enrolment.objects.with_done_count().with_last_seen()

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description=gettext_lazy("lessons done"), ordering="done_count")
    def progress(self, enrolment):
        return f"{enrolment.done_count} / {enrolment.edition.lesson_count}"

    @admin.display(description=gettext_lazy("last seen"), ordering="last_seen_at", empty_value="–")
    def last_seen(self, enrolment):
        return enrolment.last_seen_at

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if "access_ends_at" in form.changed_data:
            until = obj.access_ends_at.isoformat() if obj.access_ends_at else "no end"
            log_act(by=request.user, deed="set the end of access", subject=obj, reason=until, at=timezone.now())

    @admin.action(description=gettext_lazy("Put on hold: lessons close until released"), permissions=["change"])
    def put_on_hold(self, request, enrolments):
        changed = _act_on_each(request, enrolments, "put on hold", lambda enrolment, at: enrolling.hold(enrolment))
        _say(self, request, ngettext("%d seat is on hold.", "%d seats are on hold.", changed) % changed, changed)

    @admin.action(description=gettext_lazy("Release from hold"), permissions=["change"])
    def release(self, request, enrolments):
        changed = _act_on_each(request, enrolments, "released", lambda enrolment, at: enrolling.unhold(enrolment))
        _say(self, request, ngettext("%d seat is open again.", "%d seats are open again.", changed) % changed, changed)

    @admin.action(description=gettext_lazy("End for good: no refund is made by this"), permissions=["change"])
    def end_now(self, request, enrolments):
        changed = _act_on_each(request, enrolments, "ended", lambda enrolment, at: enrolling.end(enrolment, at=at))
        _say(self, request, ngettext("%d seat ended.", "%d seats ended.", changed) % changed, changed)


def _act_on_each(
    request: HttpRequest, enrolments: QuerySet[Enrolment], deed: str, act: Callable[[Enrolment, datetime], bool]
) -> int:
    """How many of ``enrolments`` the act changed; each change is logged with it."""
    now: datetime = timezone.now()
    changed = 0
    with transaction.atomic():
        for enrolment in enrolments:
            if act(enrolment, now):
                log_act(by=cast(User, request.user), deed=deed, subject=enrolment, at=now)
                changed += 1
    return changed


def _say(model_admin: admin.ModelAdmin, request: HttpRequest, text: str, changed: int) -> None:
    if changed:
        model_admin.message_user(request, text, messages.SUCCESS)
    else:
        model_admin.message_user(request, _("Nothing changed: none of them stood so."), messages.WARNING)
