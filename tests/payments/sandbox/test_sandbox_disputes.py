import pytest
import stripe


@pytest.fixture
def dispute(sandbox, pay):
    """A dispute of a payment of 70 dollars."""

    def dispute(**wishes):
        return sandbox.control("disputes/open", payment_intent=pay().payment_intent, **wishes)["id"]

    return dispute


def test_a_chargeback_takes_the_money_and_forbids_refunds(client, dispute, types):
    opened = client.v1.disputes.retrieve(dispute(), params={"expand": ["charge"]})

    assert (opened.status, opened.amount, opened.is_charge_refundable) == ("needs_response", 70_00, False)
    assert opened.charge.disputed is True
    assert types()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create(params={"charge": opened.charge.id})
    assert refusal.value.code == "charge_disputed"


def test_an_inquiry_only_asks(client, dispute, sandbox, types):
    opened = client.v1.disputes.retrieve(dispute(inquiry=True))
    sandbox.control("disputes/close", dispute=opened.id)

    assert (opened.status, opened.is_charge_refundable) == ("warning_needs_response", True)
    assert client.v1.disputes.retrieve(opened.id).status == "warning_closed"
    assert types()[-2:] == ["charge.dispute.created", "charge.dispute.closed"]


def test_a_dispute_that_is_won_brings_the_money_back(client, dispute, sandbox, types):
    opened = dispute()
    sandbox.control("disputes/answer", dispute=opened)

    sandbox.control("disputes/close", dispute=opened, outcome="won")

    closed = client.v1.disputes.retrieve(opened)
    assert closed.status == "won"
    assert sum(movement.net for movement in closed.balance_transactions) == 0
    assert types()[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


def test_a_dispute_that_is_lost_stays_lost(client, dispute, sandbox):
    opened = dispute()

    sandbox.control("disputes/close", dispute=opened, outcome="lost")

    closed = client.v1.disputes.retrieve(opened)
    assert (closed.status, closed.is_charge_refundable) == ("lost", False)


def test_disputes_are_found_by_payment(client, dispute):
    ids = [dispute(), dispute()]
    wanted = client.v1.disputes.retrieve(ids[0])

    found = client.v1.disputes.list(params={"payment_intent": wanted.payment_intent})

    assert [one.id for one in found.data] == [wanted.id]
    assert [one.id for one in client.v1.disputes.list().data] == ids[::-1]
