"""The API under /v1: who may ask, which function answers, and what is remembered of it."""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import replace

from . import answers, charges, disputes, events, intents, refunds, sessions
from .account import Account
from .failures import Failure
from .routing import Routes
from .store import Cause
from .wire import Answer, Refused, Request

routes = Routes()
for module in (sessions, intents, charges, refunds, disputes, events):
    routes.include(module.routes)


def answer_api(account: Account, request: Request) -> Answer:
    """The answer to one API request, always in Stripe's shape."""
    try:
        answer = answer_authorised(account, request)
    except Refused as refusal:
        answer = refusal.answer()
    version = request.headers.get("stripe-version", events.API_VERSION)
    return replace(answer, headers={"Stripe-Version": version, "Request-Id": request.id, **answer.headers})


def answer_authorised(account: Account, request: Request) -> Answer:
    check_key(request)
    found = routes.find(request.method, request.path)
    if not found:
        raise Refused(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)
    key = answers.key_of(request)
    deed, ids = found

    def work(failure: Failure | None) -> Answer:
        return carry_out(account, request, key, failure, lambda books: deed(books, request.params, *ids))

    failure = account.failures.take(request)
    if failure and not failure.after_work and failure.kind != "slow" and not failure.is_remembered:
        return failure.answer()
    if key is None:
        return work(failure)
    with account.keys_in_use.reserve(key):
        with account.books() as books:
            known = answers.remembered(books, key, request)
        return known or work(failure)


def carry_out(account: Account, request: Request, key: str | None, failure: Failure | None, deed: Callable) -> Answer:
    """Do the work and remember its answer in one transaction, unless a failure was ordered."""
    if failure and failure.kind == "slow":
        time.sleep(failure.seconds)  # the key is reserved meanwhile, the books are not
        failure = None
    if failure and not failure.after_work:
        return keep(account, request, key, failure.answer())

    cause = Cause(request.id, key)
    try:
        with account.books(cause) as books:
            answer = Answer.json(deed(books))
            given = failure.answer() if failure else answer
            if key is not None:
                answers.remember(books, key, request, given if failure and failure.is_remembered else answer)
    except Refused as refusal:
        if not refusal.stored:
            raise
        given = keep(account, request, key, refusal.answer())
    return given


def keep(account: Account, request: Request, key: str | None, answer: Answer) -> Answer:
    if key is not None:
        with account.books() as books:
            answers.remember(books, key, request, answer)
    return answer


def check_key(request: Request) -> None:
    """:raises Refused: there is no test key."""
    key = key_sent(request)
    if not key:
        raise Refused("You did not provide an API key. Send it as 'Authorization: Bearer sk_test_…'.", status=401)
    if key.startswith(("sk_live_", "rk_live_")):
        raise Refused(
            "This is a local sandbox where no money moves. It refuses live keys: use a key that begins with sk_test_.",
            status=401,
            code="live_key_refused",
        )
    if not key.startswith(("sk_test_", "rk_test_")):
        raise Refused("Invalid API Key provided. The sandbox takes keys that begin with sk_test_.", status=401)


def key_sent(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
