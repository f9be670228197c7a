"""How far a learner has come: what they opened, where they stopped, what is done, and what comes next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from courses.models import Lesson, Section
from enrolments.models import Enrolment, Progress

# Whoever stopped this close to the end has seen it, and starts anew.
END_SECONDS = 5


@dataclass(frozen=True)
class Step:
    """One lesson in the learner's list, with what is known of it."""

    lesson: Lesson
    number: int
    progress: Progress | None

    @property
    def is_done(self) -> bool:
        return self.progress is not None and self.progress.done_at is not None

    @property
    def resume_at(self) -> int:
        """Seconds into the video at which to go on; 0 is the beginning."""
        if self.progress is None or self.progress.position_seconds > self.lesson.seconds - END_SECONDS:
            return 0
        return self.progress.position_seconds


@dataclass(frozen=True)
class Outline:
    """The lessons of one edition in their order, with the progress of one learner (or of nobody)."""

    steps: list[Step]
    last_lesson_id: int | None = None

    @property
    def sections(self) -> list[tuple[Section, list[Step]]]:
        return [(section, list(steps)) for section, steps in groupby(self.steps, key=lambda step: step.lesson.section)]

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def is_complete(self) -> bool:
        return self.done == self.total > 0

    @property
    def completed_at(self) -> datetime | None:
        """When the last lesson was done; None while one is open."""
        if not self.is_complete:
            return None
        return max(step.progress.done_at for step in self.steps if step.progress and step.progress.done_at)

    @property
    def last_seen_at(self) -> datetime | None:
        """When the learner was last in a lesson; None before the first."""
        return max((step.progress.last_seen_at for step in self.steps if step.progress), default=None)

    @property
    def next_step(self) -> Step | None:
        """Where "Continue" leads: the lesson last opened while it is unfinished, else the next unfinished, else the first."""
        last = next((place for place, step in enumerate(self.steps) if step.lesson.pk == self.last_lesson_id), 0)
        from_here_on = self.steps[last:] + self.steps[:last]
        return next((step for step in from_here_on if not step.is_done), self.steps[0] if self.steps else None)

    def step(self, slug: str) -> Step | None:
        return next((step for step in self.steps if step.lesson.slug == slug), None)

    def before(self, step: Step) -> Step | None:
        return self.steps[step.number - 2] if step.number > 1 else None

    def after(self, step: Step) -> Step | None:
        return self.steps[step.number] if step.number < self.total else None


def outline_of_edition(edition_id: int) -> Outline:
    """The lessons as somebody without a seat sees them. One query."""
    return Outline(_steps(_lessons([edition_id]), {}))


def outlines(enrolments: Iterable[Enrolment]) -> dict[int, Outline]:
    """The outline of each enrolment, by its id. Two queries, however many there are."""
    enrolments = list(enrolments)
    lessons: dict[int, list[Lesson]] = {}
    for lesson in _lessons({enrolment.edition_id for enrolment in enrolments}):
        lessons.setdefault(lesson.edition_id, []).append(lesson)
    progress: dict[int, dict[int, Progress]] = {}
    for row in Progress.objects.filter(enrolment__in=enrolments):
        progress.setdefault(row.enrolment_id, {})[row.lesson_id] = row
    return {
        enrolment.pk: Outline(
            _steps(lessons.get(enrolment.edition_id, []), progress.get(enrolment.pk, {})), enrolment.last_lesson_id
        )
        for enrolment in enrolments
    }


def _lessons(edition_ids: Iterable[int]) -> Iterable[Lesson]:
    """Without their texts, which only the lesson's own page needs."""
    return (
        Lesson.objects.filter(edition__in=edition_ids)
        .select_related("section")
        .defer("body")
        .order_by("section__position", "section_id", "position", "id")
    )


def _steps(lessons: Iterable[Lesson], progress: dict[int, Progress]) -> list[Step]:
    return [Step(lesson, number, progress.get(lesson.pk)) for number, lesson in enumerate(lessons, start=1)]


def open_lesson(enrolment: Enrolment, lesson: Lesson, *, at: datetime) -> None:
    """Remember that the learner is at ``lesson`` now. Two statements; opening twice at once is harmless."""
    _remember(enrolment, lesson, at=at)
    enrolment.first_opened_at = enrolment.first_opened_at or at
    enrolment.last_lesson = lesson
    enrolment.save(update_fields=["first_opened_at", "last_lesson"])


def save_position(enrolment: Enrolment, lesson: Lesson, seconds: float, *, at: datetime) -> None:
    """Remember where the video was left, within its length. One statement."""
    _remember(enrolment, lesson, at=at, position_seconds=int(min(max(seconds, 0), lesson.seconds)))


def finish(enrolment: Enrolment, lesson: Lesson, *, at: datetime) -> None:
    """The lesson is done; the first time counts. Two statements."""
    _remember(enrolment, lesson, at=at)
    enrolment.progress.filter(lesson=lesson, done_at=None).update(done_at=at)


def _remember(enrolment: Enrolment, lesson: Lesson, *, at: datetime, **what: object) -> None:
    Progress.objects.bulk_create(
        [Progress(enrolment=enrolment, lesson=lesson, first_seen_at=at, last_seen_at=at, **what)],
        update_conflicts=True,
        unique_fields=["enrolment", "lesson"],
        update_fields=["last_seen_at", *what],
    )
