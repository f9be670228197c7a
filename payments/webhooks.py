"""Messages from Stripe: stored once under Stripe's id, then acted on until it worked."""

import logging
from datetime import datetime, timedelta

from django.db.models import F, Q
from kombu.exceptions import OperationalError

from payments import settlement
from payments.models import WebhookEvent
from payments.stripe_gateway import Event, StripeIsAway, StripeRefused

logger = logging.getLogger(__name__)

# What a payment page can tell. Refunds and disputes arrive with the part of the product that makes them.
SESSION_EVENTS = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
]
RETRY_AFTER = [timedelta(seconds=s) for s in (20, 60, 300, 900, 3600)]
GIVE_UP_AFTER = timedelta(hours=24)


def take_in(event: Event, *, at: datetime) -> WebhookEvent:
    """Store ``event``; one that is known already is returned as it is."""
    row = WebhookEvent(
        event_id=event.id,
        type=event.type,
        object_id=event.object_id,
        order_number=event.order_number,
        created_at=event.created_at,
        received_at=at,
        next_at=at,
        state=WebhookEvent.State.RECEIVED if event.type in SESSION_EVENTS else WebhookEvent.State.IGNORED,
    )
    WebhookEvent.objects.bulk_create([row], ignore_conflicts=True)
    return WebhookEvent.objects.get(event_id=event.id)


def hand_to_worker(event: WebhookEvent) -> None:
    """Ask a worker to act on ``event`` now; without a broker the sweep does it within a minute."""
    from payments.tasks import act_on_webhook

    try:
        act_on_webhook.delay(event_pk=event.pk)
    except OperationalError:
        logger.warning("No broker: webhook %s waits for the sweep.", event.event_id)


def act_on(event_pk: int, *, at: datetime) -> None:
    """Settle what the event names. Failures are kept with their reason and tried again for a day."""
    event = WebhookEvent.objects.filter(
        pk=event_pk, state__in=[WebhookEvent.State.RECEIVED, WebhookEvent.State.FAILED]
    ).first()
    if event is None:
        return
    try:
        settlement.settle(event.object_id, at=at)
    except (StripeIsAway, StripeRefused, settlement.UnknownOrder) as error:
        wait = RETRY_AFTER[min(event.attempts, len(RETRY_AFTER) - 1)]
        WebhookEvent.objects.filter(pk=event.pk).update(
            state=WebhookEvent.State.FAILED,
            attempts=F("attempts") + 1,
            next_at=at + wait,
            last_error=f"{type(error).__name__}: {error}"[:500],
        )
        return
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=WebhookEvent.State.DONE, attempts=F("attempts") + 1, last_error=""
    )


def sweep(*, at: datetime) -> int:
    """Act on every stored event that is due; those a day old stay failed for staff to see. Returns how many were tried."""
    due = WebhookEvent.objects.filter(
        Q(state=WebhookEvent.State.RECEIVED) | Q(state=WebhookEvent.State.FAILED, received_at__gt=at - GIVE_UP_AFTER),
        next_at__lte=at,
    )
    tried = 0
    for pk in due.order_by("received_at").values_list("pk", flat=True)[:500]:
        act_on(pk, at=at)
        tried += 1
    return tried
