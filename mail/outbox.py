"""Writing mail: a message is written in the transaction that causes it; mail/delivery.py delivers it once, later."""

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError

from foundation.identity import clinic_identity
from mail.models import Message
from mail.tasks import deliver_message

logger = logging.getLogger(__name__)


class NothingLeftToSend(Exception):
    """The words of this message were dropped, because they carried a code or because the person's data was deleted."""


class BeingSent(Exception):
    """A worker has this message in hand."""


def write(
    *, key: str, kind: str, to: str, template: str, context: dict, at: datetime, is_secret: bool = False
) -> Message:
    """Put a mail into the outbox, in the caller's transaction; a second call with the same ``key`` returns the first.

    ``template`` names three files: ``mail/<template>.subject.txt``, ``.txt`` and ``.html``. Delivery starts on commit.
    """
    frame = {"clinic": clinic_identity(), "site_url": settings.SITE_URL, "to": to, **context}
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


def send_again(message: Message, *, at: datetime) -> None:
    """Staff decided: deliver it (once more).

    :raises NothingLeftToSend: its words are gone.
    :raises BeingSent: a worker has it in hand.
    """
    if not message.text:
        raise NothingLeftToSend("Its words were dropped; ask the person to request a new one.")
    queued = Message.objects.filter(pk=message.pk).exclude(state=Message.State.SENDING)
    if not queued.update(
        state=Message.State.QUEUED, next_at=at, attempts=0, last_error="", sending_since=None,
    ):  # fmt: skip
        raise BeingSent("It is being sent at this moment.")
    transaction.on_commit(lambda: _nudge(message.pk))


def _nudge(message_pk: int) -> None:
    """Ask a worker to deliver now. Without a broker the sweep does it within a minute, so nothing is lost."""
    try:
        deliver_message.delay(message_pk=message_pk)
    except OperationalError:
        logger.warning("No broker: message %s waits for the sweep.", message_pk)
