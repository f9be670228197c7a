"""What the buyer, and later the buyer's bank, does with a session."""

from . import charges
from .charges import CARDHOLDER, bank_account, card, new_charge
from .events import record
from .intents import intent_for
from .sessions import customer_details, session_named
from .store import Books

NO_EMAIL = "buyer@example.com"


class NotOpen(Exception):
    """The session can no longer be paid: it is complete or expired."""


class NotWaiting(Exception):
    """The session does not wait for a bank."""


def pay(books: Books, session_id: str, *, email: str | None = None, authenticated: bool = False) -> dict:
    """Pay by card, or complete an order that costs nothing.

    :raises NotOpen: somebody was first, or the time is over.
    """
    session = open_session(books, session_id, email)
    if session["amount_total"] == 0:
        return complete(books, session, "no_payment_required")
    intent = intent_for(books, session)
    charge = new_charge(books, session, intent, status="succeeded", method=card(authenticated=authenticated))
    record(books, "charge.succeeded", charge)
    succeed(books, intent, charge)
    return complete(books, session, "paid", intent)


def decline(books: Books, session_id: str, *, email: str | None = None, code: str = "generic_decline") -> dict:
    """Try a card that its bank declines; the session stays open.

    :raises NotOpen: the session is complete or expired.
    """
    session = open_session(books, session_id, email)
    intent = intent_for(books, session)
    charge = new_charge(books, session, intent, status="failed", method=card(last4="0002"))
    charges.fail(books, charge, code)
    record(books, "charge.failed", charge)
    refuse(books, intent, charge, code)
    return session


def ask_for_authentication(books: Books, session_id: str, *, email: str | None = None) -> dict:
    """Choose a card whose bank wants 3-D Secure; nothing is paid until :func:`pay` with ``authenticated``.

    :raises NotOpen: the session is complete or expired.
    """
    session = open_session(books, session_id, email)
    intent = intent_for(books, session)
    intent["status"] = "requires_action"
    # Stripe's hosted page takes the buyer to the bank itself; the shop is told no address.
    intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    books.save(intent)
    record(books, "payment_intent.requires_action", intent)
    return session


def fail_authentication(books: Books, session_id: str) -> dict:
    """The buyer does not pass 3-D Secure; the session stays open.

    :raises NotOpen: the session is complete or expired.
    """
    session = open_session(books, session_id)
    intent = intent_for(books, session)
    intent |= {
        "status": "requires_payment_method",
        "next_action": None,
        "last_payment_error": {
            "code": "payment_intent_authentication_failure",
            "message": "The provided payment method has failed authentication.",
            "type": "invalid_request_error",
        },
    }
    books.save(intent)
    record(books, "payment_intent.payment_failed", intent)
    return session


def pay_by_bank(books: Books, session_id: str, *, email: str | None = None) -> dict:
    """Complete the session now; the bank answers later.

    :raises NotOpen: the session is complete or expired.
    """
    session = open_session(books, session_id, email)
    if session["amount_total"] == 0:
        return complete(books, session, "no_payment_required")
    intent = intent_for(books, session)
    charge = new_charge(books, session, intent, status="pending", method=bank_account())
    record(books, "charge.pending", charge)
    intent |= {
        "status": "processing",
        "latest_charge": charge["id"],
        "payment_method": charge["payment_method"],
        "last_payment_error": None,
        "next_action": None,
    }
    books.save(intent)
    record(books, "payment_intent.processing", intent)
    return complete(books, session, "unpaid", intent)


def bank_pays(books: Books, session_id: str) -> dict:
    """The bank sends the money.

    :raises NotWaiting: no bank was asked, or it has answered.
    """
    session, intent, charge = waiting_session(books, session_id)
    charges.capture(books, charge)
    record(books, "charge.succeeded", charge)
    succeed(books, intent, charge)
    session["payment_status"] = "paid"
    books.save(session)
    record(books, "checkout.session.async_payment_succeeded", session)
    return session


def bank_refuses(books: Books, session_id: str) -> dict:
    """The bank does not send the money; the session stays complete and unpaid.

    :raises NotWaiting: no bank was asked, or it has answered.
    """
    session, intent, charge = waiting_session(books, session_id)
    charges.fail(books, charge, "insufficient_funds")
    record(books, "charge.failed", charge)
    refuse(books, intent, charge, "insufficient_funds")
    record(books, "checkout.session.async_payment_failed", session)
    return session


def is_waiting_for_bank(books: Books, session: dict) -> bool:
    intent = books.get("payment_intent", session["payment_intent"])
    return intent is not None and intent["status"] == "processing"


def open_session(books: Books, session_id: str, email: str | None = None) -> dict:
    session = session_named(books, session_id)
    if session["status"] != "open":
        raise NotOpen(f"This checkout session is {session['status']}.")
    address = session["customer_email"] or email or NO_EMAIL
    session["customer_details"] = customer_details(address, CARDHOLDER)
    return books.save(session)


def waiting_session(books: Books, session_id: str) -> tuple[dict, dict, dict]:
    session = session_named(books, session_id)
    if not is_waiting_for_bank(books, session):
        raise NotWaiting("This checkout session does not wait for a bank.")
    intent = books.known("payment_intent", session["payment_intent"])
    return session, intent, books.known("charge", intent["latest_charge"])


def succeed(books: Books, intent: dict, charge: dict) -> None:
    intent |= {
        "status": "succeeded",
        "amount_received": charge["amount"],
        "latest_charge": charge["id"],
        "payment_method": charge["payment_method"],
        "last_payment_error": None,
        "next_action": None,
    }
    books.save(intent)
    record(books, "payment_intent.succeeded", intent)


def refuse(books: Books, intent: dict, charge: dict, decline_code: str) -> None:
    intent |= {
        "status": "requires_payment_method",
        "latest_charge": charge["id"],
        "payment_method": None,
        "next_action": None,
        "last_payment_error": {
            "charge": charge["id"],
            "code": charge["failure_code"],
            "decline_code": decline_code,
            "message": charge["failure_message"],
            "type": "card_error",
        },
    }
    books.save(intent)
    record(books, "payment_intent.payment_failed", intent)


def complete(books: Books, session: dict, payment_status: str, intent: dict | None = None) -> dict:
    session |= {
        "status": "complete",
        "payment_status": payment_status,
        "payment_intent": intent["id"] if intent else None,
    }
    books.save(session)
    record(books, "checkout.session.completed", session)
    return session
