from celery import shared_task
from django.utils import timezone

from mail import delivery


@shared_task
def deliver_message(*, message_pk: int) -> None:
    delivery.deliver(message_pk, at=timezone.now())


@shared_task
def sweep_outbox() -> None:
    delivery.sweep(at=timezone.now())
