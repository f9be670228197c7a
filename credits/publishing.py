"""The one door through which an edition is published."""

from datetime import datetime

from django.db import transaction

from courses.captions import BadCaptions, read_captions
from courses.measuring import seconds_of_lesson, words_in
from courses.models import Course, Edition, Lesson
from courses.search import reindex


class NotReady(Exception):
    """An edition lacks something that a published one must have; ``missing`` lists it in sentences for staff."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(" ".join(missing))
        self.missing = missing


def missing_for_publishing(edition: Edition) -> list[str]:
    """What still has to be filled in, one sentence each; empty when it can be published."""
    missing = []
    if not edition.objectives:
        missing.append("Say what people will be able to do: at least one objective.")
    if not edition.instructing.exists():
        missing.append("Name at least one instructor.")
    lessons = list(edition.lessons.all())
    if not lessons:
        missing.append("Add at least one lesson.")
    for lesson in lessons:
        missing += _missing_in(lesson)
    return missing


def _missing_in(lesson: Lesson) -> list[str]:
    if lesson.kind == Lesson.Kind.TEXT:
        return [] if words_in(lesson.body) else [f"“{lesson.title}” has no text yet."]
    if not lesson.captions:
        return [f"“{lesson.title}” has no captions. Every video needs them."]
    try:
        with lesson.captions.open() as file:
            read_captions(file.read().decode())
    except (BadCaptions, UnicodeDecodeError) as error:
        return [f"The captions of “{lesson.title}” cannot be read: {error}"]
    return []


@transaction.atomic
def publish(edition: Edition, *, at: datetime) -> None:
    """Measure ``edition`` and make it the one that its course teaches from ``at`` on.

    Lengths are measured from the files and words; credits stay 0 until an approval gives some. Enrolments that exist
    keep the edition they were pinned to.

    :raises NotReady: something that a published edition must have is missing.
    """
    missing = missing_for_publishing(edition)
    if missing:
        raise NotReady(missing)

    total = 0
    for lesson in edition.lessons.all():
        lesson.words = words_in(lesson.body)
        lesson.seconds = seconds_of_lesson(lesson)
        lesson.save(update_fields=["words", "seconds"])
        total += lesson.seconds
    edition.seconds = total
    edition.lesson_count = edition.lessons.count()
    edition.published_at = edition.published_at or at
    edition.save()
    Course.objects.filter(pk=edition.course_id).update(edition=edition)
    reindex(edition.course)
