"""Giving a seat in a course, and taking it back."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from courses.models import Course
from enrolments.models import Enrolment


class AlreadyEnrolled(Exception):
    """This person has a seat in the course that has not ended."""


def enrol(
    *, learner: User, course: Course, origin: str, at: datetime, access_ends_at: datetime | None = None
) -> Enrolment:
    """Give ``learner`` a seat in ``course``, pinned to the edition that it teaches now.

    A seat whose term has run out is ended by this, so that one can come back. Safe inside a larger transaction: a refusal rolls back only what was tried here.

    :raises AlreadyEnrolled: there is one already that has not ended (on hold counts too).
    """
    if course.edition is None:
        raise ValueError(f"“{course}” has no published edition to be enrolled in.")
    try:
        # The unique constraint decides, so that two payments at the same moment make one seat.
        with transaction.atomic():
            earlier = Enrolment.objects.filter(learner=learner, course=course)
            earlier.run_out(at=at).update(standing=Enrolment.Standing.ENDED, ended_at=F("access_ends_at"))
            return Enrolment.objects.create(
                learner=learner,
                course=course,
                edition=course.edition,
                origin=origin,
                enrolled_at=at,
                access_ends_at=access_ends_at,
            )
    except IntegrityError:
        if not Enrolment.objects.standing().filter(learner=learner, course=course).exists():
            raise
        raise AlreadyEnrolled(
            _("You already have a seat in “%(course)s”. You find it under My courses.") % {"course": course.title}
        ) from None


def end(enrolment: Enrolment, *, at: datetime) -> bool:
    """Close the seat for good; its records stay. False when it had ended before."""
    return _move(
        enrolment,
        leaving={Enrolment.Standing.ACTIVE, Enrolment.Standing.HOLD},
        standing=Enrolment.Standing.ENDED,
        ended_at=at,
    )


def hold(enrolment: Enrolment) -> bool:
    """Close the seat until further notice, as while a payment is disputed. False when it was not active."""
    return _move(enrolment, leaving={Enrolment.Standing.ACTIVE}, standing=Enrolment.Standing.HOLD)


def unhold(enrolment: Enrolment) -> bool:
    """Open a held seat again. False when it was not on hold."""
    return _move(enrolment, leaving={Enrolment.Standing.HOLD}, standing=Enrolment.Standing.ACTIVE)


def _move(enrolment: Enrolment, *, leaving: set[Enrolment.Standing], **to: object) -> bool:
    moved = Enrolment.objects.filter(pk=enrolment.pk, standing__in=leaving).update(**to)
    enrolment.refresh_from_db()
    return bool(moved)
