"""Everything said to Stripe and heard from it. The only file that imports ``stripe``; it takes and gives our words."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import stripe
from django.conf import settings

stripe.enable_telemetry = False  # it would write to the home folder and report latencies

CONNECT_SECONDS, READ_SECONDS = 3, 12
SIGNATURE_TOLERANCE_SECONDS = 300


class StripeIsAway(Exception):
    """Stripe gave no clear answer (network, overload, its own fault): nothing may be concluded from it."""


class StripeRefused(Exception):
    """Stripe understood and said no; trying the same again is useless."""


class BadWebhook(Exception):
    """Not a message from Stripe: signature, age or form are wrong."""


@dataclass(frozen=True)
class Session:
    """One Checkout session as Stripe sees it now. Amounts in cents."""

    id: str
    status: str  # open, complete, expired
    payment_status: str  # paid, unpaid, no_payment_required
    url: str
    order_number: str
    client_reference: str
    amount_cents: int
    discount_cents: int
    currency: str
    is_live: bool
    intent_id: str
    intent_status: str
    charge_id: str
    method: str

    @property
    def is_open(self) -> bool:
        return self.status == "open"

    @property
    def is_paid(self) -> bool:
        return self.status == "complete" and self.payment_status in {"paid", "no_payment_required"}

    @property
    def bank_said_no(self) -> bool:
        """A delayed payment that failed: the session is complete, but its payment needs another method."""
        return self.status == "complete" and self.intent_status in {"requires_payment_method", "canceled"}


@dataclass(frozen=True)
class Event:
    """A message from Stripe: a hint that the object it names has changed."""

    id: str
    type: str
    object_id: str
    order_number: str
    created_at: datetime
    is_live: bool


@cache
def _client_for(key: str, base: str) -> stripe.StripeClient:
    addresses: dict[str, str] = {"api": base, "files": base, "connect": base, "meter_events": base} if base else {}
    return stripe.StripeClient(
        key,
        base_addresses=addresses,  # type: ignore[arg-type]
        max_network_retries=2,
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
    )


def _client() -> stripe.StripeClient:
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def _ask[Answer](call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise StripeIsAway(str(error.user_message or error.code or "no answer")) from error
    except stripe.InvalidRequestError as error:
        if error.http_status == 409:
            raise StripeIsAway("busy with the same request") from error
        raise StripeRefused(f"{error.code or error.http_status}: {error.param or ''}") from error
    except stripe.CardError as error:
        raise StripeRefused(error.code or "card") from error
    except stripe.AuthenticationError as error:
        raise StripeIsAway("the API key is not accepted") from error
    except stripe.StripeError as error:
        raise StripeIsAway(str(error.http_status or "unknown")) from error


def create_session(params: dict[str, Any], *, idempotency_key: str) -> Session:
    """Make a payment page; the same key and params give the same page again for a day.

    :raises StripeIsAway: unclear; repeat with the same key.
    :raises StripeRefused: the params are not accepted.
    """
    return _session(
        _ask(
            lambda: _client().v1.checkout.sessions.create(
                params=params,  # type: ignore[arg-type]
                options={"idempotency_key": idempotency_key},
            )
        )
    )


def get_session(session_id: str) -> Session:
    """The session with its payment, as it stands now.

    :raises StripeIsAway, StripeRefused: as above.
    """
    return _session(
        _ask(
            lambda: _client().v1.checkout.sessions.retrieve(
                session_id, params={"expand": ["payment_intent.latest_charge"]}
            )
        )
    )


def close_session(session_id: str) -> Session:
    """Expire an open session so that it cannot be paid any more, and return it; one that is not open is returned as it is.

    :raises StripeIsAway: unclear whether it can still be paid.
    """
    # Refused: it was paid or had expired in this moment. The answer below says which.
    with contextlib.suppress(StripeRefused):
        _ask(lambda: _client().v1.checkout.sessions.expire(session_id))
    return get_session(session_id)


def sessions_since(moment: datetime) -> Iterator[Session]:
    """Every session made since ``moment``, newest first, with its payment.

    :raises StripeIsAway: while reading.
    """
    page = _ask(
        lambda: _client().v1.checkout.sessions.list(
            params={
                "created": {"gte": int(moment.timestamp())},
                "limit": 100,
                "expand": ["data.payment_intent.latest_charge"],
            }
        )
    )
    yield from _all(page, _session)


def events_since(*, cursor: str, moment: datetime, types: list[str]) -> Iterator[Event]:
    """Stripe's messages of ``types`` in the order they happened: after the event ``cursor``, or since ``moment`` without one.

    :raises StripeIsAway: while reading.
    """
    params: dict[str, Any] = {"types": types, "limit": 100, "created": {"gte": int(moment.timestamp())}}
    page = _ask(lambda: _client().v1.events.list(params=params))  # type: ignore[arg-type]
    newest_first = []
    for event in _all(page, _event):
        if event.id == cursor:
            break
        newest_first.append(event)
    yield from reversed(newest_first)


def _all[Ours](page: Any, ours: Callable[[Any], Ours]) -> Iterator[Ours]:
    rows = page.auto_paging_iter()
    while True:
        row = _ask(lambda: next(rows, None))
        if row is None:
            return
        yield ours(row)


def read_webhook(payload: bytes, signature: str, *, at: datetime) -> Event:
    """The message in a webhook, proved to come from Stripe and to be fresh.

    :raises BadWebhook: it is not; says nothing about its content, which must never reach a log.
    """
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(
                payload.decode("utf-8"), signature, secret, tolerance=SIGNATURE_TOLERANCE_SECONDS
            )
        except (stripe.SignatureVerificationError, ValueError):
            continue
        break
    else:
        raise BadWebhook("The signature does not fit.")

    # The library accepts a moment in the future for ever.
    signed_at = next((int(part[2:]) for part in signature.split(",") if part.startswith("t=")), 0)
    if signed_at - at.timestamp() > SIGNATURE_TOLERANCE_SECONDS:
        raise BadWebhook("It was signed in the future.")
    try:
        body = json.loads(payload)
        subject = body["data"]["object"]
        return Event(
            id=_known_id(body["id"]),
            type=_known_id(body["type"]),
            object_id=_known_id(subject["id"]) if "id" in subject else "",
            order_number=(subject.get("metadata") or {}).get("order", "")[:20],
            created_at=datetime.fromtimestamp(body["created"], UTC),
            is_live=body["livemode"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise BadWebhook("It is not an event.") from error


def _known_id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.]{1,120}", value, re.ASCII):
        raise ValueError(value)
    return value


def _event(row: Any) -> Event:
    subject = row.data.object
    return Event(
        id=row.id,
        type=row.type,
        object_id=getattr(subject, "id", ""),
        order_number=_metadata(subject).get("order", "")[:20],
        created_at=datetime.fromtimestamp(row.created, UTC),
        is_live=row.livemode,
    )


def _session(row: Any) -> Session:
    intent = row.payment_intent
    is_expanded = intent is not None and not isinstance(intent, str)
    charge = getattr(intent, "latest_charge", None) if is_expanded else None
    is_charge = charge is not None and not isinstance(charge, str)
    totals = row.total_details
    return Session(
        id=row.id,
        status=row.status or "",
        payment_status=row.payment_status,
        url=row.url or "",
        order_number=_metadata(row).get("order", ""),
        client_reference=row.client_reference_id or "",
        amount_cents=row.amount_total or 0,
        discount_cents=totals.amount_discount if totals else 0,
        currency=row.currency or "",
        is_live=row.livemode,
        intent_id=getattr(intent, "id", intent) or "",
        intent_status=getattr(intent, "status", ""),
        charge_id=getattr(charge, "id", ""),
        method=_method(charge) if is_charge else "",
    )


def _metadata(row: Any) -> dict[str, str]:
    kept = getattr(row, "metadata", None)
    return kept.to_dict() if kept else {}


def _method(charge: Any) -> str:
    """How it was paid, in the words of the receipt: “Visa ending in 4242”."""
    details = charge.payment_method_details
    card = getattr(details, "card", None) if details else None
    if card and card.last4:
        return f"{(card.brand or 'card').capitalize()} ending in {card.last4}"
    return (details.type if details else "").replace("_", " ").capitalize()
