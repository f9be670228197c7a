"""Hands the sandbox's webhooks to the site without a network."""

import json
import time

from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from payments.sandbox import Sandbox
from payments.sandbox.webhooks import next_parcel, note_attempt, signature

SECRET = "whsec_sandbox"


def post(client: Client, payload: bytes, *, secret: str = SECRET, signed_at: float | None = None) -> HttpResponse:
    """A webhook with ``payload``, signed as Stripe signs."""
    moment = int(time.time() if signed_at is None else signed_at)
    return client.post(
        reverse("payments:webhook"),
        payload,
        content_type="application/json",
        headers={"Stripe-Signature": signature(payload, secret, moment)},
    )


def deliver(client: Client, sandbox: Sandbox) -> list[int]:
    """Post every queued webhook, in the order and as often as the sandbox was told to; the statuses that came back."""
    seen: set[str] = set()
    statuses: list[int] = []
    while True:
        with sandbox.account.books() as books:
            parcel = next_parcel(books, after=seen, patient=False)
        if parcel is None:
            return statuses
        seen.add(parcel.event)
        for _ in range(parcel.copies):
            statuses.append(post(client, parcel.payload, secret=sandbox.webhook_secret).status_code)
            with sandbox.account.books() as books:
                note_attempt(books, parcel, statuses[-1], None)


def deliver_event(client: Client, sandbox: Sandbox, kind: str, **subject: object) -> HttpResponse:
    """Post one invented event of type ``kind`` about ``subject``, once; the answer."""
    event = sandbox.control("events/invent", type=kind, object={"id": "obj_1", **subject})
    with sandbox.account.books() as books:
        books.connection.execute("DELETE FROM deliveries WHERE event = ?", (event["id"],))
    return post(client, json.dumps(event).encode(), secret=sandbox.webhook_secret)
