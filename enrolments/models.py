"""A learner's seat in a course, and how far they have come in it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from courses.models import Course, Edition, Lesson


class EnrolmentQuerySet(models.QuerySet):
    def standing(self):
        """Enrolments that have not ended."""
        return self.exclude(standing=Enrolment.Standing.ENDED)

    def lasting(self, *, at: datetime):
        """Seats that keep their course from being taken again: those standing, but for a term that has run out."""
        return self.standing().exclude(standing=Enrolment.Standing.ACTIVE, access_ends_at__lte=at)

    def run_out(self, *, at: datetime):
        """Seats whose term has run out, though nobody has ended them."""
        return self.filter(standing=Enrolment.Standing.ACTIVE, access_ends_at__lte=at)

    def open(self, *, at: datetime):
        """Enrolments whose learner may open every lesson at ``at``."""
        return self.filter(standing=Enrolment.Standing.ACTIVE).filter(Q(access_ends_at=None) | Q(access_ends_at__gt=at))

    def with_last_seen(self):
        """Adds ``last_seen_at``, when its learner was last in a lesson."""
        progress = Progress.objects.filter(enrolment=OuterRef("pk"))
        return self.annotate(last_seen_at=Subquery(progress.order_by("-last_seen_at").values("last_seen_at")[:1]))

    def with_done_count(self):
        """Adds ``done_count``, how many lessons are done, beside ``edition.lesson_count``."""
        done = Progress.objects.filter(enrolment=OuterRef("pk"), done_at__isnull=False).order_by()
        return self.annotate(
            done_count=Coalesce(Subquery(done.values("enrolment").annotate(n=Count("pk")).values("n")), 0)
        )


class Enrolment(models.Model):
    """A seat: one learner in one course, pinned to the edition that was settled."""

    class Origin(models.TextChoices):
        BOUGHT = "bought", _("bought")
        GRANTED = "granted", _("granted by staff")
        IMPORTED = "imported", _("imported")
        GIFT = "gift", _("gift")

    class Standing(models.TextChoices):
        ACTIVE = "active", _("active")
        HOLD = "hold", _("on hold")
        ENDED = "ended", _("ended")

    learner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="enrolments")
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="enrolments")
    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="enrolments")
    origin = models.CharField(max_length=10, choices=Origin)
    standing = models.CharField(max_length=8, choices=Standing, default=Standing.ACTIVE)
    enrolled_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    access_ends_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: access has no end."))
    first_opened_at = models.DateTimeField(null=True, blank=True)
    last_lesson = models.ForeignKey(Lesson, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = EnrolmentQuerySet.as_manager()

    class Meta:
        ordering = ["-enrolled_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["learner", "course"],
                condition=~Q(standing="ended"),
                name="one_standing_enrolment_per_learner_and_course",
                violation_error_message=_("This person already has a seat in this course."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.learner} in {self.course}"

    def is_open(self, *, at: datetime) -> bool:
        """Whether the learner may open every lesson at ``at``; the same rule as ``EnrolmentQuerySet.open``."""
        return self.standing == self.Standing.ACTIVE and not self.has_run_out(at=at)

    def has_run_out(self, *, at: datetime) -> bool:
        """Whether the term of access is over at ``at``."""
        return self.access_ends_at is not None and self.access_ends_at <= at


class Progress(models.Model):
    """How far one enrolment has come in one lesson."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.CASCADE, related_name="progress")
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="+")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    position_seconds = models.PositiveIntegerField(default=0, help_text=_("Where the video was left."))
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrolment", "lesson"], name="one_progress_per_lesson")]
        verbose_name_plural = _("progress")

    def __str__(self) -> str:
        return f"{self.enrolment}: {self.lesson}"
