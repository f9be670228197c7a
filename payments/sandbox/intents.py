"""Payment intents: one attempt after the other to pay one session."""

from . import params
from .events import record
from .ids import new_id
from .listing import list_objects
from .presenting import present
from .routing import Routes
from .store import Books
from .wire import Params, no_such

routes = Routes()


def intent_for(books: Books, session: dict) -> dict:
    """The session's payment intent. Stripe makes it when the buyer first tries to pay, and keeps it after a decline."""
    aside = books.aside(session["id"])
    if known := books.get("payment_intent", aside.get("payment_intent")):
        return known
    intent = books.add(new_intent(books, session, aside["payment_intent_data"]))
    books.put_aside(session["id"], payment_intent=intent["id"])
    record(books, "payment_intent.created", intent)
    return intent


def new_intent(books: Books, session: dict, wanted: dict) -> dict:
    id_ = new_id("pi_3")
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": wanted.get("capture_method", "automatic_async"),
        "client_secret": f"{id_}_secret_{new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": books.now,
        "currency": session["currency"],
        "customer": None,
        "customer_account": None,
        "description": wanted.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": wanted.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "receipt_email": wanted.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": wanted.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


@routes.get("/v1/payment_intents")
def list_intents(books: Books, raw: Params) -> dict:
    return list_objects(books, "payment_intent", "/v1/payment_intents", params.PAYMENT_INTENT_LIST("", raw))


@routes.get("/v1/payment_intents/{}")
def retrieve_intent(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    intent = books.get("payment_intent", id_)
    if not intent:
        raise no_such("payment_intent", id_, param="intent")
    return present(books, intent, given.get("expand", ()))
