import pytest
import stripe


@pytest.fixture
def refund(client):
    def refund(session, **params):
        return client.v1.refunds.create(params={"payment_intent": session.payment_intent, **params})

    return refund


def charge_of(client, session):
    intent = client.v1.payment_intents.retrieve(session.payment_intent, params={"expand": ["latest_charge.refunds"]})
    return intent.latest_charge


def test_a_refund_gives_everything_back_unless_told_otherwise(client, pay, refund, types):
    session = pay()

    made = refund(session, reason="requested_by_customer", metadata={"refund": "1"})

    assert (made.amount, made.status, made.reason) == (70_00, "succeeded", "requested_by_customer")
    assert made.metadata["refund"] == "1"
    assert charge_of(client, session).refunded is True
    assert types()[-3:] == ["refund.created", "charge.refunded", "refund.updated"]


def test_a_part_is_refunded_and_then_the_rest(client, pay, refund):
    session = pay()

    refund(session, amount=20_00)
    after_a_part = charge_of(client, session)
    rest = refund(session)

    assert (after_a_part.amount_refunded, after_a_part.refunded) == (20_00, False)
    assert rest.amount == 50_00
    assert charge_of(client, session).refunded is True


def test_no_more_than_the_rest_is_refunded(client, pay, refund):
    session = pay()
    refund(session, amount=20_00)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refund(session, amount=50_01)

    assert refusal.value.param == "amount"
    assert charge_of(client, session).amount_refunded == 20_00


def test_what_is_refunded_cannot_be_refunded_again(pay, refund):
    session = pay()
    refund(session)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        refund(session)

    assert refusal.value.code == "charge_already_refunded"


def test_a_double_click_refunds_once(client, pay):
    session = pay()
    params = {"payment_intent": session.payment_intent, "amount": 20_00}

    made = {client.v1.refunds.create(params=params, options={"idempotency_key": "rf:1"}).id for _ in range(2)}

    assert len(made) == 1
    assert charge_of(client, session).amount_refunded == 20_00


def test_a_payment_that_did_not_succeed_cannot_be_refunded(client, create, refund, sandbox):
    session = create()
    sandbox.control("sessions/delay", session=session.id)

    with pytest.raises(stripe.InvalidRequestError):
        refund(client.v1.checkout.sessions.retrieve(session.id))


def test_a_refund_needs_a_payment(client):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create(params={"amount": 1_00})

    assert refusal.value.code == "parameter_missing"


def test_refunds_are_found_by_payment_and_listed_on_the_charge(client, pay, refund):
    first, second = pay(), pay()
    made = refund(first, amount=1_00)
    refund(second)

    found = client.v1.refunds.list(params={"payment_intent": first.payment_intent})

    assert [one.id for one in found.data] == [made.id]
    assert [one.id for one in charge_of(client, first).refunds.data] == [made.id]
    assert client.v1.refunds.retrieve(made.id, params={"expand": ["charge"]}).charge.amount_refunded == 1_00


def test_a_charge_shows_its_refunds_only_when_asked_to(client, pay):
    charge = client.v1.payment_intents.retrieve(pay().payment_intent).latest_charge

    assert not hasattr(client.v1.charges.retrieve(charge), "refunds")


def test_a_refund_may_fail_days_after_it_succeeded(client, pay, refund, sandbox, types):
    session = pay()
    made = refund(session)

    sandbox.control("refunds/fail", refund=made.id)

    failed = client.v1.refunds.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert (charge_of(client, session).amount_refunded, charge_of(client, session).refunded) == (0, False)
    assert types()[-2:] == ["refund.updated", "refund.failed"]


def test_a_refund_may_be_pending_first(client, pay, refund, sandbox, types):
    session = pay()
    sandbox.control("refunds/pending", times=1)

    made = refund(session)
    sandbox.control("refunds/arrive", refund=made.id)

    assert (made.status, made.pending_reason) == ("pending", "processing")
    assert client.v1.refunds.retrieve(made.id).status == "succeeded"
    assert types()[-3:] == ["refund.created", "charge.refunded", "refund.updated"]


def test_a_refund_from_the_dashboard_names_no_request(client, pay, sandbox):
    session = pay()

    made = sandbox.control("refunds/dashboard", payment_intent=session.payment_intent, amount=5_00)

    event = client.v1.events.list(params={"type": "refund.created"}).data[0]
    assert event.data.object.id == made["id"]
    assert event.request.id is None
    assert charge_of(client, session).amount_refunded == 5_00
