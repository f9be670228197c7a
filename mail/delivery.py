"""Delivering what the outbox holds, each message once.

A message is taken in two steps. A worker that dies before it speaks to the server leaves a message that is taken again
when its lease is over; one that dies while the server may have heard it leaves it "being sent", and the sweep hands
that to staff as "perhaps sent" instead of mailing a person twice.
"""

import hashlib
import logging
import smtplib
import time
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, QuerySet

from foundation.identity import clinic_identity
from mail.models import Message, Suppression
from mail.server import KEEPING

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
SENDING_IS_STUCK_AFTER = timedelta(minutes=10)
# Waits between attempts; after the last one the message has failed and staff decide.
RETRY_AFTER = [timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720)]
# A sign-in code is of no use to anybody later than this.
SECRETS_LAST = timedelta(minutes=15)
# One sweep ends in time for the next; what is left over is due then.
SWEEP_SECONDS = 45


class ServerAway(Exception):
    """The mail server could not be reached or refused us; ``state`` is what became of the message in hand."""

    def __init__(self, error: Exception, state: Message.State) -> None:
        super().__init__(str(error))
        self.state = state


def deliver(message_pk: int, *, at: datetime) -> Message.State | None:
    """Try to deliver one queued message. None when it is not due or another worker has it."""
    try:
        return _deliver(message_pk, at=at)
    except ServerAway as error:
        logger.warning("Message %s is %s: %s", message_pk, error.state.label, error)
        return error.state


def sweep(*, at: datetime) -> dict[str, int]:
    """Deliver what is due and was not nudged; hand to staff what a dead worker left half sent. Safe to run twice."""
    stuck = Message.objects.filter(state=Message.State.SENDING, sending_since__lte=at - SENDING_IS_STUCK_AFTER)
    unclear = _without_secrets(stuck).update(
        state=Message.State.UNCLEAR, last_error="The worker died while sending; it may have arrived."
    )
    started = time.monotonic()
    delivered = 0
    for pk in Message.objects.due(at=at).order_by("next_at").values_list("pk", flat=True)[:500]:
        elapsed = time.monotonic() - started
        if elapsed > SWEEP_SECONDS:
            break
        try:
            delivered += _deliver(pk, at=at + timedelta(seconds=elapsed)) == Message.State.SENT
        except ServerAway as error:
            logger.warning("The sweep stops: %s", error)
            break
    return {"delivered": delivered, "unclear": unclear}


def _deliver(message_pk: int, *, at: datetime) -> Message.State | None:
    """:raises ServerAway: the server cannot be reached."""
    message = Message.objects.due(at=at).filter(pk=message_pk).first()
    if message is None:
        return None
    leased_until = at + LEASE
    leased = Message.objects.filter(pk=message.pk, state=Message.State.QUEUED, next_at=message.next_at).update(
        next_at=leased_until, attempts=F("attempts") + 1
    )
    if not leased:
        return None
    message.refresh_from_db()

    if Suppression.objects.filter(address__iexact=message.to).exists():
        return _end(message, Message.State.SUPPRESSED, at=at)
    if message.is_secret and at - message.created_at > SECRETS_LAST:
        return _end(message, Message.State.FAILED, at=at, error="Its code ran out before it could be delivered.")
    if settings.MAILERS["default"]["BACKEND"] == KEEPING:
        return _end(message, Message.State.KEPT, at=at)
    try:
        mail = _mail(message)
        mail.message()
    except ValueError as error:
        # An address or header that no server may be given, such as one with a line break in it.
        return _end(message, Message.State.FAILED, at=at, error=error)

    line = mailers["default"]
    try:
        try:
            line.open()
        except (OSError, smtplib.SMTPException) as error:
            raise ServerAway(error, _retry(message, error, at=at)) from error
        return _hand_over(message, mail, line, leased_until=leased_until, at=at)
    finally:
        _hang_up(line)


def _hand_over(
    message: Message, mail: EmailMultiAlternatives, line: BaseEmailBackend, *, leased_until: datetime, at: datetime
) -> Message.State | None:
    mine = Message.objects.filter(pk=message.pk, state=Message.State.QUEUED, next_at=leased_until).update(
        state=Message.State.SENDING, sending_since=at
    )
    if not mine:
        return None
    try:
        line.send_messages([mail])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return _refused(message, error, is_for_good=all(code >= 500 for code in codes), at=at)
    except smtplib.SMTPResponseException as error:
        return _refused(message, error, is_for_good=error.smtp_code >= 500, at=at)
    except ValueError as error:
        return _end(message, Message.State.FAILED, at=at, error=error)
    except (OSError, smtplib.SMTPException) as error:
        if getattr(line, "may_have_sent", True):
            return _end(message, Message.State.UNCLEAR, at=at, error=error)
        return _retry(message, error, at=at)
    return _end(message, Message.State.SENT, at=at)


def _hang_up(line: BaseEmailBackend) -> None:
    try:
        line.close()
    except (OSError, smtplib.SMTPException) as error:
        logger.info("The mail server went away before we said goodbye: %s", error)


def _mail(message: Message) -> EmailMultiAlternatives:
    answers_to = clinic_identity().email
    mail = EmailMultiAlternatives(
        message.subject,
        message.text,
        to=[message.to],
        reply_to=[answers_to] if answers_to else None,
        headers={"Message-ID": message_id(message), "Auto-Submitted": "auto-generated"},
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    return mail


def message_id(message: Message) -> str:
    """The Message-ID of every attempt, so that a mailbox which gets it twice can tell."""
    name = hashlib.sha256(f"{message.key} {message.created_at.isoformat()}".encode()).hexdigest()[:32]
    return f"<{name}@{urlsplit(settings.SITE_URL).hostname}>"


def _refused(message: Message, error: Exception, *, is_for_good: bool, at: datetime) -> Message.State:
    if is_for_good:
        return _end(message, Message.State.FAILED, at=at, error=error)
    return _retry(message, error, at=at)


def _retry(message: Message, error: Exception, *, at: datetime) -> Message.State:
    if message.attempts > len(RETRY_AFTER):
        return _end(message, Message.State.FAILED, at=at, error=error)
    Message.objects.filter(pk=message.pk).update(
        state=Message.State.QUEUED, next_at=at + RETRY_AFTER[message.attempts - 1], last_error=str(error)[:500]
    )
    return Message.State.QUEUED


def _end(message: Message, state: Message.State, *, at: datetime, error: Exception | str = "") -> Message.State:
    ended = Message.objects.filter(pk=message.pk)
    _without_secrets(ended).update(
        state=state, last_error=str(error)[:500], sent_at=at if state == Message.State.SENT else None
    )
    return state


def _without_secrets(messages: QuerySet[Message]) -> QuerySet[Message]:
    """The same messages, which have reached their end; outside demo mode the codes in them are forgotten now."""
    if not settings.DEMO:
        Message.objects.filter(pk__in=messages.filter(is_secret=True).values("pk")).update(text="", html="")
    return messages
