"""Writing and delivering mail. A message is written in the transaction that causes it and delivered once, later.

Delivery takes a message in two steps. A worker that dies before it speaks to the server leaves a message that is taken
again when its lease is over; one that dies while the server may have heard it leaves it "being sent", and the sweep
hands that to staff as "perhaps sent" instead of mailing a person twice.
"""

import logging
import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

from foundation.identity import clinic_identity
from mail.models import Message, Suppression

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
SENDING_IS_STUCK_AFTER = timedelta(minutes=10)
# Waits between attempts; after the last one the message has failed and staff decide.
RETRY_AFTER = [timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720)]


def write(
    *, key: str, kind: str, to: str, template: str, context: dict, at: datetime, is_secret: bool = False
) -> Message:
    """Put a mail into the outbox, in the caller's transaction; a second call with the same ``key`` returns the first.

    ``template`` names three files: ``mail/<template>.subject.txt``, ``.txt`` and ``.html``. Delivery starts on commit.
    """
    frame = {"clinic": clinic_identity(), "site_url": settings.SITE_URL, **context}
    subject, text, html = (
        render_to_string(f"mail/{template}.{part}", frame).strip() for part in ("subject.txt", "txt", "html")
    )
    return write_rendered(
        key=key, kind=kind, to=to, subject=subject, text=text + "\n", html=html, at=at, is_secret=is_secret
    )


def write_rendered(
    *, key: str, kind: str, to: str, subject: str, text: str, html: str, at: datetime, is_secret: bool = False
) -> Message:
    """As ``write`` for a mail whose words exist already."""
    message = Message(
        key=key, kind=kind, to=to, subject=" ".join(subject.split())[:200], text=text, html=html,
        is_secret=is_secret, created_at=at, next_at=at,
    )  # fmt: skip
    Message.objects.bulk_create([message], ignore_conflicts=True)
    kept = Message.objects.get(key=key)
    if kept.state == Message.State.QUEUED:
        transaction.on_commit(lambda: _nudge(kept.pk))
    return kept


def _nudge(message_pk: int) -> None:
    """Ask a worker to deliver now. Without a broker the sweep does it within a minute, so nothing is lost."""
    from mail.tasks import deliver_message

    try:
        deliver_message.delay(message_pk=message_pk)
    except OperationalError:
        logger.warning("No broker: message %s waits for the sweep.", message_pk)


def deliver(message_pk: int, *, at: datetime) -> Message.State | None:
    """Try to deliver one queued message. None when it is not due or another worker has it."""
    message = Message.objects.due(at=at).filter(pk=message_pk).first()
    if message is None:
        return None
    leased = Message.objects.filter(pk=message.pk, state=Message.State.QUEUED, next_at=message.next_at).update(
        next_at=at + LEASE, attempts=F("attempts") + 1
    )
    if not leased:
        return None
    message.refresh_from_db()

    if Suppression.objects.filter(address__iexact=message.to).exists():
        return _end(message, Message.State.SUPPRESSED, at=at)

    connection = mailers["default"]
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return _retry(message, error, at=at)

    if not Message.objects.filter(pk=message.pk, state=Message.State.QUEUED, next_at=message.next_at).update(
        state=Message.State.SENDING, sending_since=at
    ):
        return None
    try:
        connection.send_messages([_mail(message)])
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        return _retry(message, error, at=at) if all(code < 500 for code in codes) else _fail(message, error, at=at)
    except smtplib.SMTPResponseException as error:
        return _retry(message, error, at=at) if error.smtp_code < 500 else _fail(message, error, at=at)
    except (OSError, smtplib.SMTPException) as error:
        # The line broke while the server may have taken the message.
        return _end(message, Message.State.UNCLEAR, at=at, error=error)
    finally:
        connection.close()
    return _end(message, Message.State.SENT, at=at)


def sweep(*, at: datetime) -> dict[str, int]:
    """Deliver what is due and was not nudged; hand to staff what a dead worker left half sent. Safe to run twice."""
    stuck = Message.objects.filter(state=Message.State.SENDING, sending_since__lte=at - SENDING_IS_STUCK_AFTER).update(
        state=Message.State.UNCLEAR, last_error="The worker died while sending; it may have arrived."
    )
    delivered = 0
    for pk in Message.objects.due(at=at).order_by("next_at").values_list("pk", flat=True)[:500]:
        delivered += deliver(pk, at=at) == Message.State.SENT
    return {"delivered": delivered, "unclear": stuck}


def send_again(message: Message, *, at: datetime) -> None:
    """Staff decided: deliver it (once more). A message whose secret body was dropped cannot be sent again.

    :raises ValueError: its body is gone.
    """
    if not message.text:
        raise ValueError("The text of this message was dropped after delivery; ask the person to request a new one.")
    Message.objects.filter(pk=message.pk).exclude(state=Message.State.SENDING).update(
        state=Message.State.QUEUED, next_at=at, attempts=0, last_error=""
    )
    transaction.on_commit(lambda: _nudge(message.pk))


def _mail(message: Message) -> EmailMultiAlternatives:
    mail = EmailMultiAlternatives(
        message.subject,
        message.text,
        to=[message.to],
        reply_to=[clinic_identity().email] if clinic_identity().email else None,
        headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
    )
    if message.html:
        mail.attach_alternative(message.html, "text/html")
    return mail


def _retry(message: Message, error: Exception, *, at: datetime) -> Message.State:
    if message.attempts > len(RETRY_AFTER):
        return _fail(message, error, at=at)
    Message.objects.filter(pk=message.pk).update(
        state=Message.State.QUEUED, next_at=at + RETRY_AFTER[message.attempts - 1], last_error=str(error)[:500]
    )
    return Message.State.QUEUED


def _fail(message: Message, error: Exception, *, at: datetime) -> Message.State:
    return _end(message, Message.State.FAILED, at=at, error=error)


def _end(message: Message, state: Message.State, *, at: datetime, error: Exception | None = None) -> Message.State:
    changes: dict[str, object] = {"state": state, "last_error": str(error or "")[:500]}
    if state == Message.State.SENT:
        changes["sent_at"] = at
        if message.is_secret and not settings.DEMO:
            changes |= {"text": "", "html": ""}
    Message.objects.filter(pk=message.pk).update(**changes)
    return state
