"""What machines ask: does the process answer, can it do its work, how much lies undone."""

import hmac
import ipaddress
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Max, Min
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from clinic.celery import app as celery_app
from foundation.network import caller_address
from mail.models import Message
from payments.models import Order, OrderLine, ReconcileRun, WebhookEvent

_migrated: set[str] = set()


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers, whatever else is away."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when this process can do its work, else 503 with the names of the parts that fail."""
    failing = [name for name, is_fine in PARTS.items() if not _holds(is_fine)]
    if failing:
        return JsonResponse({"status": "not ready", "failing": failing}, status=503)
    return JsonResponse({"status": "ready"})


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Numbers for Prometheus, for trusted networks or with METRICS_TOKEN; for everybody else there is no such page."""
    if not _may_see_metrics(request):
        raise Http404
    text = "".join(_prometheus(timezone.now()))
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _holds(is_fine: Callable[[], bool]) -> bool:
    try:
        return is_fine()
    except Exception:  # whatever a driver raises, the answer is the same: this part fails
        return False


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone() == (1,)


def _migrations() -> bool:
    # What this code wants to be applied cannot grow while the process lives, so one good answer stays good.
    name = str(connection.settings_dict["NAME"])
    if name not in _migrated:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.add(name)
    return True


def _cache() -> bool:
    mark = str(uuid.uuid4())
    cache.set("readyz", mark, timeout=10)
    return cache.get("readyz") is not None


def _broker() -> bool:
    with celery_app.connection_for_write(connect_timeout=2) as broker:
        broker.ensure_connection(max_retries=0, timeout=2)
        return bool(broker.connected)


PARTS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "cache": _cache,
    "broker": _broker,
}


def _may_see_metrics(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode()):
            return True
    try:
        caller = ipaddress.ip_address(caller_address(request))
    except ValueError:
        return False
    return any(caller in ipaddress.ip_network(network) for network in settings.METRICS_NETWORKS)


def _prometheus(at: datetime) -> Iterable[str]:
    yield from _gauge("clinic_messages", "Mail in the outbox, by state.", _by_state(Message))
    oldest = Message.objects.due(at=at).aggregate(since=Min("next_at"))["since"]
    yield from _gauge("clinic_message_overdue_seconds", "How long the oldest due mail waits.", {"": _age(oldest, at)})
    yield from _gauge("clinic_orders", "Orders, by state.", _by_state(Order))
    paid_not_enrolled = OrderLine.objects.filter(order__in=Order.objects.paid(), enrolment=None)
    yield from _gauge(
        "clinic_order_lines_paid_not_enrolled",
        "Courses paid for whose buyer has no seat; must be 0.",
        {"": paid_not_enrolled.count()},
    )
    yield from _gauge(
        "clinic_orders_in_review", "Orders staff should look at.", {"": Order.objects.in_review().count()}
    )
    yield from _gauge("clinic_webhook_events", "Messages from Stripe, by state.", _by_state(WebhookEvent))
    runs = ReconcileRun.objects.exclude(ended_at=None).order_by().values_list("kind").annotate(Max("ended_at"))
    yield from _gauge(
        "clinic_reconcile_age_seconds",
        "Since the last finished comparison with Stripe.",
        {f'{{kind="{kind}"}}': _age(ended_at, at) for kind, ended_at in runs},
    )


def _by_state(model: type[Message | Order | WebhookEvent]) -> dict[str, int]:
    counted = dict(model._default_manager.order_by().values_list("state").annotate(Count("pk")))
    return {f'{{state="{state}"}}': counted.get(state, 0) for state in model.State.values}


def _age(moment: datetime | None, at: datetime) -> int:
    return 0 if moment is None else max(0, int((at - moment).total_seconds()))


def _gauge(name: str, meaning: str, values: dict[str, int]) -> Iterable[str]:
    yield f"# HELP {name} {meaning}\n# TYPE {name} gauge\n"
    for labels, value in values.items():
        yield f"{name}{labels} {value}\n"
