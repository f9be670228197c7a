"""What every app stands on: who the clinic is, and the marks that many apps leave."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class ClinicIdentity(models.Model):
    """The one row that says who runs this site; pages, receipts and mails print it."""

    only = models.BooleanField(default=True, editable=False, unique=True)
    name = models.CharField(max_length=80)
    tagline = models.CharField(max_length=200, blank=True)
    welcome = models.CharField(
        max_length=300, blank=True, help_text=_("Under the tagline on the home page, in one or two sentences.")
    )
    legal_name = models.CharField(
        max_length=120,
        help_text=_("Printed on every new receipt. Receipts that exist keep the name they were made with."),
    )
    address = models.TextField(help_text=_("Printed on every new receipt, line by line."))
    email = models.EmailField(help_text=_("Shown on the site; answers to the site's mail go here."))
    phone = models.CharField(max_length=40, blank=True)
    tax_number = models.CharField(
        max_length=60, blank=True, help_text=_("Printed on new receipts when it is filled in.")
    )
    provider_line = models.CharField(
        max_length=300,
        blank=True,
        help_text=_("The continuing-education line under receipts. Leave it empty if there is none."),
    )
    care_notice = models.TextField(help_text=_("Shown on every course for the public: that it does not replace care."))

    class Meta:
        verbose_name = _("clinic identity")
        verbose_name_plural = _("clinic identity")
        constraints = [
            models.CheckConstraint(
                condition=Q(only=True),
                name="there_is_one_clinic_identity",
                violation_error_message=_("There is one clinic identity; edit the one that exists."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class CrisisLine(models.Model):
    """A number or place to turn to in danger; every public page shows them."""

    position = models.PositiveSmallIntegerField(default=0)
    label = models.CharField(max_length=80, help_text=_("What is tapped: 911, 988 …"))
    text = models.CharField(max_length=200, help_text=_("Whom it is for, as a sentence."))
    href = models.CharField(max_length=200, blank=True, help_text=_("tel:988 or https://…; empty shows text alone."))

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label


class FailureQuerySet(models.QuerySet):
    def since(self, moment: datetime) -> "FailureQuerySet":
        return self.filter(minute__gte=moment)


class Failure(models.Model):
    """How often somebody failed at something in one minute; throttles add these up (foundation/throttle.py)."""

    scope = models.CharField(max_length=40)
    who = models.CharField(max_length=64)
    minute = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)

    objects = FailureQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "who", "minute"], name="one_failure_row_a_minute")]
        indexes = [models.Index(F("minute"), name="failure_by_minute")]

    def __str__(self) -> str:
        return f"{self.scope} {self.who[:8]}… {self.minute:%H:%M}: {self.count}"


class StaffAct(models.Model):
    """One thing a member of staff did that touches money, access or records, with its reason. Written once, never edited."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=254, help_text=_("Stays when the account goes."))
    deed = models.CharField(max_length=80)
    subject = models.CharField(max_length=120, db_index=True, help_text=_("app.model:id of what was acted on."))
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.by_name}: {self.deed}"
