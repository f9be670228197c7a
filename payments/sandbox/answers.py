"""Idempotency keys: the first answer to a key is remembered for a day and given again."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .store import Books
from .wire import Answer, Refused, Request

REMEMBERED_FOR = 24 * 3600  # seconds
LONGEST_KEY = 255


def key_of(request: Request) -> str | None:
    """The request's idempotency key; only requests that change something have one.

    :raises Refused: the key is too long.
    """
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Refused(f"Idempotency keys can have 1 to {LONGEST_KEY} characters.")
    return key


def fingerprint(request: Request) -> str:
    """The same for two requests that ask for the same thing."""
    asked = [request.method, request.path, request.params]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def remembered(books: Books, key: str, request: Request) -> Answer | None:
    """The answer that this key was given before.

    :raises Refused: the key was used for something else.
    """
    books.connection.execute("DELETE FROM answers WHERE at <= ?", (books.now - REMEMBERED_FOR,))
    row = books.connection.execute("SELECT * FROM answers WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != fingerprint(request):
        raise Refused(
            "Keys for idempotent requests can only be used with the same parameters and the same endpoint "
            "they were first used with.",
            kind="idempotency_error",
        )
    return Answer(row["body"], status=row["status"], headers={"Idempotent-Replayed": "true"})


def remember(books: Books, key: str, request: Request, answer: Answer) -> None:
    books.connection.execute(
        "INSERT INTO answers (key, fingerprint, status, body, at) VALUES (?, ?, ?, ?, ?)",
        (key, fingerprint(request), answer.status, answer.body, books.now),
    )


class KeysInUse:
    """Keys whose first request is still being carried out."""

    def __init__(self):
        self.lock = threading.Lock()
        self.keys: set[str] = set()

    @contextmanager
    def reserve(self, key: str) -> Iterator[None]:
        """Hold the key for the duration of a request.

        :raises Refused: another request holds it.
        """
        with self.lock:
            if key in self.keys:
                raise Refused(
                    "There is currently another in-progress request using this Idempotent Key.",
                    status=409,
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self.keys.add(key)
        try:
            yield
        finally:
            with self.lock:
                self.keys.discard(key)
