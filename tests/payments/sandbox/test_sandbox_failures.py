import json
import time

import pytest
import stripe

from payments.sandbox.wire import Refused


def test_the_client_gets_through_two_passing_errors(client, sandbox, wanted):
    sandbox.control("api/fail", kind="500", times=1, stored=False)

    assert client.v1.checkout.sessions.create(params=wanted()).status == "open"


def test_the_client_gets_through_a_conflict(client, sandbox, wanted):
    sandbox.control("api/fail", kind="409")

    assert client.v1.checkout.sessions.create(params=wanted()).status == "open"


def test_too_many_requests_are_told_to_the_shop_at_once(client, sandbox, wanted):
    sandbox.control("api/fail", kind="429")

    with pytest.raises(stripe.RateLimitError):
        client.v1.checkout.sessions.create(params=wanted())

    assert client.v1.checkout.sessions.create(params=wanted()).status == "open"


def test_an_answer_that_gets_lost_leaves_one_refund(client, pay, sandbox):
    session = pay()
    sandbox.control("api/fail", kind="timeout", after_work=True)

    made = client.v1.refunds.create(params={"payment_intent": session.payment_intent, "amount": 20_00})

    assert made.last_response.headers["Idempotent-Replayed"] == "true"
    assert [one.id for one in client.v1.refunds.list().data] == [made.id]


def test_an_error_after_the_work_hides_what_was_done(client, sandbox, wanted):
    sandbox.control("api/fail", kind="500", after_work=True)

    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.create(params=wanted())

    assert [one.client_reference_id for one in client.v1.checkout.sessions.list().data] == ["ORDER00001"]


def test_a_request_that_never_arrives_does_nothing(client_for, sandbox, wanted):
    sandbox.control("api/fail", kind="timeout", times=3)
    client = client_for(sandbox.base_url)

    with pytest.raises(stripe.APIConnectionError):
        client.v1.checkout.sessions.create(params=wanted())

    assert client.v1.checkout.sessions.list().data == []


def test_an_answer_can_come_too_late(client_for, sandbox, wanted):
    client = client_for(sandbox.base_url, read_timeout=0.5)
    sandbox.control("api/fail", kind="timeout", seconds=0.8, after_work=True)
    began = time.monotonic()

    made = client.v1.checkout.sessions.create(params=wanted())

    assert time.monotonic() - began >= 0.5
    assert [one.id for one in client.v1.checkout.sessions.list().data] == [made.id]


def test_a_failure_strikes_only_the_requests_it_is_meant_for(client, create, sandbox):
    sandbox.control("api/fail", kind="429", match="POST /v1/refunds")

    session = create()

    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    with pytest.raises(stripe.RateLimitError):
        client.v1.refunds.create(params={"payment_intent": "pi_3nobody"})


def test_an_unknown_control_is_refused(sandbox):
    with pytest.raises(Refused, match="There is no control"):
        sandbox.control("money/print")


@pytest.mark.parametrize("wishes", [{}, {"seconds": 1, "hours": 1}])
def test_a_control_takes_only_what_it_knows(sandbox, wishes):
    with pytest.raises(Refused, match="clock/advance"):
        sandbox.control("clock/advance", **wishes)


def test_the_state_tells_what_there_is(browser, create, sandbox):
    create()
    sandbox.control("api/fail", kind="429")

    state = json.loads(browser("/_double/state").text)

    assert state["objects"] == {"checkout.session": 1}
    assert [failure["kind"] for failure in state["failures"]] == ["429"]
