"""Who may open what: the one place that decides about lessons, their media and a learner's own pages."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from courses.models import Course, Edition, Lesson
from enrolments.models import Enrolment


def owned_course_ids(user: User | AnonymousUser, *, at: datetime) -> frozenset[int]:
    """Courses that ``user`` need not and cannot buy at ``at``, having a seat there. One query, none for visitors."""
    if not user.is_authenticated:
        return frozenset()
    return frozenset(Enrolment.objects.lasting(at=at).filter(learner=user).values_list("course_id", flat=True))


def open_enrolment_for(user: User | AnonymousUser, course: Course, at: datetime) -> Enrolment | None:
    """The seat through which ``user`` may open the course's lessons at ``at``. One query, none for visitors."""
    if not user.is_authenticated:
        return None
    return Enrolment.objects.open(at=at).filter(learner=user, course=course).first()


def may_open_lesson(user: User | AnonymousUser, lesson: Lesson, *, at: datetime) -> bool:
    """Whether ``user`` may see the lesson and its files at ``at``.

    Free previews of what the public sees are open to everyone; staff who may change lessons see all of them; everybody
    else needs an open seat in the lesson's own edition. At most three queries, plus those of staff permissions.
    """
    if lesson.is_preview and Course.objects.visible(at=at).filter(edition=lesson.edition_id).exists():
        return True
    if not user.is_authenticated:
        return False
    if Enrolment.objects.open(at=at).filter(learner=user, edition=lesson.edition_id).exists():
        return True
    return user.has_perm("courses.change_lesson")


@dataclass(frozen=True)
class Desk:
    """Where somebody studies a course: its edition, and the seat. Staff who look without a seat have none."""

    course: Course
    edition: Edition
    seat: Enrolment | None


def desk_for(user: User, slug: str, *, at: datetime) -> Desk | None:
    """Where ``user`` may study the course with this address at ``at``; None when they may not.

    The newest seat in the course decides. Staff who may change lessons see its newest edition, published or not,
    when they have no open seat. One query, two more for staff.
    """
    newest = Enrolment.objects.filter(learner=user, course__slug=slug).select_related("course", "edition").first()
    if newest is not None and newest.is_open(at=at):
        return Desk(newest.course, newest.edition, newest)
    if user.has_perm("courses.change_lesson"):
        edition = Edition.objects.filter(course__slug=slug).select_related("course").order_by("-number").first()
        return Desk(edition.course, edition, None) if edition else None
    return None
