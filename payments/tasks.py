from celery import shared_task
from django.conf import settings
from django.utils import timezone

from payments import reconciliation, webhooks


@shared_task
def act_on_webhook(*, event_pk: int) -> None:
    webhooks.act_on(event_pk, at=timezone.now())


@shared_task
def sweep_webhooks() -> None:
    webhooks.sweep(at=timezone.now())


@shared_task
def expire_orders() -> None:
    reconciliation.expire_orders(at=timezone.now())


@shared_task
def reconcile_open() -> None:
    reconciliation.reconcile_open(at=timezone.now())


@shared_task
def reconcile_events() -> None:
    reconciliation.reconcile_events(at=timezone.now())


@shared_task
def reconcile_day() -> None:
    reconciliation.reconcile_day(at=timezone.now())


@shared_task
def purge_unpaid_orders() -> None:
    reconciliation.purge_unpaid(at=timezone.now(), days=settings.UNPAID_ORDERS_KEPT_DAYS)
