"""Control routes under /_double/: what happens at Stripe without the shop asking for it.

``POST /_double/<name>`` with a JSON object answers a JSON object; ``GET /_double/state`` and
``GET /_double/attempts`` only look. :meth:`Sandbox.control` does the same within the process.
"""

import inspect
import json
from collections.abc import Callable
from dataclasses import asdict

from . import charges, disputes, paying, refunds, sessions, webhooks
from .account import Account
from .events import record
from .failures import KINDS, Failure
from .presenting import present
from .refunds import charge_to_refund
from .store import Books, Plan
from .wire import Answer, Refused, Request, no_such

type Control = Callable[..., dict]

CONTROLS: dict[str, Control] = {}
LOOKS: dict[str, Control] = {}
ALTERABLE = {"amount_total", "client_reference_id", "currency", "livemode", "metadata"}


def control(name: str) -> Callable[[Control], Control]:
    """Register a function as the control ``name``; the JSON's keys are its keyword arguments."""

    def remember(function: Control) -> Control:
        CONTROLS[name] = function
        return function

    return remember


def answer_control(account: Account, request: Request, *, is_allowed: bool) -> Answer:
    try:
        if not is_allowed:
            raise Refused("Control routes are off here.", status=403)
        return Answer.json(answer_allowed(account, request))
    except Refused as refusal:
        return refusal.answer()


def answer_allowed(account: Account, request: Request) -> dict:
    name = request.path.removeprefix("/_double/")
    if request.method == "GET":
        if name not in LOOKS:
            raise Refused(f"There is nothing to see at {request.path}.", status=404)
        return LOOKS[name](account)
    # A page of another site can send a form to this address, but not JSON.
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused("Send JSON, with Content-Type: application/json.", status=415)
    try:
        wishes = json.loads(request.body or b"{}")
    except ValueError:
        raise Refused("The body is no JSON.") from None
    if not isinstance(wishes, dict):
        raise Refused("The body must be a JSON object.")
    return carry_out(account, name, wishes)


def carry_out(account: Account, name: str, wishes: dict) -> dict:
    """:raises Refused: there is no such control, its arguments do not fit, or it cannot be done now."""
    if name not in CONTROLS:
        raise Refused(f"There is no control {name}. Known: {', '.join(sorted(CONTROLS))}.", status=404)
    function = CONTROLS[name]
    try:
        inspect.signature(function).bind(account, **wishes)
    except TypeError as error:
        raise Refused(f"{name}: {error}") from error
    try:
        return function(account, **wishes)
    except (paying.NotOpen, paying.NotWaiting) as error:
        raise Refused(str(error)) from error


def look(name: str) -> Callable[[Control], Control]:
    def remember(function: Control) -> Control:
        LOOKS[name] = function
        return function

    return remember


# Time and the account as a whole


@look("state")
def state(account: Account) -> dict:
    with account.books() as books:
        queue = books.connection.execute("SELECT state, COUNT(*) AS number FROM deliveries GROUP BY state")
        kinds = books.connection.execute("SELECT kind, COUNT(*) AS number FROM objects GROUP BY kind")
        return {
            "now": books.now,
            "webhook_url": account.target.url,
            "webhooks": {row["state"]: row["number"] for row in queue},
            "objects": {row["kind"]: row["number"] for row in kinds},
            "failures": [asdict(failure) for failure in account.failures.ordered],
        }


@look("attempts")
def attempts(account: Account) -> dict:
    with account.books() as books:
        rows = books.connection.execute("SELECT event, type, at, status, error FROM attempts ORDER BY id")
        return {"attempts": [dict(row) for row in rows]}


@control("clock/advance")
def advance_clock(account: Account, *, seconds: int) -> dict:
    with account.books() as books:
        books.advance_clock(int(seconds))
    with account.books() as books:  # opening the books expires and settles what has become due
        return {"now": books.now}


@control("reset")
def reset(account: Account) -> dict:
    account.reset()
    return {"reset": True}


# Webhooks


@control("drain")
def drain(account: Account) -> dict:
    return {"delivered": account.postman.go_round(patient=False)}


@control("webhooks/target")
def aim_webhooks(account: Account, *, url: str | None = None, secret: str | None = None) -> dict:
    account.target.url = url
    account.postman.news.set()
    account.target.secret = secret or account.target.secret
    return {"url": url}


@control("webhooks/mode")
def webhook_mode(
    account: Account,
    *,
    mode: str,
    times: int | None = None,
    copies: int = 2,
    seconds: int = 60,
    types: list[str] | None = None,
) -> dict:
    """``drop``, ``duplicate``, ``reorder`` or ``delay`` the webhooks of coming events, or ``normal`` again."""
    plans = {
        "drop": Plan(state="dropped"),
        "duplicate": Plan(copies=copies),
        "reorder": Plan(order="reversed"),
        "delay": Plan(delay=seconds),
    }
    if mode == "normal":
        account.conduct.behave()
    elif mode in plans:
        account.conduct.misbehave(webhooks.Mischief(plans[mode], times, tuple(types or ())))
    else:
        raise Refused(f"Webhook modes are normal, {', '.join(plans)}.")
    return {"mode": mode}


@control("events/resend")
def resend(account: Account, *, event: str) -> dict:
    with account.books() as books:
        if not books.get("event", event):
            raise no_such("event", event, param="event")
        webhooks.resend(books, event)
    return {"queued": event}


# The API


@control("api/fail")
def fail_api(
    account: Account,
    *,
    kind: str,
    times: int = 1,
    after_work: bool = False,
    stored: bool = True,
    seconds: float = 0,
    match: str = "",
) -> dict:
    """Let the next requests fail: see :class:`payments.account.failures.Failure`."""
    if str(kind) not in KINDS:
        raise Refused(f"The API can fail with {', '.join(KINDS)}.")
    failure = Failure(str(kind), times, after_work, stored, seconds, match)
    if after_work and failure.kind in {"409", "429"}:
        raise Refused("409 and 429 are answered before any work.")
    account.failures.order(failure)
    return asdict(failure)


# The buyer and the bank


def on_session(name: str, deed: Callable[..., dict]) -> None:
    def act(account: Account, *, session: str) -> dict:
        with account.books() as books:
            return present(books, deed(books, session))

    CONTROLS[f"sessions/{name}"] = act


on_session("authenticate", lambda books, session: paying.pay(books, session, authenticated=True))
on_session("ask_for_authentication", paying.ask_for_authentication)
on_session("fail_authentication", paying.fail_authentication)
on_session("succeed", paying.bank_pays)
on_session("fail", paying.bank_refuses)
on_session("abandon", sessions.session_named)


@control("sessions/pay")
def pay(account: Account, *, session: str, email: str | None = None) -> dict:
    with account.books() as books:
        return present(books, paying.pay(books, session, email=email))


@control("sessions/decline")
def decline(account: Account, *, session: str, code: str = "generic_decline", email: str | None = None) -> dict:
    with account.books() as books:
        return present(books, paying.decline(books, session, code=code, email=email))


@control("sessions/delay")
def delay(account: Account, *, session: str, email: str | None = None) -> dict:
    with account.books() as books:
        return present(books, paying.pay_by_bank(books, session, email=email))


@control("sessions/expire")
def expire(account: Account, *, session: str) -> dict:
    with account.books() as books:
        return present(books, sessions.expire(books, paying.open_session(books, session)))


@control("sessions/alter")
def alter(account: Account, *, session: str, changes: dict) -> dict:
    """Tamper with a session, as no honest Stripe would: the shop must notice."""
    if unknown := set(changes) - ALTERABLE:
        raise Refused(f"Cannot alter {', '.join(sorted(unknown))}; only {', '.join(sorted(ALTERABLE))}.")
    with account.books() as books:
        return present(books, books.save(sessions.session_named(books, session) | changes))


# After the payment


@control("charges/settle")
def settle(account: Account, *, charge: str | None = None, payment_intent: str | None = None) -> dict:
    with account.books() as books:
        found = charge_meant(books, charge, payment_intent)
        return present(books, found if found["balance_transaction"] else charges.settle(books, found))


@control("refunds/dashboard")
def dashboard_refund(
    account: Account,
    *,
    charge: str | None = None,
    payment_intent: str | None = None,
    amount: int | None = None,
    reason: str | None = None,
) -> dict:
    with account.books() as books:
        found = charge_meant(books, charge, payment_intent)
        return present(books, refunds.refund(books, found, amount=amount, reason=reason))


@control("refunds/pending")
def pending_refunds(account: Account, *, times: int = 1) -> dict:
    """Let the next refunds stay pending until ``refunds/arrive`` or ``refunds/fail``."""
    with account.books() as books:
        books.set("pending_refunds", times)
    return {"times": times}


@control("refunds/arrive")
def refund_arrives(account: Account, *, refund: str) -> dict:
    with account.books() as books:
        return present(books, refunds.arrive(books, refunds.refund_named(books, refund)))


@control("refunds/fail")
def refund_fails(account: Account, *, refund: str, reason: str = "expired_or_canceled_card") -> dict:
    with account.books() as books:
        return present(books, refunds.fail(books, refunds.refund_named(books, refund), reason))


@control("disputes/open")
def open_dispute(
    account: Account,
    *,
    charge: str | None = None,
    payment_intent: str | None = None,
    amount: int | None = None,
    reason: str = "fraudulent",
    inquiry: bool = False,
) -> dict:
    with account.books() as books:
        found = charge_meant(books, charge, payment_intent)
        opened = disputes.open_dispute(books, found, amount=amount, reason=reason, inquiry=inquiry)
        return present(books, opened)


@control("disputes/answer")
def answer_dispute(account: Account, *, dispute: str) -> dict:
    with account.books() as books:
        return present(books, disputes.answer_dispute(books, disputes.dispute_named(books, dispute)))


@control("disputes/close")
def close_dispute(account: Account, *, dispute: str, outcome: str = "lost") -> dict:
    if outcome not in {"won", "lost"}:
        raise Refused("A dispute is won or lost.")
    with account.books() as books:
        return present(books, disputes.close_dispute(books, disputes.dispute_named(books, dispute), outcome))


@control("events/invent")
def invent_event(account: Account, *, type: str, object: dict) -> dict:
    """Send an event that nothing caused, for instance of a type or object that the shop does not know."""
    with account.books() as books:
        return present(books, record(books, type, {"object": "unknown", **object}))


def charge_meant(books: Books, charge: str | None, payment_intent: str | None) -> dict:
    named = {"charge": charge, "payment_intent": payment_intent}
    return charge_to_refund(books, {name: id_ for name, id_ in named.items() if id_})
