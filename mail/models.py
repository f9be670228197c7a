"""The outbox: every message the site sends is first a row here."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class MessageQuerySet(models.QuerySet):
    def due(self, *, at: datetime) -> "MessageQuerySet":
        """Messages that a worker should try to deliver now."""
        return self.filter(state=Message.State.QUEUED, next_at__lte=at)


class Message(models.Model):
    """One mail to one address. ``key`` says what it is for, so that the same mail is never written twice."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        KEPT = "kept", _("kept here: there is no mail server")
        FAILED = "failed", _("failed")
        UNCLEAR = "unclear", _("perhaps sent")
        SUPPRESSED = "suppressed", _("not sent: address is suppressed")

    key = models.CharField(max_length=200, unique=True, help_text=_("What it is for, such as receipt:R-2026-000001."))
    kind = models.CharField(max_length=40, db_index=True)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    # Sign-in codes and reset links: masked in the admin outside demo mode, dropped after delivery.
    is_secret = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text=_("The next attempt is not made before this."))
    sending_since = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["next_at"], condition=Q(state="queued"), name="messages_due")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"


class Suppression(models.Model):
    """An address to which nothing is sent any more, because mail to it bounced or its owner said so."""

    address = models.EmailField(unique=True)
    reason = models.CharField(max_length=200, help_text=_("Why, such as “bounced” or “asked us to stop”."))
    since = models.DateTimeField()

    def __str__(self) -> str:
        return self.address
