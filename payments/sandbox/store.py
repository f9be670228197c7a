"""The sandbox's own file: Stripe's objects as JSON, the webhook queue, remembered answers, the clock."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    aside TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_status ON objects (kind, json_extract(body, '$.status'));
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_unsettled ON objects (kind, json_extract(body, '$.balance_transaction'));
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (kind, json_extract(body, '$.charge'));
CREATE TABLE IF NOT EXISTS deliveries (
    event TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    copies INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    position REAL NOT NULL,
    due_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, position);
CREATE TABLE IF NOT EXISTS attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER,
    error TEXT
);
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
TABLES = ("objects", "deliveries", "attempts", "answers", "settings")
BOUNDS = {"is": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True)
class Cause:
    """The request that brings something about, as its events report it."""

    request: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Plan:
    """How an event's webhook is to travel."""

    state: str = "queued"
    copies: int = 1
    delay: int = 0
    order: str = "usual"


@dataclass
class Books:
    """The account as one transaction sees it. Nothing else changes it meanwhile."""

    connection: sqlite3.Connection
    now: int  # seconds since 1970, UTC, by the sandbox's clock
    public_url: str
    cause: Cause
    plan: Callable[[str], Plan]
    events: list[str] = field(default_factory=list)

    def add(self, object_: dict, aside: dict | None = None) -> dict:
        """Keep a new object; ``aside`` is what the sandbox remembers but Stripe does not show."""
        self.connection.execute(
            "INSERT INTO objects (id, kind, body, aside) VALUES (?, ?, ?, ?)",
            (object_["id"], object_["object"], json.dumps(object_), json.dumps(aside or {})),
        )
        return object_

    def save(self, object_: dict) -> dict:
        self.connection.execute("UPDATE objects SET body = ? WHERE id = ?", (json.dumps(object_), object_["id"]))
        return object_

    def get(self, kind: str, id_: str | None) -> dict | None:
        row = self.connection.execute("SELECT body FROM objects WHERE id = ? AND kind = ?", (id_, kind)).fetchone()
        return json.loads(row["body"]) if row else None

    def known(self, kind: str, id_: str) -> dict:
        """The object behind an id that is known to be kept."""
        found = self.get(kind, id_)
        if found is None:
            raise LookupError(f"The books hold no {kind} {id_}.")
        return found

    def aside(self, id_: str) -> dict:
        row = self.connection.execute("SELECT aside FROM objects WHERE id = ?", (id_,)).fetchone()
        return json.loads(row["aside"])

    def put_aside(self, id_: str, **facts: object) -> None:
        aside = self.aside(id_) | facts
        self.connection.execute("UPDATE objects SET aside = ? WHERE id = ?", (json.dumps(aside), id_))

    def place_of(self, kind: str, id_: str) -> int | None:
        """The object's place in order of creation, or None if there is no such object."""
        row = self.connection.execute("SELECT seq FROM objects WHERE id = ? AND kind = ?", (id_, kind)).fetchone()
        return row["seq"] if row else None

    def find(self, kind: str, where: str = "1", values: tuple = (), *, tail: str = "") -> list[dict]:
        """Objects of a kind for which the SQL condition holds, newest first unless ``tail`` orders them."""
        rows = self.connection.execute(
            f"SELECT body FROM objects WHERE kind = ? AND {where} {tail or 'ORDER BY seq DESC'}",
            (kind, *values),
        )
        return [json.loads(row["body"]) for row in rows]

    def setting(self, name: str, default: int = 0) -> int:
        row = self.connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return int(row["value"]) if row else default

    def set(self, name: str, value: int) -> None:
        self.connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, str(value)))

    def advance_clock(self, seconds: int) -> None:
        self.set("clock_offset", self.setting("clock_offset") + seconds)
        self.now += seconds

    def forget_everything(self) -> None:
        for table in TABLES:
            self.connection.execute(f"DELETE FROM {table}")


class Store:
    """One SQLite file, changed by one thread at a time.

    ``file`` None keeps everything in memory.
    """

    def __init__(self, file: Path | str | None):
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self.connection = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self, *, public_url: str, cause: Cause, plan: Callable[[str], Plan]) -> Iterator[Books]:
        """All of it happens, or none. Never call out of the process inside: the lock is held."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                books = Books(self.connection, int(time.time()), public_url, cause, plan)
                books.now += books.setting("clock_offset")
                yield books
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def close(self) -> None:
        with self.lock:
            self.connection.close()
