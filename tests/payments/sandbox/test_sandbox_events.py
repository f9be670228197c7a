def test_a_card_payment_is_told_in_the_usual_order(pay, types):
    pay()

    assert types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_an_event_holds_the_object_as_it_was_then(client, pay):
    session = pay()
    client.v1.refunds.create(params={"payment_intent": session.payment_intent})

    event = client.v1.events.list(params={"type": "charge.succeeded"}).data[0]

    assert event.data.object.amount_refunded == 0
    assert (event.api_version, event.livemode, event.pending_webhooks) == ("2026-10-28.endive", False, 1)


def test_an_event_names_the_request_that_caused_it(client, create):
    session = create()

    expired = client.v1.checkout.sessions.expire(session.id, options={"idempotency_key": "ex:1"})

    event = client.v1.events.list().data[0]
    assert event.request.id == expired.last_response.request_id
    assert event.request.idempotency_key == "ex:1"


def test_events_are_found_by_several_types(client, pay, types):
    pay()

    wanted = ["checkout.session.completed", "charge.succeeded"]

    assert types(types=wanted) == ["charge.succeeded", "checkout.session.completed"]


def test_events_are_found_by_their_moment(pay, sandbox, types):
    pay()
    later = sandbox.control("clock/advance", seconds=10)["now"]
    pay()

    assert len(types(created={"gte": later})) == 4
    assert len(types()) == 8


def test_paging_back_from_a_cursor_reads_events_as_they_happened(client, pay, types):
    pay()
    oldest = client.v1.events.list().data[-1]

    later = client.v1.events.list(params={"ending_before": oldest.id, "limit": 1})

    assert [event.type for event in later.auto_paging_iter()] == types()[1:]


def test_an_event_is_read_by_its_id(client, pay):
    pay()
    event = client.v1.events.list().data[0]

    assert client.v1.events.retrieve(event.id).to_dict() == event.to_dict()


def test_events_that_the_shop_did_not_take_are_found(client, pay, sandbox, shop, types):
    shop.answers.extend([200, 500, 200, 200])
    pay()
    sandbox.drain()

    assert types(delivery_success=False) == ["charge.succeeded"]
    assert len(types(delivery_success=True)) == 3
    assert client.v1.events.list(params={"delivery_success": True}).data[0].pending_webhooks == 0
