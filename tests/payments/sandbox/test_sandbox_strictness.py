import time

import pytest
import stripe


def refusal_of(create, **changes):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        create(**changes)
    error = refusal.value
    return error.http_status, error.code, error.param


def test_payment_method_types_is_refused_since_stripe_removed_it(create):
    refusal = refusal_of(create, payment_method_types=["card"])

    assert refusal == (400, "parameter_unknown", "payment_method_types")


def test_a_misspelt_parameter_is_refused(create):
    assert refusal_of(create, sucess_url="http://127.0.0.1/") == (400, "parameter_unknown", "sucess_url")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"adaptive_pricing": {"enable": False}}, "adaptive_pricing[enable]"),
        ({"payment_intent_data": {"order": "1"}}, "payment_intent_data[order]"),
        ({"line_items": [{"price": "price_1", "quantity": 1}]}, "line_items[0][price]"),
    ],
)
def test_a_misspelt_key_inside_a_group_is_refused(create, changes, param):
    assert refusal_of(create, **changes) == (400, "parameter_unknown", param)


def test_a_misspelt_filter_is_refused(client):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.list(params={"state": "failed"})

    assert (refusal.value.code, refusal.value.param) == ("parameter_unknown", "state")


@pytest.mark.parametrize("missing", ["mode", "line_items", "success_url"])
def test_a_session_needs_its_required_parameters(client, wanted, missing):
    params = wanted()
    del params[missing]

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.checkout.sessions.create(params=params)

    assert (refusal.value.code, refusal.value.param) == ("parameter_missing", missing)


@pytest.mark.parametrize("amount", [1, 49])
def test_a_total_below_fifty_cents_is_refused(create, amount):
    assert refusal_of(create, amount=amount) == (400, "amount_too_small", "line_items")


@pytest.mark.parametrize("amount", [0, 50])
def test_nothing_and_fifty_cents_are_allowed(create, amount):
    assert create(amount=amount).amount_total == amount


@pytest.mark.parametrize("seconds", [30 * 60 - 60, 24 * 3600 + 60])
def test_a_session_lives_no_shorter_than_half_an_hour_and_no_longer_than_a_day(create, seconds):
    refusal = refusal_of(create, expires_at=int(time.time()) + seconds)

    assert refusal == (400, None, "expires_at")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"success_url": "/orders/"}, "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, "cancel_url"),
        ({"success_url": "http://shop; script-src *"}, "success_url"),
        ({"customer_email": "anna"}, "customer_email"),
        ({"client_reference_id": "x" * 201}, "client_reference_id"),
        ({"client_reference_id": ""}, "client_reference_id"),
        ({"mode": "subscription"}, "mode"),
        ({"locale": "tlh"}, "locale"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"metadata": {"k" * 41: "v"}}, "metadata"),
        ({"metadata": {"order": "v" * 501}}, "metadata[order]"),
        ({"metadata": {f"key{n}": "v" for n in range(51)}}, "metadata"),
        ({"payment_intent_data": {"statement_descriptor_suffix": "A suffix that is too long"}}, None),
        ({"line_items": []}, None),
    ],
)
def test_an_unfit_value_is_refused(create, changes, param):
    status, _, named = refusal_of(create, **changes)

    assert status == 400
    assert named == param or param is None


def test_everything_a_shop_may_say_of_a_payment_is_taken(create):
    session = create(
        automatic_tax={"enabled": False},
        billing_address_collection="auto",
        custom_text={"submit": {"message": "You get access at once."}},
        expires_at=int(time.time()) + 31 * 60,
        invoice_creation={"enabled": False},
        locale="en",
        payment_intent_data={"description": "Order 1", "statement_descriptor_suffix": "COURSE"},
        phone_number_collection={"enabled": False},
        submit_type="pay",
    )

    assert session.custom_text.submit.message == "You get access at once."
    assert session.allowed_payment_method_types == ["card"]
    assert session.adaptive_pricing.enabled is False


def test_a_live_key_is_refused(client_for, sandbox):
    with pytest.raises(stripe.AuthenticationError, match="refuses live keys"):
        client_for(sandbox.base_url, key="sk_live_secret").v1.events.list()


def test_another_kind_of_key_is_refused(client_for, sandbox):
    with pytest.raises(stripe.AuthenticationError):
        client_for(sandbox.base_url, key="nonsense").v1.events.list()


def test_no_key_is_refused(browser):
    page = browser("/v1/events")

    assert page.status == 401
    assert '"invalid_request_error"' in page.text


def test_an_unknown_address_is_refused_in_stripes_shape(client):
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        client.raw_request("get", "/v1/customers")


def test_the_api_version_is_echoed(client):
    response = client.v1.events.list().last_response

    assert response.headers["Stripe-Version"] == "2026-10-28.endive"
    assert response.request_id.startswith("req_")
