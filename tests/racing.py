"""Real processes on the test's own PostgreSQL database, for proofs under concurrency."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection


def in_processes(deed: Callable[..., Any], calls: Sequence[tuple], *, workers: int) -> list[Any]:
    """``deed(*call)`` for every call, spread over ``workers`` processes that start together; the answers in order.

    ``deed`` is a module's own function; it sees the test's committed rows. What it raises is raised here.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers)
    environment = {
        "DATABASE_URL": database_url(),
        "REDIS_URL": os.environ["REDIS_URL"],
        "STRIPE_API_BASE": settings.STRIPE_API_BASE,
        "STRIPE_SECRET_KEY": settings.STRIPE_SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
        "CELERY_TASK_ALWAYS_EAGER": "1",
    }
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(environment, barrier)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(deed, *call) for call in calls]]


def database_url() -> str:
    """The test's own database as other processes reach it."""
    row = connection.settings_dict
    return f"postgres://{row['USER']}@{quote(row['HOST'] or row['OPTIONS'].get('host', ''), safe='')}/{row['NAME']}"


def _begin(environment: dict[str, str], barrier: Any) -> None:
    os.environ.update(environment)
    import django

    django.setup()
    barrier.wait(timeout=60)
