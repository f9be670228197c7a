import concurrent.futures
import time

import pytest
import stripe


def test_a_new_session_waits_for_its_buyer(create):
    session = create()

    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (70_00, 70_00, "usd")
    assert session.client_reference_id == "ORDER00001"
    assert session.metadata["order"] == "ORDER00001"
    assert session.livemode is False


def test_a_session_sells_several_things_by_number(create):
    course = {"currency": "usd", "unit_amount": 140_00, "product_data": {"name": "CBT Group Treatment"}}
    book = {"currency": "usd", "unit_amount": 15_50, "product_data": {"name": "Workbook"}}
    items = [{"quantity": 1, "price_data": course}, {"quantity": 2, "price_data": book}]

    assert create(line_items=items).amount_total == 171_00


def test_an_open_session_has_an_address_and_a_closed_one_has_none(client, create):
    session = create()

    expired = client.v1.checkout.sessions.expire(session.id)

    assert session.url.endswith(f"/c/pay/{session.id}")
    assert expired.status == "expired"
    assert expired.url is None


def test_a_session_is_read_by_its_id(client, create):
    session = create()

    assert client.v1.checkout.sessions.retrieve(session.id).to_dict() == session.to_dict()


def test_an_unknown_session_is_missing(client):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.retrieve("cs_test_nobody")

    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_a_paid_session_shows_its_payment_when_asked_to(client, pay):
    session = client.v1.checkout.sessions.retrieve(pay().id, params={"expand": ["payment_intent.latest_charge"]})

    intent = session.payment_intent
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert (intent.status, intent.amount_received) == ("succeeded", 70_00)
    assert intent.metadata["order"] == "ORDER00001"
    assert (intent.latest_charge.paid, intent.latest_charge.amount) == (True, 70_00)
    assert intent.latest_charge.payment_method_details.card.last4 == "4242"


def test_a_field_that_is_still_empty_expands_to_nothing(client, create):
    session = client.v1.checkout.sessions.retrieve(create().id, params={"expand": ["payment_intent.latest_charge"]})

    assert session.payment_intent is None


@pytest.mark.parametrize("path", ["nothing", "payment_intent.nothing", "url"])
def test_only_what_points_at_something_can_be_expanded(client, create, path):
    session = create()

    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.checkout.sessions.retrieve(session.id, params={"expand": [path]})


def test_line_items_come_in_pages(client, create):
    def course(name):
        price = {"currency": "usd", "unit_amount": 10_00, "product_data": {"name": name}}
        return {"quantity": 1, "price_data": price}

    session = create(line_items=[course("One"), course("Two"), course("Three")])

    pages = client.v1.checkout.sessions.line_items.list(session.id, params={"limit": 2})

    assert [item.description for item in pages.auto_paging_iter()] == ["One", "Two", "Three"]


def test_sessions_are_listed_newest_first_in_pages(client, create):
    ids = [create().id for _ in range(3)]

    page = client.v1.checkout.sessions.list(params={"limit": 2})

    assert [session.id for session in page.data] == [ids[2], ids[1]]
    assert page.has_more
    assert [session.id for session in page.auto_paging_iter()] == ids[::-1]


def test_pages_go_backwards_from_a_cursor(client, create):
    ids = [create().id for _ in range(3)]

    page = client.v1.checkout.sessions.list(params={"ending_before": ids[0], "limit": 1})

    assert [session.id for session in page.data] == [ids[1]]
    assert page.has_more


def test_a_cursor_must_exist(client):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.list(params={"starting_after": "cs_test_nobody"})

    assert refusal.value.param == "starting_after"


def test_sessions_are_found_by_status_and_payment(client, create, pay):
    open_, paid = create(), pay()

    by_status = client.v1.checkout.sessions.list(params={"status": "open"})
    by_payment = client.v1.checkout.sessions.list(
        params={"payment_intent": paid.payment_intent, "expand": ["data.payment_intent"]}
    )

    assert [session.id for session in by_status.data] == [open_.id]
    assert [session.payment_intent.status for session in by_payment.data] == ["succeeded"]


def test_sessions_are_found_by_the_moment_of_their_creation(client, create, sandbox):
    create()
    later = sandbox.control("clock/advance", seconds=100)["now"]
    second = create()

    found = client.v1.checkout.sessions.list(params={"created": {"gte": later}})

    assert [session.id for session in found.data] == [second.id]


def test_a_session_expires_when_its_time_is_over(client, create, sandbox, types):
    session = create(expires_at=int(time.time()) + 31 * 60)

    sandbox.control("clock/advance", seconds=31 * 60)

    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert types() == ["checkout.session.expired"]


def test_a_session_lives_a_day_unless_told_otherwise(create):
    session = create()

    assert session.expires_at - session.created == 24 * 3600


def test_a_paid_session_cannot_be_expired(client, pay):
    session = pay()

    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        client.v1.checkout.sessions.expire(session.id)


def test_a_session_without_anything_to_pay_needs_no_payment(client, create, sandbox):
    session = create(amount=0)

    sandbox.control("sessions/pay", session=session.id)

    session = client.v1.checkout.sessions.retrieve(session.id)
    assert (session.status, session.payment_status) == ("complete", "no_payment_required")
    assert session.payment_intent is None


def test_two_buyers_at_once_make_one_payment(browser, client, create):
    session = create()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        pages = list(pool.map(lambda _: browser(f"/c/pay/{session.id}", way="pay"), range(4)))

    assert [page.status for page in pages] == [303] * 4
    assert len(client.v1.payment_intents.list().data) == 1
    assert len(client.v1.charges.list().data) == 1


def test_the_fee_of_a_charge_arrives_later(client, pay, sandbox, types):
    session = pay()
    path = ["payment_intent.latest_charge.balance_transaction"]

    early = client.v1.checkout.sessions.retrieve(session.id, params={"expand": path})
    sandbox.control("clock/advance", seconds=60)
    late = client.v1.checkout.sessions.retrieve(session.id, params={"expand": path})

    assert early.payment_intent.latest_charge.balance_transaction is None
    assert late.payment_intent.latest_charge.balance_transaction.fee == 2_33
    assert types()[-1] == "charge.updated"


def test_a_dishonest_session_can_be_rehearsed(client, create, sandbox):
    session = create()

    sandbox.control("sessions/alter", session=session.id, changes={"amount_total": 1_00})

    assert client.v1.checkout.sessions.retrieve(session.id).amount_total == 1_00
