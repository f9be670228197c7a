"""Counts failures per person and per network in the database, which every process shares and no restart empties."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Min, Sum

from foundation.models import Failure


@dataclass(frozen=True)
class Limit:
    """At most ``count`` failures within ``minutes`` (a sliding window, to the minute)."""

    scope: str
    count: int
    minutes: int


class TooManyFailures(Exception):
    """The limit is reached; ``retry_after`` says in seconds when to come back."""

    def __init__(self, retry_after: int) -> None:
        minutes = math.ceil(retry_after / 60)
        super().__init__(
            f"That was tried too often. Please try again in {minutes} minute{'' if minutes == 1 else 's'}."
        )
        self.retry_after = retry_after


def check(limit: Limit, *who: str, at: datetime) -> None:
    """:raises TooManyFailures: one of ``who`` (account, network) has failed too often. One query."""
    since = at - timedelta(minutes=limit.minutes)
    rows = (
        Failure.objects.filter(scope=limit.scope, who__in=[_hidden(name) for name in who])
        .since(since)
        .values("who")
        .annotate(failures=Sum("count"), first=Min("minute"))
    )
    waits = [row["first"] + timedelta(minutes=limit.minutes) - at for row in rows if row["failures"] >= limit.count]
    if waits:
        raise TooManyFailures(max(60, math.ceil(max(waits).total_seconds())))


def record(limit: Limit, *who: str, at: datetime) -> None:
    """Count one failure for each of ``who``."""
    minute = at.replace(second=0, microsecond=0)
    for name in who:
        row = Failure.objects.filter(scope=limit.scope, who=_hidden(name), minute=minute)
        if row.update(count=F("count") + 1):
            continue
        try:
            with transaction.atomic():
                Failure.objects.create(scope=limit.scope, who=_hidden(name), minute=minute)
        except IntegrityError:
            row.update(count=F("count") + 1)


def _hidden(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
