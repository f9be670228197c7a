"""Charges and what they leave in the balance."""

from . import params
from .events import record
from .ids import new_id
from .listing import list_objects
from .presenting import present
from .routing import Routes
from .store import Books
from .wire import Params, no_such

CARDHOLDER = "Sandbox Buyer"
DECLINES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
}

routes = Routes()


def new_charge(books: Books, session: dict, intent: dict, *, status: str, method: dict) -> dict:
    """A charge for all that the intent asks: ``succeeded``, ``pending`` or ``failed``."""
    is_good = status == "succeeded"
    charge = {
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if is_good else 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": billing_details(session),
        "calculated_statement_descriptor": "SANDBOX",
        "captured": is_good,
        "created": books.now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": None,
        "paid": is_good,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm_1"),
        "payment_method_details": method,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }
    return books.add(charge | {"outcome": outcome(status)})


def outcome(status: str, reason: str | None = None) -> dict | None:
    if status == "pending":
        return None
    is_good = status == "succeeded"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if is_good else "declined_by_network",
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete." if is_good else "The bank declined the payment.",
        "type": "authorized" if is_good else "issuer_declined",
    }


def billing_details(session: dict) -> dict:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "address": address,
        "email": session["customer_details"]["email"],
        "name": CARDHOLDER,
        "phone": None,
        "tax_id": None,
    }


def card(*, last4: str = "4242", authenticated: bool = False) -> dict:
    secure = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    return {
        "type": "card",
        "card": {
            "amount_authorized": None,
            "authorization_code": None,
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": "sandboxsandbox00",
            "funding": "credit",
            "installments": None,
            "last4": last4,
            "mandate": None,
            "network": "visa",
            "network_token": {"used": False},
            "network_transaction_id": None,
            "regulated_status": "unregulated",
            "three_d_secure": secure if authenticated else None,
            "wallet": None,
        },
    }


def bank_account() -> dict:
    return {
        "type": "us_bank_account",
        "us_bank_account": {
            "account_holder_type": "individual",
            "account_type": "checking",
            "bank_name": "SANDBOX BANK",
            "expected_debit_date": None,
            "fingerprint": "sandboxsandbox01",
            "last4": "6789",
            "mandate": None,
            "payment_reference": None,
            "routing_number": "110000000",
        },
    }


def fail(books: Books, charge: dict, code: str) -> dict:
    """Mark the charge as declined with one of Stripe's decline codes."""
    is_expired = code == "expired_card"
    charge |= {
        "status": "failed",
        "failure_code": "expired_card" if is_expired else "card_declined",
        "failure_message": DECLINES.get(code, DECLINES["generic_decline"]),
        "outcome": outcome("failed", code),
    }
    return books.save(charge)


def capture(books: Books, charge: dict) -> dict:
    """Turn a pending charge into a successful one."""
    charge |= {
        "amount_captured": charge["amount"],
        "captured": True,
        "paid": True,
        "status": "succeeded",
        "outcome": outcome("succeeded"),
    }
    return books.save(charge)


def balance_transaction(books: Books, source: dict, type_: str, *, amount: int, fee: int) -> dict:
    """A movement of the account's balance; ``amount`` is negative when money leaves."""
    part = {"amount": fee, "application": None, "currency": source["currency"], "description": "Fees"}
    return books.add(
        {
            "id": new_id("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": books.now + 2 * 24 * 3600,
            "balance_type": "payments",
            "created": books.now,
            "currency": source["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [{**part, "type": "stripe_fee"}] if fee else [],
            "net": amount - fee,
            "reporting_category": {"payment": "charge", "adjustment": "dispute"}.get(type_, type_),
            "source": source["id"],
            "status": "pending",
            "type": type_,
        }
    )


def settle(books: Books, charge: dict) -> dict:
    """Give the charge its balance transaction and fee, which Stripe sends some time after the payment."""
    fee = (charge["amount"] * 29 + 500) // 1000 + 30
    movement = balance_transaction(books, charge, "charge", amount=charge["amount"], fee=fee)
    charge["balance_transaction"] = movement["id"]
    books.save(charge)
    record(books, "charge.updated", charge)
    return charge


@routes.get("/v1/charges")
def list_charges(books: Books, raw: Params) -> dict:
    given = params.CHARGE_LIST("", raw)
    where = {"payment_intent": given.get("payment_intent")}
    return list_objects(books, "charge", "/v1/charges", given, where=where)


@routes.get("/v1/charges/{}")
def retrieve_charge(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    charge = books.get("charge", id_)
    if not charge:
        raise no_such("charge", id_, param="charge")
    return present(books, charge, given.get("expand", ()))


@routes.get("/v1/balance_transactions/{}")
def retrieve_balance_transaction(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    movement = books.get("balance_transaction", id_)
    if not movement:
        raise no_such("balance transaction", id_, param="id")
    return present(books, movement, given.get("expand", ()))
