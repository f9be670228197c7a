import json
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from clinic import health
from mail.models import Message
from payments.models import ReconcileRun

pytestmark = pytest.mark.django_db


def numbers(client, **headers) -> dict[str, str]:
    text = client.get(reverse("clinic:metrics"), **headers).content.decode()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def write_message(*, state: str, next_at) -> None:
    Message.objects.create(
        key=f"test:{Message.objects.count()}", kind="test", to="ada@example.org", subject="Hello", text="Hello",
        state=state, created_at=next_at, next_at=next_at,
    )  # fmt: skip


def test_healthz_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get(reverse("clinic:healthz"))

    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_readyz_is_200_when_all_parts_work(client):
    response = client.get(reverse("clinic:readyz"))

    assert (response.status_code, json.loads(response.content)) == (200, {"status": "ready"})


def test_readyz_names_every_part_that_fails(client, monkeypatch):
    def broken() -> bool:
        raise OSError("nobody there")

    monkeypatch.setitem(health.PARTS, "broker", broken)
    monkeypatch.setitem(health.PARTS, "migrations", lambda: False)

    response = client.get(reverse("clinic:readyz"))

    assert response.status_code == 503
    assert json.loads(response.content) == {"status": "not ready", "failing": ["migrations", "broker"]}


def test_readyz_fails_while_a_migration_waits(client):
    health._migrated.clear()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'mail'")

    response = client.get(reverse("clinic:readyz"))

    assert json.loads(response.content)["failing"] == ["migrations"]


@pytest.mark.parametrize(
    ("caller", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("10.9.8.7", 200), ("203.0.113.9", 404), ("nonsense", 404)],
)
def test_metrics_are_for_trusted_networks(client, settings, caller, status):
    settings.METRICS_NETWORKS = ["127.0.0.0/8", "::1/128", "10.0.0.0/8"]

    assert client.get(reverse("clinic:metrics"), REMOTE_ADDR=caller).status_code == status


def test_proxy_does_not_make_everybody_local(client, settings):
    settings.BEHIND_PROXY = True

    response = client.get(
        reverse("clinic:metrics"), REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "203.0.113.9"}
    )

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("token", "given", "status"),
    [("s3cret", "Bearer s3cret", 200), ("s3cret", "Bearer other", 404), ("", "Bearer ", 404), ("s3cret", "", 404)],
)
def test_metrics_are_for_bearers_of_the_token(client, settings, token, given, status):
    settings.METRICS_TOKEN = token

    response = client.get(reverse("clinic:metrics"), REMOTE_ADDR="203.0.113.9", headers={"Authorization": given})

    assert response.status_code == status


def test_metrics_count_what_lies_undone(client):
    now = timezone.now()
    write_message(state="queued", next_at=now - timedelta(minutes=10))
    write_message(state="failed", next_at=now)
    ReconcileRun.objects.create(kind="day", started_at=now, ended_at=now - timedelta(hours=2))

    shown = numbers(client)

    assert shown['clinic_messages{state="queued"}'] == "1"
    assert shown['clinic_messages{state="failed"}'] == "1"
    assert 600 <= int(shown["clinic_message_overdue_seconds"]) < 660
    assert 7200 <= int(shown['clinic_reconcile_age_seconds{kind="day"}']) < 7260
    assert shown["clinic_order_lines_paid_not_enrolled"] == "0"
    assert shown['clinic_orders{state="pending"}'] == "0"


def test_metrics_are_written_as_prometheus_reads_them(client):
    lines = client.get(reverse("clinic:metrics")).content.decode().splitlines()

    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    assert all(line.startswith(("# HELP ", "# TYPE ", *names)) for line in lines)
