"""Delivery of events to the shop: from a queue, signed per attempt, tried again when refused."""

import hashlib
import hmac
import http.client
import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from .presenting import present
from .store import Books, Plan

log = logging.getLogger("payments.sandbox")

TIMEOUT = 10  # seconds for one attempt
LONGEST_WAIT = 300  # seconds between two attempts
GIVE_UP_AFTER = 3 * 24 * 3600  # seconds, as Stripe does in live mode


def signature(payload: bytes, secret: str, at: int) -> str:
    """The Stripe-Signature header for ``payload`` at ``at`` (seconds since 1970)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass
class Target:
    """Where webhooks go and what signs them; both may change at any time."""

    url: str | None
    secret: str


@dataclass
class Mischief:
    """How coming webhooks are to be mistreated: ``times`` of them, or all until told otherwise."""

    plan: Plan
    times: int | None = None
    types: tuple[str, ...] = ()


class Conduct:
    """Decides how each new event's webhook travels."""

    def __init__(self):
        self.mischief: Mischief | None = None

    def behave(self) -> None:
        self.mischief = None

    def misbehave(self, mischief: Mischief) -> None:
        self.mischief = mischief

    def plan(self, event_type: str) -> Plan:
        mischief = self.mischief
        if not mischief or (mischief.types and event_type not in mischief.types):
            return Plan()
        if mischief.times is not None:
            mischief.times -= 1
            if mischief.times <= 0:
                self.mischief = None
        return mischief.plan


@dataclass(frozen=True)
class Parcel:
    """One delivery that is due."""

    event: str
    type: str
    payload: bytes
    copies: int
    position: float


def next_parcel(books: Books, *, after: set[str], patient: bool) -> Parcel | None:
    """The first due delivery outside ``after``. ``patient`` honours the wait after a failed attempt."""
    rows = books.connection.execute(
        "SELECT event, copies, position FROM deliveries WHERE state = 'queued'"
        " AND (due_at <= ? OR (attempts > 0 AND NOT ?)) ORDER BY position",
        (books.now, patient),
    )
    row = next((row for row in rows if row["event"] not in after), None)
    if row is None:
        return None
    event = present(books, books.known("event", row["event"]))
    return Parcel(event["id"], event["type"], json.dumps(event, indent=2).encode(), row["copies"], row["position"])


def send(url: str, secret: str, payload: bytes) -> tuple[int | None, str | None]:
    """One attempt: the status that the shop answered, or what went wrong."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connection_class = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connection_class(parts.hostname or "", parts.port, timeout=TIMEOUT)
    # The shop's clock is the real one, even when the sandbox's clock has been advanced.
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(payload, secret, int(time.time())),
        "User-Agent": "Stripe/1.0 (local sandbox)",
    }
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), payload, headers)
        response = connection.getresponse()
        response.read(65536)
    except (OSError, http.client.HTTPException) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return response.status, None


def note_attempt(books: Books, parcel: Parcel, status: int | None, error: str | None) -> bool:
    """Write the attempt down and decide what becomes of the delivery. Tells whether the shop took it."""
    is_taken = status is not None and 200 <= status < 300
    books.connection.execute(
        "INSERT INTO attempts (event, type, at, status, error) VALUES (?, ?, ?, ?, ?)",
        (parcel.event, parcel.type, books.now, status, error),
    )
    tried = "UPDATE deliveries SET attempts = attempts + 1"
    if is_taken:
        books.connection.execute(f"{tried}, state = 'delivered' WHERE event = ?", (parcel.event,))
    else:
        row = books.connection.execute("SELECT attempts FROM deliveries WHERE event = ?", (parcel.event,)).fetchone()
        if row is None:  # the sandbox was reset while this attempt was on its way
            return False
        wait = min(2 ** row["attempts"], LONGEST_WAIT)
        is_hopeless = books.now - books.known("event", parcel.event)["created"] >= GIVE_UP_AFTER
        # A duplicate that fails does not undo the copy that arrived.
        books.connection.execute(
            f"{tried}, due_at = ?, state = CASE WHEN state = 'delivered' THEN state ELSE ? END WHERE event = ?",
            (books.now + wait, "failed" if is_hopeless else "queued", parcel.event),
        )
    return is_taken


class Postman:
    """Takes due webhooks to the shop, one after the other, never while the books are open."""

    def __init__(self, books: Callable[[], AbstractContextManager[Books]], target: Target):
        self.books = books
        self.target = target
        self.news = threading.Event()
        self.round = threading.Lock()  # two rounds at once would deliver the same parcel twice
        self.is_stopping = False
        self.thread: threading.Thread | None = None

    def go_round(self, *, patient: bool) -> int:
        """Deliver what is due, including what deliveries bring about; the number that the shop took."""
        taken = 0
        seen: set[str] = set()
        with self.round:
            while (url := self.target.url) and not self.is_stopping:
                with self.books() as books:
                    parcel = next_parcel(books, after=seen, patient=patient)
                if parcel is None:
                    break
                seen.add(parcel.event)
                taken += self.deliver(parcel, url)
        return taken

    def deliver(self, parcel: Parcel, url: str) -> int:
        taken = 0
        for _ in range(parcel.copies):
            status, error = send(url, self.target.secret, parcel.payload)
            with self.books() as books:
                taken += note_attempt(books, parcel, status, error)
        return taken

    def start(self) -> None:
        self.thread = threading.Thread(target=self.keep_going_round, name="sandbox-webhooks", daemon=True)
        self.thread.start()

    def keep_going_round(self) -> None:
        while not self.is_stopping:
            try:
                self.go_round(patient=True)
            except Exception:  # one bad delivery must not end all of them
                log.exception("The sandbox could not deliver a webhook.")
            self.news.wait(timeout=1)
            self.news.clear()

    def stop(self) -> None:
        self.is_stopping = True
        self.news.set()
        if self.thread:
            self.thread.join(timeout=TIMEOUT + 1)


def resend(books: Books, event_id: str) -> None:
    """Queue an event's webhook once more, whatever became of it before."""
    last = books.connection.execute("SELECT MAX(position) AS position FROM deliveries").fetchone()["position"]
    books.connection.execute(
        "UPDATE deliveries SET state = 'queued', copies = 1, position = ?, due_at = ? WHERE event = ?",
        (last + 0.5, books.now, event_id),
    )
    books.events.append(event_id)
