import concurrent.futures
import json
import threading
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
import stripe

KEY = {"idempotency_key": "co:ORDER00001:1"}


def test_the_same_request_with_the_same_key_is_answered_the_same(client, wanted):
    first = client.v1.checkout.sessions.create(params=wanted(), options=KEY)
    second = client.v1.checkout.sessions.create(params=wanted(), options=KEY)

    assert second.to_dict() == first.to_dict()
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_key_cannot_be_used_for_something_else(client, wanted):
    client.v1.checkout.sessions.create(params=wanted(70_00), options=KEY)

    with pytest.raises(stripe.IdempotencyError) as refusal:
        client.v1.checkout.sessions.create(params=wanted(140_00), options=KEY)

    assert refusal.value.http_status == 400


def test_a_key_is_forgotten_after_a_day(client, sandbox, wanted):
    first = client.v1.checkout.sessions.create(params=wanted(), options=KEY)
    sandbox.control("clock/advance", seconds=24 * 3600)

    second = client.v1.checkout.sessions.create(params=wanted(), options=KEY)

    assert second.id != first.id


def test_an_unfit_request_does_not_use_its_key_up(client, wanted):
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(params=wanted(49), options=KEY)

    assert client.v1.checkout.sessions.create(params=wanted(50), options=KEY).amount_total == 50


def test_a_refusal_during_the_work_is_remembered(client, pay):
    payment = {"payment_intent": pay().payment_intent, "amount": 70_01}
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.refunds.create(params=payment, options=KEY)

    assert refusal.value.headers["Idempotent-Replayed"] == "true"


def test_a_stored_error_is_given_again_until_another_key_is_used(client, sandbox, wanted):
    sandbox.control("api/fail", kind="500")

    with pytest.raises(stripe.APIError) as failure:
        client.v1.checkout.sessions.create(params=wanted(), options=KEY)
    fresh = client.v1.checkout.sessions.create(params=wanted(), options={"idempotency_key": "co:ORDER00001:2"})

    assert failure.value.http_status == 500
    assert failure.value.headers["Idempotent-Replayed"] == "true"
    assert fresh.status == "open"


def test_a_key_in_use_is_a_conflict(sandbox, wanted):
    sandbox.control("api/fail", kind="slow", seconds=0.3)
    together = threading.Barrier(2)

    def ask(_):
        params = urlencode(flat(wanted()))
        headers = {"Authorization": "Bearer sk_test_x", "Idempotency-Key": "co:ORDER00001:1"}
        request = urllib.request.Request(f"{sandbox.base_url}/v1/checkout/sessions", params.encode(), headers)
        together.wait()
        try:
            return urllib.request.urlopen(request, timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["error"]["code"]

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, range(2)))

    assert sorted(answers, key=str) == [(409, "idempotency_key_in_use"), 200]


def test_the_client_gets_through_when_its_key_is_in_use(client, sandbox, wanted):
    sandbox.control("api/fail", kind="slow", seconds=0.2)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda _: client.v1.checkout.sessions.create(params=wanted(), options=KEY).id, range(2))

    assert len(set(made)) == 1


def test_a_key_may_have_255_characters(client, wanted):
    client.v1.checkout.sessions.create(params=wanted(), options={"idempotency_key": "k" * 255})

    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.create(params=wanted(), options={"idempotency_key": "k" * 256})


def flat(value, name=""):
    """Nested parameters as pairs of a form."""
    if isinstance(value, dict):
        return [pair for key, one in value.items() for pair in flat(one, f"{name}[{key}]" if name else key)]
    if isinstance(value, list):
        return flat(dict(enumerate(value)), name)
    return [(name, str(value).lower() if isinstance(value, bool) else value)]
