"""Failures on order: the API answers badly, late, or not at all."""

import threading
from dataclasses import dataclass, replace

from .wire import LOST, Answer, Refused, Request

ERRORS = {
    "409": Refused("The request conflicts with another one.", status=409, code="lock_timeout"),
    "429": Refused("Too many requests hit the API too quickly.", status=429, code="rate_limit"),
    "500": Refused("An unknown error occurred.", status=500, kind="api_error"),
}
KINDS = (*ERRORS, "timeout", "slow")


@dataclass
class Failure:
    """``times`` requests fail, each in the same way.

    ``timeout`` closes the connection without an answer, after ``seconds``; ``slow`` waits before it works.
    With ``after_work`` the request is carried out and its answer is lost or replaced.
    ``stored`` False lets a 500 happen before the idempotency key is seen, so that a retry succeeds.
    ``match`` limits it to requests whose method and path begin so, as "POST /v1/refunds".
    """

    kind: str
    times: int = 1
    after_work: bool = False
    stored: bool = True
    seconds: float = 0
    match: str = ""

    def answer(self) -> Answer:
        bad = LOST if self.kind == "timeout" else ERRORS[self.kind].answer()
        return replace(bad, wait=self.seconds)

    @property
    def is_remembered(self) -> bool:
        """Whether the idempotency key keeps the bad answer."""
        return self.kind == "500" and self.stored


class Failures:
    """The failures that were ordered and have not happened yet, used up in order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ordered: list[Failure] = []

    def order(self, failure: Failure) -> None:
        with self.lock:
            self.ordered.append(failure)

    def take(self, request: Request) -> Failure | None:
        """The failure that this request is to suffer."""
        with self.lock:
            for failure in self.ordered:
                if f"{request.method} {request.path}".startswith(failure.match):
                    failure.times -= 1
                    if failure.times <= 0:
                        self.ordered.remove(failure)
                    return failure
        return None

    def clear(self) -> None:
        with self.lock:
            self.ordered.clear()
