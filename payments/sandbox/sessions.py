"""Checkout sessions as the shop sees them: create, read, list, expire."""

from . import params
from .events import record
from .ids import new_id
from .listing import as_list, list_objects
from .presenting import check_paths, present
from .routing import Routes
from .store import Books
from .wire import Params, Refused, no_such

SHORTEST_LIFE = 30 * 60  # seconds
LONGEST_LIFE = 24 * 3600  # seconds
SMALLEST_CHARGE = {"gbp": 30, "jpy": 50, "mxn": 1000}  # in the currency's smallest unit; 50 elsewhere

routes = Routes()


@routes.post("/v1/checkout/sessions")
def create_session(books: Books, raw: Params) -> dict:
    given = params.SESSION_CREATE("", raw)
    check_paths("checkout.session", [path.split(".") for path in given.get("expand", ())])
    expires_at = check_expiry(books, given)
    currency = check_currency(given)
    items = [line_item(item, at=books.now) for item in given["line_items"]]
    total = sum(item["amount_total"] for item in items)
    check_total(total, currency)

    session = new_session(books, given, currency=currency, total=total, expires_at=expires_at)
    books.add(session, {"line_items": items, "payment_intent_data": given.get("payment_intent_data", {})})
    return present(books, session, given.get("expand", ()))


def check_expiry(books: Books, given: dict) -> int:
    expires_at = given.get("expires_at", books.now + LONGEST_LIFE)
    if not books.now + SHORTEST_LIFE <= expires_at <= books.now + LONGEST_LIFE:
        raise Refused(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.",
            param="expires_at",
        )
    return expires_at


def check_currency(given: dict) -> str:
    currencies = {item["price_data"]["currency"] for item in given["line_items"]}
    currencies |= {given["currency"]} if "currency" in given else set()
    if len(currencies) != 1:
        raise Refused("A session needs line items, all in one currency.", param="line_items")
    return currencies.pop()


def check_total(total: int, currency: str) -> None:
    # Nothing to pay is allowed; a few cents are not.
    smallest = SMALLEST_CHARGE.get(currency, 50)
    if 0 < total < smallest:
        raise Refused(
            f"The Checkout Session's total amount must convert to at least {smallest} in {currency.upper()}'s "
            "smallest unit.",
            code="amount_too_small",
            param="line_items",
        )
    if total > 99_999_999:
        raise Refused("The Checkout Session's total amount is too large.", code="amount_too_large", param="line_items")


def line_item(given: dict, *, at: int) -> dict:
    price = given["price_data"]
    amount = price["unit_amount"] * given["quantity"]
    return {
        "id": new_id("li_1"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": price["product_data"]["name"],
        "metadata": given.get("metadata", {}),
        "price": line_price(price, at=at),
        "quantity": given["quantity"],
    }


def line_price(given: dict, *, at: int) -> dict:
    return {
        "id": new_id("price_1"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": at,
        "currency": given["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": new_id("prod_", 14),
        "recurring": None,
        "tax_behavior": given.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": given["unit_amount"],
        "unit_amount_decimal": str(given["unit_amount"]),
    }


def new_session(books: Books, given: dict, *, currency: str, total: int, expires_at: int) -> dict:
    email = given.get("customer_email")
    tax = given.get("automatic_tax", {"enabled": False})["enabled"]
    return {
        "id": new_id("cs_test_", 58),
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": given.get("adaptive_pricing", {}).get("enabled", True)},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": given.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {
            "enabled": tax,
            "liability": {"type": "self"} if tax else None,
            "provider": "stripe" if tax else None,
            "status": "requires_location_inputs" if tax else None,
        },
        "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": books.now,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": custom_text(given),
        "customer": None,
        "customer_account": None,
        "customer_creation": given.get("customer_creation", "if_required"),
        "customer_details": customer_details(email) if email else None,
        "customer_email": email,
        "discounts": [],
        "expires_at": expires_at,
        "invoice": None,
        "invoice_creation": invoice_creation(given),
        "livemode": False,
        "locale": given.get("locale"),
        "metadata": given.get("metadata", {}),
        "mode": "payment",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": given.get("allowed_payment_method_types") or ["card", "us_bank_account"],
        "payment_status": "unpaid" if total else "no_payment_required",
        "permissions": None,
        "phone_number_collection": {"enabled": given.get("phone_number_collection", {}).get("enabled", False)},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": given.get("submit_type"),
        "subscription": None,
        "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }


def custom_text(given: dict) -> dict:
    unset = dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"))
    return unset | given.get("custom_text", {})


def customer_details(email: str, name: str | None = None) -> dict:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [] if name else None,
    }


def invoice_creation(given: dict) -> dict:
    wanted = given.get("invoice_creation", {})
    unset = dict.fromkeys(("account_tax_ids", "custom_fields", "description", "footer", "issuer", "rendering_options"))
    return {
        "enabled": wanted.get("enabled", False),
        "invoice_data": unset | {"metadata": {}} | wanted.get("invoice_data", {}),
    }


@routes.get("/v1/checkout/sessions")
def list_sessions(books: Books, raw: Params) -> dict:
    given = params.SESSION_LIST("", raw)
    where = {
        "status": given.get("status"),
        "payment_intent": given.get("payment_intent"),
        "customer_details.email": given.get("customer_details", {}).get("email"),
    }
    return list_objects(books, "checkout.session", "/v1/checkout/sessions", given, where=where)


@routes.get("/v1/checkout/sessions/{}")
def retrieve_session(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    return present(books, session_named(books, id_), given.get("expand", ()))


@routes.get("/v1/checkout/sessions/{}/line_items")
def list_line_items(books: Books, raw: Params, id_: str) -> dict:
    given = params.LINE_ITEM_LIST("", raw)
    items = books.aside(session_named(books, id_)["id"])["line_items"]
    ids = [item["id"] for item in items]
    start, end = 0, len(items)
    for cursor in ("starting_after", "ending_before"):
        if cursor in given and given[cursor] not in ids:
            raise no_such("item", given[cursor], param=cursor, status=400)
    if "starting_after" in given:
        start = ids.index(given["starting_after"]) + 1
    if "ending_before" in given:
        end = ids.index(given["ending_before"])
        start = max(start, end - given.get("limit", 10))
    stop = min(end, start + given.get("limit", 10))
    has_more = start > 0 if "ending_before" in given else stop < end
    url = f"/v1/checkout/sessions/{id_}/line_items"
    return present(books, as_list(items[start:stop], url, has_more=has_more), given.get("expand", ()))


@routes.post("/v1/checkout/sessions/{}/expire")
def expire_session(books: Books, raw: Params, id_: str) -> dict:
    given = params.EXPAND_ONLY("", raw)
    session = session_named(books, id_)
    if session["status"] != "open":
        raise Refused(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
            stored=True,
        )
    return present(books, expire(books, session), given.get("expand", ()))


def session_named(books: Books, id_: str) -> dict:
    session = books.get("checkout.session", id_)
    if not session:
        raise no_such("checkout.session", id_, param="session")
    return session


def expire(books: Books, session: dict) -> dict:
    session["status"] = "expired"
    books.save(session)
    record(books, "checkout.session.expired", session)
    return session
