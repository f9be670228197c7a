"""Celery without servers: a worker and a beat as threads of the one process that also serves the pages.

The queue lives in this process's memory and ends with it. That loses nothing: what must happen is a row in the
database first (a message, an order, a webhook event), and a periodic task takes up what nobody was told of.
"""

import os
import threading

from celery import Celery
from celery.beat import EmbeddedService
from celery.signals import task_postrun, task_prerun
from celery.worker import WorkController
from celery.worker import state as worker_state
from django.db import close_old_connections


class EmbeddedCelery:
    """A worker and a beat that ``start`` and ``stop``; one pair in one process."""

    def __init__(self, app: Celery, *, threads: int = 2) -> None:
        os.environ["CELERY_SKIP_CHECKS"] = "1"  # this process has checked itself
        # Celery does this itself for workers that are their own process.
        for signal in (task_prerun, task_postrun):
            signal.connect(_close_old_connections)
        self.worker = WorkController(
            app=app, pool="threads", concurrency=threads, hostname="embedded@localhost",
            without_mingle=True, without_gossip=True, without_heartbeat=True,
        )  # fmt: skip
        self.beat = EmbeddedService(app, thread=True, scheduler_cls="celery.beat:Scheduler")
        self._thread = threading.Thread(target=self.worker.start, name="celery-worker", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.beat.start()

    def stop(self, *, timeout: float = 10) -> None:
        """Let running tasks end, for at most ``timeout`` seconds."""
        self.beat.stop()
        worker_state.should_stop = 0
        self._thread.join(timeout)


def _close_old_connections(**kwargs: object) -> None:
    close_old_connections()
