"""What this app knows of a person: given to them on demand, and let go of when they leave."""

from datetime import datetime

from accounts.models import User
from enrolments.enrolling import end
from enrolments.models import Enrolment, Progress


def export(user: User) -> dict[str, list[dict]]:
    """Everything kept here about ``user``, by the name of the file it goes into. Two queries."""
    enrolments = Enrolment.objects.filter(learner=user).select_related("course", "edition").order_by("enrolled_at")
    progress = (
        Progress.objects.filter(enrolment__learner=user)
        .select_related("enrolment__course", "lesson")
        .defer("lesson__body")
        .order_by("first_seen_at", "id")
    )
    return {
        "enrolments": [
            {
                "course": enrolment.course.title,
                "edition": enrolment.edition.number,
                "origin": enrolment.origin,
                "standing": enrolment.standing,
                "enrolled_at": enrolment.enrolled_at,
                "access_ends_at": enrolment.access_ends_at,
                "ended_at": enrolment.ended_at,
                "first_opened_at": enrolment.first_opened_at,
            }
            for enrolment in enrolments
        ],
        "progress": [
            {
                "course": row.enrolment.course.title,
                "lesson": row.lesson.title,
                "first_seen_at": row.first_seen_at,
                "last_seen_at": row.last_seen_at,
                "position_seconds": row.position_seconds,
                "done_at": row.done_at,
            }
            for row in progress
        ],
    }


def erase(user: User, *, at: datetime) -> None:
    """Forget what ``user`` looked at, and close their seats. That a seat was held stays: payments stand on it."""
    Progress.objects.filter(enrolment__learner=user).delete()
    for enrolment in Enrolment.objects.standing().filter(learner=user):
        end(enrolment, at=at)
    Enrolment.objects.filter(learner=user).update(last_lesson=None, first_opened_at=None)
