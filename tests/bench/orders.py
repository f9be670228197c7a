"""Holds, orders and settlements a second on PostgreSQL, as ratios to the same statements sent by pgbench.

The deeds run on one copy of a database while their statements are recorded; pgbench then sends these, word for word,
to another copy. Both start equal, so that even the ids agree. One client each: the ratio is what Python adds.
"""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

from tests.stack import create_database

COUNT = 100
TEMPLATE = "bench_orders"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        _measure(folder)


def _measure(folder: str) -> None:
    server = os.environ["TEST_POSTGRESQL_URL"]
    os.environ |= {
        "DATABASE_URL": create_database(server, TEMPLATE),
        "REDIS_URL": os.environ["TEST_REDIS_URL"].rpartition("/")[0] + "/7",
        "VAR": folder,
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
    }
    import django

    django.setup()
    print("\nOrders, PostgreSQL, one client; ratios to the same statements sent by pgbench")
    print(f"{'':34}{'a second':>11}{'pgbench':>11}{'ratio':>8}{'statements':>12}")
    for name, deeds in _prepare().items():
        ours = _timed(_fresh_copy("bench_ours"), deeds)
        statements = _recorded(_fresh_copy("bench_recorded"), deeds)
        _fresh_copy("bench_theirs")
        theirs = _pgbench(server, "bench_theirs", statements)
        print(
            f"  {name:32}{COUNT / ours:11.0f}{COUNT / theirs:11.0f}{theirs / ours:8.2f}{len(statements) / COUNT:12.1f}",
            flush=True,
        )


def _prepare() -> dict[str, list[Callable[[], object]]]:
    """Fills the template database; answers the deeds to be timed."""
    from django.core.management import call_command
    from django.utils import timezone

    from coupons.claims import hold
    from coupons.models import Coupon
    from payments.checkout import Details, place
    from payments.models import Order
    from payments.settlement import apply
    from tests.factories import CouponFactory, CourseFactory

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)  # the receipt mail shows a picture
    now = timezone.now()
    course = CourseFactory()
    coupon = CouponFactory(percent_bp=5000)

    def placed(number: int) -> Order:
        return place(
            offer=course, code=coupon.code, user=None, details=Details(email=f"buyer{number}@example.org"),
            seen_total_cents=course.price_cents // 2, terms_version="1", at=now,
        )  # fmt: skip

    open_orders = [placed(number) for number in range(COUNT)]
    sessions = [_paid_session(order, at=now) for order in open_orders]
    coupon = Coupon.objects.get(pk=coupon.pk)
    return {
        "hold a code": [
            lambda number=number: hold(coupon=coupon, buyer_key=f"bench:{number}", discount_cents=70_00, at=now)
            for number in range(COUNT)
        ],
        "place an order with a code": [lambda number=number: placed(COUNT + number) for number in range(COUNT)],
        "settle an order": [lambda session=session: apply(session, at=now) for session in sessions],
    }


def _paid_session(order, *, at: datetime):
    """What Stripe would answer for ``order`` once it is paid."""
    from payments.stripe_gateway import Session

    order.attempts.create(
        state="open", params={}, idempotency_key=f"bench:{order.number}", session_id=f"cs_{order.number}",
        expires_at=at + timedelta(minutes=31), created_at=at,
    )  # fmt: skip
    return Session(
        id=f"cs_{order.number}", status="complete", payment_status="paid", url="", order_number=order.number,
        client_reference=order.number, amount_cents=order.total_cents, discount_cents=0, currency=order.currency,
        is_live=False, intent_id=f"pi_{order.number}", intent_status="succeeded", charge_id=f"ch_{order.number}",
        method="Visa ending in 4242",
    )  # fmt: skip


def _fresh_copy(name: str) -> str:
    """A copy of the template, to which Django speaks from now on."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = "postgres"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    connection.close()
    connection.settings_dict["NAME"] = name
    return name


def _timed(database: str, deeds: list[Callable[[], object]]) -> float:
    started = time.perf_counter()
    for deed in deeds:
        deed()
    return time.perf_counter() - started


def _recorded(database: str, deeds: list[Callable[[], object]]) -> list[str]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    statements = []
    for deed in deeds:
        connection.queries_log.clear()  # it holds a limited number
        with CaptureQueriesContext(connection) as recorded:
            deed()
        statements += [query["sql"].rstrip(";") for query in recorded]
    return statements


def _pgbench(server: str, database: str, statements: list[str]) -> float:
    """Seconds that one client of pgbench needs to send ``statements``."""
    parts = urlsplit(server)
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    program = shutil.which("pgbench", path=":".join([*folders, os.environ["PATH"]]))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("".join(f"{statement};\n" for statement in statements))
        script.flush()
        done = subprocess.run(
            [str(program), "-n", "-t", "1", "-M", "simple", "-f", script.name,
             "-h", unquote(parts.netloc.rpartition("@")[2]), "-U", str(parts.username), database],
            capture_output=True, text=True,
        )  # fmt: skip
    if done.returncode or "ERROR" in done.stderr:
        raise RuntimeError(done.stderr[-3000:])
    # The script is one transaction to pgbench; reading it, which takes pgbench long, is not in this figure.
    latency = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    assert latency is not None
    return float(latency[1]) / 1000


if __name__ == "__main__":
    main()
