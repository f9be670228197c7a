"""Refunds: asked for by the shop or in the dashboard, and what becomes of them later."""

from . import charges, params
from .disputes import blocks_refund
from .events import record
from .ids import new_id
from .listing import list_objects
from .presenting import check_paths, present
from .routing import Routes
from .store import Books
from .wire import Params, Refused, no_such

GIVEN_UP = ("failed", "canceled")

routes = Routes()


@routes.post("/v1/refunds")
def create_refund(books: Books, raw: Params) -> dict:
    given = params.REFUND_CREATE("", raw)
    check_paths("refund", [path.split(".") for path in given.get("expand", ())])
    charge = charge_to_refund(books, given)
    made = refund(
        books,
        charge,
        amount=given.get("amount"),
        reason=given.get("reason"),
        metadata=given.get("metadata"),
    )
    return present(books, made, given.get("expand", ()))


def charge_to_refund(books: Books, given: dict) -> dict:
    if "payment_intent" not in given and "charge" not in given:
        raise Refused(
            "One of the following params should be provided for this request: payment_intent or charge.",
            code="parameter_missing",
            param="payment_intent",
        )
    charge_id = given.get("charge", "")
    if "payment_intent" in given:
        intent = books.get("payment_intent", given["payment_intent"])
        if not intent:
            raise no_such("payment_intent", given["payment_intent"], param="payment_intent")
        if intent["status"] != "succeeded" or charge_id not in ("", intent["latest_charge"]):
            raise Refused(
                "This PaymentIntent does not have a successful charge to refund.",
                code="payment_intent_unexpected_state",
                param="payment_intent",
                stored=True,
            )
        charge_id = intent["latest_charge"]
    charge = books.get("charge", charge_id)
    if not charge:
        raise no_such("charge", charge_id, param="charge")
    return charge


def refund(
    books: Books,
    charge: dict,
    *,
    amount: int | None = None,
    reason: str | None = None,
    metadata: dict | None = None,
) -> dict:
    """Pay ``amount`` (default: what is left) of the charge back.

    :raises Refused: the charge has less left, never succeeded, or is disputed.
    """
    amount = check_refundable(books, charge, amount)
    is_pending = use_up_pending(books) or charge["payment_method_details"]["type"] != "card"
    made = {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "destination_details": destination(charge),
        "metadata": metadata or {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if is_pending else "succeeded",
        "transfer_reversal": None,
    }
    if is_pending:
        made["pending_reason"] = "processing"
    movement = charges.balance_transaction(books, made, "refund", amount=-amount, fee=0)
    books.add(made | {"balance_transaction": movement["id"]})

    made = books.known("refund", made["id"])
    record(books, "refund.created", made)
    recount(books, charge)
    record(books, "charge.refunded", charge)
    if not is_pending:
        record(books, "refund.updated", made)
    return made


def check_refundable(books: Books, charge: dict, amount: int | None) -> int:
    if charge["status"] != "succeeded":
        raise Refused(f"Charge {charge['id']} has not succeeded.", code="charge_not_refundable", stored=True)
    if blocks_refund(books, charge):
        raise Refused(f"Charge {charge['id']} has been charged back.", code="charge_disputed", stored=True)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise Refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded", stored=True)
    if amount is not None and amount > left:
        raise Refused(
            f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left}), in cents.",
            param="amount",
            stored=True,
        )
    return left if amount is None else amount


def destination(charge: dict) -> dict:
    kind = charge["payment_method_details"]["type"]
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"type": kind, kind: card if kind == "card" else {}}


def use_up_pending(books: Books) -> bool:
    left = books.setting("pending_refunds")
    if left:
        books.set("pending_refunds", left - 1)
    return left > 0


def recount(books: Books, charge: dict) -> None:
    """Bring the charge's sums in line with its refunds; one that failed no longer counts."""
    rows = books.find("refund", "json_extract(body, '$.charge') = ?", (charge["id"],))
    charge["amount_refunded"] = sum(row["amount"] for row in rows if row["status"] not in GIVEN_UP)
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    books.save(charge)


def arrive(books: Books, made: dict) -> dict:
    """A pending refund reaches the buyer.

    :raises Refused: it is not pending.
    """
    if made["status"] != "pending":
        raise Refused(f"This refund is {made['status']}, not pending.")
    made["status"] = "succeeded"
    made.pop("pending_reason", None)
    books.save(made)
    record(books, "refund.updated", made)
    return made


def fail(books: Books, made: dict, reason: str = "expired_or_canceled_card") -> dict:
    """The buyer's bank sends a refund back, which may happen days after it succeeded.

    :raises Refused: it has failed already, or was cancelled.
    """
    if made["status"] in GIVEN_UP:
        raise Refused(f"This refund is already {made['status']}.")
    made.pop("pending_reason", None)
    movement = charges.balance_transaction(books, made, "refund_failure", amount=made["amount"], fee=0)
    made |= {"status": "failed", "failure_reason": reason, "failure_balance_transaction": movement["id"]}
    books.save(made)
    recount(books, books.known("charge", made["charge"]))
    record(books, "refund.updated", made)
    record(books, "refund.failed", made)
    return made


@routes.get("/v1/refunds")
def list_refunds(books: Books, raw: Params) -> dict:
    given = params.REFUND_LIST("", raw)
    where = {"charge": given.get("charge"), "payment_intent": given.get("payment_intent")}
    return list_objects(books, "refund", "/v1/refunds", given, where=where)


@routes.get("/v1/refunds/{}")
def retrieve_refund(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    return present(books, refund_named(books, id_), given.get("expand", ()))


def refund_named(books: Books, id_: str) -> dict:
    made = books.get("refund", id_)
    if not made:
        raise no_such("refund", id_, param="refund")
    return made
