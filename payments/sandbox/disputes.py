"""Disputes: a buyer's bank asks for the money back, or only asks."""

from . import charges, params
from .events import record
from .ids import new_id
from .listing import list_objects
from .presenting import present
from .routing import Routes
from .store import Books
from .wire import Params, Refused, no_such

TIME_TO_ANSWER = 7 * 24 * 3600  # seconds
FEE = 1500  # cents that Stripe keeps for a chargeback
CLOSED = ("won", "lost", "warning_closed")

routes = Routes()


def open_dispute(
    books: Books,
    charge: dict,
    *,
    amount: int | None = None,
    reason: str = "fraudulent",
    inquiry: bool = False,
) -> dict:
    """The buyer's bank disputes the charge; an inquiry moves no money yet.

    :raises Refused: the charge did not succeed or is disputed already.
    """
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise Refused("Only a successful charge can be disputed, and only once.")
    dispute = {
        "id": new_id("du_1"),
        "object": "dispute",
        "amount": charge["amount"] if amount is None else amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": books.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {},
        "evidence_details": {
            "due_by": books.now + TIME_TO_ANSWER,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback", "network_reason_code": "10"},
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    books.add(dispute)
    charge["disputed"] = True
    books.save(charge)
    record(books, "charge.dispute.created", dispute)
    if not inquiry:
        move_funds(books, dispute, -dispute["amount"], fee=FEE)
        record(books, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def answer_dispute(books: Books, dispute: dict) -> dict:
    """The shop has sent its evidence; the bank looks at it.

    :raises Refused: the dispute waits for no answer.
    """
    reviewed = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
    if dispute["status"] not in reviewed:
        raise Refused(f"This dispute is {dispute['status']}.")
    dispute["status"] = reviewed[dispute["status"]]
    dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
    books.save(dispute)
    record(books, "charge.dispute.updated", dispute)
    return dispute


def close_dispute(books: Books, dispute: dict, outcome: str) -> dict:
    """The bank decides: ``won`` or ``lost`` from the shop's side. An inquiry just closes.

    :raises Refused: it is closed already.
    """
    if dispute["status"] in CLOSED:
        raise Refused(f"This dispute is already {dispute['status']}.")
    is_inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if is_inquiry else outcome
    dispute["is_charge_refundable"] = dispute["status"] != "lost"
    books.save(dispute)
    record(books, "charge.dispute.closed", dispute)
    if dispute["status"] == "won":
        move_funds(books, dispute, dispute["amount"], fee=-FEE)
        record(books, "charge.dispute.funds_reinstated", dispute)
    return dispute


def move_funds(books: Books, dispute: dict, amount: int, *, fee: int) -> None:
    movement = charges.balance_transaction(books, dispute, "adjustment", amount=amount, fee=fee)
    dispute["balance_transactions"].append(movement)
    books.save(dispute)


def blocks_refund(books: Books, charge: dict) -> bool:
    """Whether a dispute forbids to refund the charge."""
    disputes = books.find("dispute", "json_extract(body, '$.charge') = ?", (charge["id"],))
    return not all(dispute["is_charge_refundable"] for dispute in disputes)


@routes.get("/v1/disputes")
def list_disputes(books: Books, raw: Params) -> dict:
    given = params.DISPUTE_LIST("", raw)
    where = {"charge": given.get("charge"), "payment_intent": given.get("payment_intent")}
    return list_objects(books, "dispute", "/v1/disputes", given, where=where)


@routes.get("/v1/disputes/{}")
def retrieve_dispute(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    return present(books, dispute_named(books, id_), given.get("expand", ()))


def dispute_named(books: Books, id_: str) -> dict:
    dispute = books.get("dispute", id_)
    if not dispute:
        raise no_such("dispute", id_, param="dispute")
    return dispute
