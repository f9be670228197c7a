from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.models import User
from courses.lessons import lesson_view
from courses.models import Lesson
from enrolments.access import Desk, desk_for, may_open_lesson
from enrolments.media import answer_with_media
from enrolments.models import Enrolment
from enrolments.progress import Outline, finish, open_lesson, outline_of_edition, outlines, save_position


class PositionForm(forms.Form):
    """Where a video was left. Seconds beyond its length are cut to it later."""

    seconds = forms.FloatField(min_value=0, max_value=1_000_000)


@dataclass(frozen=True)
class Seat:
    """One row of "My courses"."""

    enrolment: Enrolment
    outline: Outline
    is_open: bool
    has_run_out: bool


@never_cache
@login_required
@require_safe
def learn(request: HttpRequest) -> HttpResponse:
    """My courses: the newest seat in each, and the lesson at which I stopped last."""
    now = timezone.now()
    newest = _newest_of_each_course(Enrolment.objects.filter(learner=cast(User, request.user)).select_related("course"))
    progress = outlines(newest)
    seats = [Seat(row, progress[row.pk], row.is_open(at=now), row.has_run_out(at=now)) for row in newest]
    under_way = [seat for seat in seats if seat.is_open and seat.outline.last_seen_at and not seat.outline.is_complete]
    current = max(under_way, key=_last_seen_at, default=None)
    others = sorted((seat for seat in seats if seat is not current), key=_least_to_do_last)
    context = {"current": current, "seats": others}
    return TemplateResponse(request, "enrolments/learn.html", context)


def _last_seen_at(seat: Seat) -> datetime:
    return seat.outline.last_seen_at or seat.enrolment.enrolled_at


def _least_to_do_last(seat: Seat) -> tuple[bool, bool]:
    """What is closed comes after what is done, and that after what is under way."""
    return not seat.is_open, seat.outline.is_complete


def _newest_of_each_course(enrolments: Iterable[Enrolment]) -> list[Enrolment]:
    newest: dict[int, Enrolment] = {}
    for enrolment in enrolments:
        newest.setdefault(enrolment.course_id, enrolment)
    return list(newest.values())


@never_cache
@login_required
@require_safe
def course(request: HttpRequest, slug: str) -> HttpResponse:
    """The course's own page for its learner: all lessons, and where to go on."""
    desk = _desk_or_404(request, slug, at=timezone.now())
    context = {"course": desk.course, "seat": desk.seat, "outline": _outline(desk)}
    return TemplateResponse(request, "enrolments/course.html", context)


@never_cache
@login_required
@require_GET
def lesson(request: HttpRequest, slug: str, lesson_slug: str) -> HttpResponse:
    """The player. Opening it is remembered, so that "Continue" leads back here."""
    now = timezone.now()
    desk = _desk_or_404(request, slug, at=now)
    shown = get_object_or_404(Lesson, edition=desk.edition, slug=lesson_slug)
    if desk.seat:
        open_lesson(desk.seat, shown, at=now)
    outline = _outline(desk)
    step = outline.step(lesson_slug)
    if step is None:
        raise Http404
    context = {
        **lesson_view(shown),
        "is_preview": False,
        "course": desk.course,
        "seat": desk.seat,
        "outline": outline,
        "step": step,
        "resume_at": step.resume_at,
        "position_url": reverse("enrolments:position", args=[slug, lesson_slug]) if desk.seat else "",
        "before": outline.before(step),
        "after": outline.after(step),
    }
    return TemplateResponse(request, "enrolments/lesson.html", context)


@never_cache
@login_required
@require_POST
def position(request: HttpRequest, slug: str, lesson_slug: str) -> HttpResponse:
    """The player says where it is."""
    now = timezone.now()
    seat, left = _seat_and_lesson_or_404(request, slug, lesson_slug, at=now)
    form = PositionForm(request.POST)
    if not form.is_valid():
        return HttpResponseBadRequest()
    save_position(seat, left, form.cleaned_data["seconds"], at=now)
    return HttpResponse(status=204)


@never_cache
@login_required
@require_POST
def done(request: HttpRequest, slug: str, lesson_slug: str) -> HttpResponse:
    """The lesson is done: stay with it, or go on to the next."""
    now = timezone.now()
    seat, finished = _seat_and_lesson_or_404(request, slug, lesson_slug, at=now)
    finish(seat, finished, at=now)
    if "go_on" not in request.POST:
        return redirect("enrolments:lesson", slug, lesson_slug)

    outline = outlines([seat])[seat.pk]
    step = outline.step(lesson_slug)
    following = step and outline.after(step)
    if following:
        return redirect("enrolments:lesson", slug, following.lesson.slug)
    if outline.is_complete:
        messages.success(request, _("That was the last lesson. Everything in this course is done: well done."))
    else:
        messages.info(request, _("That was the last lesson. Some earlier ones are still open."))
    return redirect("enrolments:course", slug)


@require_safe
def media(request: HttpRequest, lesson: int, name: str) -> HttpResponseBase:
    """A lesson's file, for whoever may open the lesson; to all others it does not exist."""
    asked = get_object_or_404(Lesson.objects.defer("body"), pk=lesson)
    if not may_open_lesson(request.user, asked, at=timezone.now()):
        raise Http404
    return answer_with_media(request, asked, name)


def _desk_or_404(request: HttpRequest, slug: str, *, at: datetime) -> Desk:
    desk = desk_for(cast(User, request.user), slug, at=at)
    if desk is None:
        raise Http404
    return desk


def _seat_and_lesson_or_404(
    request: HttpRequest, slug: str, lesson_slug: str, *, at: datetime
) -> tuple[Enrolment, Lesson]:
    seat = _desk_or_404(request, slug, at=at).seat
    if seat is None:
        raise Http404
    return seat, get_object_or_404(Lesson.objects.defer("body"), edition=seat.edition_id, slug=lesson_slug)


def _outline(desk: Desk) -> Outline:
    return outlines([desk.seat])[desk.seat.pk] if desk.seat else outline_of_edition(desk.edition.pk)
