from celery import shared_task
from django.utils import timezone

from mail import outbox


@shared_task
def deliver_message(*, message_pk: int) -> None:
    outbox.deliver(message_pk, at=timezone.now())


@shared_task
def sweep_outbox() -> None:
    outbox.sweep(at=timezone.now())
