import time

import pytest
import stripe

PAID = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def test_the_shop_is_told_what_happened_in_order(pay, sandbox, shop):
    pay()

    assert sandbox.drain() == 4
    assert shop.types() == PAID


def test_the_real_client_accepts_the_signature(client, pay, sandbox, shop):
    session = pay()
    sandbox.drain()
    last = shop.received[-1]

    event = client.construct_event(last.body, last.signature, shop.secret)

    assert event.data.object.id == session.id


def test_a_forged_body_does_not_fit_the_signature(client, pay, sandbox, shop):
    pay()
    sandbox.drain()
    last = shop.received[-1]

    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(last.body.replace(b"paid", b"free"), last.signature, shop.secret)


def test_the_signature_is_made_now_even_when_the_sandbox_lives_in_the_future(pay, sandbox, shop):
    sandbox.control("clock/advance", seconds=7 * 24 * 3600)
    pay()
    sandbox.drain()

    signed_at = int(shop.received[0].signature.split(",")[0].removeprefix("t="))

    assert abs(signed_at - time.time()) < 60
    assert shop.event(shop.received[0])["created"] > time.time() + 6 * 24 * 3600


def test_events_wait_until_there_is_a_shop_to_tell(pay, sandbox):
    pay()

    assert sandbox.drain() == 0
    assert sandbox.control("drain") == {"delivered": 0}


def test_draining_twice_tells_the_shop_once(pay, sandbox, shop):
    pay()
    sandbox.drain()

    assert sandbox.drain() == 0
    assert len(shop.received) == 4


def test_what_the_shop_refuses_is_told_again(pay, sandbox, shop):
    shop.answers.append(500)
    pay()

    assert sandbox.drain() == 3
    assert sandbox.drain() == 1
    assert shop.types() == [*PAID, "payment_intent.created"]


def test_a_shop_that_is_down_is_told_later(pay, sandbox, shop):
    address, sandbox.webhook_url = sandbox.webhook_url, "http://127.0.0.1:9/"
    pay()

    while_down = sandbox.drain()
    sandbox.webhook_url = address

    assert while_down == 0
    assert sandbox.drain() == 4


def test_what_the_shop_does_meanwhile_is_told_in_the_same_round(client, pay, sandbox, shop):
    session = pay()
    # The shop calls back while it is being told: nothing may be locked then.
    shop.acts.append(lambda: client.v1.refunds.create(params={"payment_intent": session.payment_intent}))

    assert sandbox.drain() == 7
    assert shop.types()[-3:] == ["refund.created", "charge.refunded", "refund.updated"]


def test_webhooks_can_get_lost(pay, sandbox, shop, types):
    sandbox.control("webhooks/mode", mode="drop", types=["checkout.session.completed"])
    pay()

    assert sandbox.drain() == 3
    assert types(delivery_success=False) == ["checkout.session.completed"]


def test_webhooks_can_come_twice(pay, sandbox, shop):
    sandbox.control("webhooks/mode", mode="duplicate", copies=2, types=["checkout.session.completed"])
    pay()
    sandbox.drain()

    assert shop.types() == [*PAID, "checkout.session.completed"]
    assert shop.received[-1].body == shop.received[-2].body


def test_webhooks_can_come_in_the_wrong_order(pay, sandbox, shop):
    sandbox.control("webhooks/mode", mode="reorder")
    pay()
    sandbox.drain()

    assert shop.types() == PAID[::-1]


def test_webhooks_can_come_late(pay, sandbox, shop):
    sandbox.control("webhooks/mode", mode="delay", seconds=30, times=4)
    pay()

    at_once = sandbox.drain()
    sandbox.control("clock/advance", seconds=30)

    assert at_once == 0
    assert sandbox.drain() == 4


def test_a_mode_ends_after_its_times(pay, sandbox, shop):
    sandbox.control("webhooks/mode", mode="drop", times=3)
    pay()
    sandbox.drain()

    assert shop.types() == ["checkout.session.completed"]


def test_a_mode_ends_when_told_to(pay, sandbox, shop):
    sandbox.control("webhooks/mode", mode="drop")
    sandbox.control("webhooks/mode", mode="normal")
    pay()

    assert sandbox.drain() == 4


def test_an_event_is_sent_again_on_demand(client, pay, sandbox, shop):
    pay()
    sandbox.drain()
    event = client.v1.events.list().data[0]

    sandbox.control("events/resend", event=event.id)

    assert sandbox.drain() == 1
    assert shop.event(shop.received[-1])["id"] == event.id


def test_an_event_of_an_unheard_kind_can_be_sent(sandbox, shop):
    sandbox.control("events/invent", type="customer.created", object={"object": "customer", "id": "cus_1"})

    sandbox.drain()

    assert shop.types() == ["customer.created"]


def test_each_attempt_is_on_record(pay, sandbox, shop, browser):
    shop.answers.append(503)
    pay()
    sandbox.drain()

    page = browser("/_double/attempts")

    assert page.status == 200
    assert page.text.count('"status": 200') == 3
    assert page.text.count('"status": 503') == 1
