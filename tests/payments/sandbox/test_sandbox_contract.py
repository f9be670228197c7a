"""Every object that the sandbox returns, held against Stripe's published description."""

import json
import os
from pathlib import Path

import pytest

PLACE = Path(os.environ.get("STRIPE_CONTRACT") or Path(__file__).parents[4] / "shared/facts/stripe-contract.json")
# Without it there is nothing to hold the objects against, so this file has no tests then.
__test__ = PLACE.exists()
# Fields that the description, of an earlier API version, does not have yet.
NEWER = {"checkout.session": {"allowed_payment_method_types"}}
PYTHON_TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "number": (int, float)}


@pytest.fixture(scope="module")
def contract():
    return json.loads(PLACE.read_text())["objects"]


@pytest.fixture
def everything(client, create, pay, sandbox):
    """One of each object in each state that it can be in."""
    v1 = client.v1
    objects = [create(), create(amount=0)]

    declined, asking, waiting, refused, late = (create() for _ in range(5))
    sandbox.control("sessions/decline", session=declined.id)
    sandbox.control("sessions/ask_for_authentication", session=asking.id)
    sandbox.control("sessions/delay", session=waiting.id)
    sandbox.control("sessions/delay", session=refused.id)
    sandbox.control("sessions/fail", session=refused.id)
    v1.checkout.sessions.expire(late.id)

    paid, disputed = pay(), pay()
    refund = v1.refunds.create(params={"payment_intent": paid.payment_intent, "amount": 1_00})
    sandbox.control("refunds/fail", refund=refund.id)
    sandbox.control("refunds/pending")
    v1.refunds.create(params={"payment_intent": paid.payment_intent, "amount": 1_00})
    sandbox.control("disputes/open", payment_intent=disputed.payment_intent)
    sandbox.control("clock/advance", seconds=60)

    expand = {"limit": 100, "expand": ["data.payment_intent.latest_charge.refunds", "data.line_items"]}
    objects += v1.checkout.sessions.list(params=expand).data
    objects += v1.checkout.sessions.line_items.list(paid.id).data
    for service in (v1.payment_intents, v1.charges, v1.refunds, v1.disputes, v1.events):
        objects += service.list(params={"limit": 100}).data
    return [one.to_dict() for one in objects]


def test_every_object_is_as_stripe_describes_it(contract, everything):
    kinds = {one["object"] for one in walk(everything)}
    assert {"checkout.session", "payment_intent", "charge", "refund", "dispute", "event", "item"} <= kinds

    problems = {problem for one in walk(everything) for problem in problems_of(one, contract)}

    assert problems == set()


def test_errors_are_as_stripe_describes_them(browser, contract):
    error = json.loads(browser("/v1/events").text)["error"]

    assert set(contract["api_errors"]["required"]) <= set(error)
    assert list(problems_of({"object": "api_errors", **error}, contract, ignore={"object"})) == []


def walk(value):
    """Every object in a tree of answers."""
    if isinstance(value, list):
        for one in value:
            yield from walk(one)
    elif isinstance(value, dict):
        if "object" in value and isinstance(value["object"], str):
            yield value
        for one in value.values():
            yield from walk(one)


def problems_of(object_, contract, ignore=frozenset()):
    kind = object_["object"]
    if kind not in contract:
        return
    described = contract[kind]["properties"]
    for name in set(contract[kind]["required"]) - set(object_):
        yield f"{kind}.{name} is missing"
    for name, value in object_.items():
        if name in NEWER.get(kind, ()) or name in ignore:
            continue
        if name not in described:
            yield f"{kind}.{name} is not described"
        elif not fits(value, *described[name]):
            yield f"{kind}.{name} cannot be {value!r}"
    yield from nested_problems(object_, described, contract)


def nested_problems(object_, described, contract):
    for name, value in object_.items():
        for type_ in described.get(name, [[]])[0]:
            reference = type_.removeprefix("ref:")
            if isinstance(value, dict) and "object" not in value and reference in contract:
                yield from problems_of({"object": reference, **value}, contract, ignore={"object"})


def fits(value, types, is_nullable, choices):
    if value is None:
        return is_nullable
    if choices and value not in choices:
        return False
    return any(is_a(value, type_) for type_ in types)


def is_a(value, type_):
    if type_.startswith("ref:"):
        return isinstance(value, dict)
    if isinstance(value, bool):
        return type_ == "boolean"
    return isinstance(value, PYTHON_TYPES[type_])
