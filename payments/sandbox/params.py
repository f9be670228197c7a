"""What each endpoint accepts in API version 2026-10-28.endive, as far as a one-off payment goes.

Stripe knows more than this. Whatever is missing here is refused like a misspelling, so that
nobody relies on a parameter that the sandbox would silently ignore. ``payment_method_types``
is missing because Stripe removed it from Checkout Sessions.
"""

from . import kinds
from .kinds import created, currency, email, fields, flag, list_of, metadata, moment, one_of, text, web_address, whole

# fmt: off
LOCALES = (
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv", "th",
    "tr", "vi", "zh", "zh-HK", "zh-TW",
)
# fmt: on

expand = list_of(text(), at_most=20)
switch = fields({"enabled": flag}, required=["enabled"])
message = fields({"message": text(at_most=1200)}, required=["message"])


def descriptor_suffix(name: str, raw: kinds.Raw) -> str:
    """What follows the clinic's name on a card statement."""
    value = text(at_most=22)(name, raw)
    if any(letter in "<>\\'\"*" for letter in value) or not any(letter.isalpha() for letter in value):
        raise kinds.invalid(name, "The statement descriptor suffix needs a letter and none of < > \\ ' \" *")
    return value


product_data = fields(
    {
        "name": text(),
        "description": text(),
        "images": list_of(web_address, at_most=8),
        "metadata": metadata,
        "tax_code": text(),
        "unit_label": text(at_most=12),
    },
    required=["name"],
)

price_data = fields(
    {
        "currency": currency,
        "unit_amount": whole(),
        "product_data": product_data,
        "tax_behavior": one_of("exclusive", "inclusive", "unspecified"),
    },
    required=["currency", "unit_amount", "product_data"],
)

line_item = fields(
    {"price_data": price_data, "quantity": whole(at_least=1, at_most=999_999), "metadata": metadata},
    required=["price_data", "quantity"],
)

payment_intent_data = fields(
    {
        "capture_method": one_of("automatic", "automatic_async"),
        "description": text(at_most=1000),
        "metadata": metadata,
        "receipt_email": email,
        "statement_descriptor_suffix": descriptor_suffix,
    }
)

invoice_data = fields(
    {
        "custom_fields": list_of(fields({"name": text(at_most=40), "value": text(at_most=140)}), at_most=4),
        "description": text(at_most=1500),
        "footer": text(),
        "metadata": metadata,
    }
)

SESSION_CREATE = fields(
    {
        "adaptive_pricing": fields({"enabled": flag}),
        "allowed_payment_method_types": list_of(text(at_most=50)),
        "automatic_tax": switch,
        "billing_address_collection": one_of("auto", "required"),
        "cancel_url": web_address,
        "client_reference_id": text(at_most=200),
        "currency": currency,
        "custom_text": fields(
            {"after_submit": message, "submit": message, "terms_of_service_acceptance": message},
        ),
        "customer_creation": one_of("always", "if_required"),
        "customer_email": email,
        "expand": expand,
        "expires_at": moment,
        "invoice_creation": fields({"enabled": flag, "invoice_data": invoice_data}, required=["enabled"]),
        "line_items": list_of(line_item),
        "locale": one_of(*LOCALES),
        "metadata": metadata,
        "mode": one_of("payment"),
        "payment_intent_data": payment_intent_data,
        "phone_number_collection": switch,
        "submit_type": one_of("auto", "book", "donate", "pay"),
        "success_url": web_address,
        "ui_mode": one_of("hosted_page"),
    },
    required=["line_items", "mode", "success_url"],
)

EXPAND_ONLY = fields({"expand": expand})

page = {"ending_before": text(), "expand": expand, "limit": whole(at_least=1, at_most=100), "starting_after": text()}

LINE_ITEM_LIST = fields(page)

SESSION_LIST = fields(
    {
        **page,
        "created": created,
        "customer_details": fields({"email": email}, required=["email"]),
        "payment_intent": text(),
        "status": one_of("open", "complete", "expired"),
    }
)

PAYMENT_INTENT_LIST = fields({**page, "created": created})

CHARGE_LIST = fields({**page, "created": created, "payment_intent": text()})

REFUND_CREATE = fields(
    {
        "amount": whole(at_least=1),
        "charge": text(),
        "expand": expand,
        "metadata": metadata,
        "payment_intent": text(),
        "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
    }
)

REFUND_LIST = fields({**page, "charge": text(), "created": created, "payment_intent": text()})

DISPUTE_LIST = fields({**page, "charge": text(), "created": created, "payment_intent": text()})

EVENT_LIST = fields(
    {
        **page,
        "created": created,
        "delivery_success": flag,
        "type": text(),
        "types": list_of(text(), at_most=20),
    }
)
