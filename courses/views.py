"""The catalogue, the page of an offer, and its free lessons."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from courses.catalogue import PAGE_SIZE, Entry, browse, entries_of
from courses.lessons import lesson_view
from courses.models import Bundle, Course, Edition, Lesson, Offer, Section
from courses.structured_data import bundle_data, course_data
from foundation.page_cache import shared_page
from foundation.structured_data import json_ld


@shared_page
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """All visible offers, narrowed and ordered by the address."""
    found = browse(request.GET, at=timezone.now())
    page = Paginator(found.entries, PAGE_SIZE).get_page(request.GET.get("page"))
    return TemplateResponse(request, "courses/list.html", {"catalogue": found, "filters": found.filters, "page": page})


@shared_page
@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """A course's or a bundle's page. Staff who may change courses see it before the public does."""
    now = timezone.now()
    entry = next(iter(entries_of(Offer.objects.filter(slug=slug), at=now)), None)
    if entry is None:
        raise Http404
    offer = entry.offer.bundle if entry.is_bundle else entry.offer.course
    if not may_see(request, offer, at=now):
        raise Http404
    context = {
        "entry": entry,
        "offer": offer,
        "price": entry.price,
        "is_hidden": not offer.is_visible(at=now),
        "questions": entry.offer.questions.all(),
    }
    if entry.is_bundle:
        return _bundle_page(request, context, at=now)
    return _course_page(request, context, at=now)


def _course_page(request: HttpRequest, context: dict[str, Any], *, at: datetime) -> HttpResponse:
    entry: Entry = context["entry"]
    course: Course = context["offer"]
    edition = course.edition or (course.editions.first() if context["is_hidden"] else None)
    outline = outline_of(edition) if edition else []
    previews = [lesson for part in outline for lesson in part.lessons if lesson.is_preview]
    context |= {
        "course": course,
        "edition": edition,
        "outline": outline,
        "preview": next(
            (lesson for lesson in previews if lesson.kind == Lesson.Kind.VIDEO), next(iter(previews), None)
        ),
        "has_video": any(lesson.kind == Lesson.Kind.VIDEO for part in outline for lesson in part.lessons),
        "instructing": edition.instructing.select_related("person") if edition else [],
        "bundles": course.bundles.visible(at=at),
        "json_ld": _structured(request, context, course_data(entry, edition)),
    }
    return TemplateResponse(request, "courses/detail.html", context)


def _bundle_page(request: HttpRequest, context: dict[str, Any], *, at: datetime) -> HttpResponse:
    entry = context["entry"]
    courses = entries_of(
        Offer.objects.filter(course__bundled__bundle=entry.offer).order_by("course__bundled__position"), at=at
    )
    context |= {
        "courses": courses,
        "separately_cents": sum(part.price.list_cents for part in courses),
        "json_ld": _structured(request, context, bundle_data(entry)),
    }
    return TemplateResponse(request, "courses/bundle.html", context)


def _structured(request: HttpRequest, context: dict, data: dict) -> str:
    """Nothing where the page shows another price than everybody's, or is not public."""
    return "" if context["is_hidden"] or "coupon" in request.GET else json_ld(data)


@shared_page
@require_safe
def preview(request: HttpRequest, slug: str, lesson_slug: str) -> HttpResponse:
    """A free lesson of the published edition, for everybody."""
    now = timezone.now()
    course: Course = get_object_or_404(Course.objects.select_related("edition"), slug=slug)
    if not may_see(request, course, at=now):
        raise Http404
    previews = list(Lesson.objects.filter(edition=course.edition_id, is_preview=True).select_related("section"))
    place = next((number for number, lesson in enumerate(previews) if lesson.slug == lesson_slug), None)
    if course.edition is None or place is None:
        raise Http404
    context = lesson_view(previews[place]) | {
        "course": course,
        "number": place + 1,
        "previews": previews,
        "before": previews[place - 1] if place else None,
        "after": previews[place + 1] if place + 1 < len(previews) else None,
        "is_hidden": not course.is_visible(at=now),
    }
    return TemplateResponse(request, "courses/preview.html", context)


def may_see(request: HttpRequest, offer: Offer, *, at: datetime) -> bool:
    """Whether this page exists for whoever asks: the public sees visible offers, staff who edit them see all."""
    if offer.is_visible(at=at):
        return True
    return request.user.has_perm("courses.change_bundle" if isinstance(offer, Bundle) else "courses.change_course")


@dataclass(frozen=True)
class Part:
    """A section of an edition with its lessons."""

    section: Section
    lessons: list[Lesson]

    @property
    def seconds(self) -> int:
        return sum(lesson.seconds for lesson in self.lessons)


def outline_of(edition: Edition) -> list[Part]:
    """The sections that have lessons, in the order taught. One query."""
    lessons = edition.lessons.select_related("section").order_by("section__position", "section_id", "position", "id")
    return [
        Part(group[0].section, group)
        for _, rows in groupby(lessons, key=lambda lesson: lesson.section_id)
        if (group := list(rows))
    ]
