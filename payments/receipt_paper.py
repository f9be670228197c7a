"""A receipt on paper: typeset from what was frozen when it was issued, and from nothing else."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.places import COUNTRIES
from foundation.money import format_money
from foundation.typesetting import MissingLetters, typeset
from payments.models import Receipt

TEMPLATE = settings.BASE_DIR / "templates" / "payments" / "receipt.typ"
LETTER_COUNTRIES = {"CA", "US"}


def render_pdf(receipt: Receipt) -> bytes:
    """The PDF of ``receipt``: the same bytes whenever it is asked for, whatever was edited since."""
    paper = words_of(receipt)
    # The date alone, so that the bytes follow from the frozen values.
    at = datetime.combine(date.fromisoformat(receipt.printed["issued_on"]), time(12), tzinfo=UTC)
    try:
        return typeset(TEMPLATE, paper, at=at)
    except MissingLetters as missing:
        return typeset(TEMPLATE, _without(paper, missing.letters), at=at)


def words_of(receipt: Receipt) -> dict[str, Any]:
    """What PDF and page print, every frozen value already in words."""
    printed = receipt.printed
    clinic, is_receipt = printed["clinic"], printed["kind"] == Receipt.Kind.RECEIPT
    heading = _("Receipt") if is_receipt else _("Credit note")
    return {
        "title": f"{heading} {printed['number']}, {clinic['name']}",
        "lang": "en",
        "size": "us-letter" if printed["buyer"]["country"] in LETTER_COUNTRIES else "a4",
        "heading": heading,
        "number": printed["number"],
        "issued_on": _day(printed["issued_on"]),
        "clinic": {
            "name": clinic["name"],
            "legal_name": clinic["legal_name"],
            "address": _kept([*clinic["address"], _tax_line(clinic["tax_number"])]),
            "small_print": _kept(
                [clinic["legal_name"], " · ".join(_kept([clinic["email"], clinic["phone"]])), clinic["provider_line"]]
            ),
        },
        "facts": _facts(printed),
        **_table(printed),
        "sums": [
            {"label": label, "amount": format_money(cents, printed["currency"])} for label, cents in _sums(printed)
        ],
        "total": {
            "label": _("Total paid") if is_receipt else _("Total refunded"),
            "amount": format_money(printed["total_cents"], printed["currency"]),
        },
        "notes": printed["notes"],
    }


def _facts(printed: dict[str, Any]) -> list[dict[str, Any]]:
    buyer, paid = printed["buyer"], printed["paid"]
    billed_to = [
        buyer["name"],
        buyer["company"],
        buyer["email"],
        _country(buyer["country"]),
        _tax_line(buyer["tax_id"]),
    ]
    paid_with = [paid["method"], _moment(paid["at"]) if paid["at"] else "", paid["reference"]]
    rows = [
        (_("Billed to"), _kept(billed_to)),
        (_("Paid with"), _kept(paid_with)),
        (_("Order"), [printed["order_number"]]),
    ]
    return [{"label": label, "lines": lines} for label, lines in rows if lines]


def _table(printed: dict[str, Any]) -> dict[str, Any]:
    """One line shows its list price, and the sums below tell the rest; of several, each shows what it came to."""
    currency, lines = printed["currency"], printed["lines"]
    in_detail = len(lines) > 1 and any(line["discount_cents"] for line in lines)

    def amounts(line: dict[str, Any]) -> list[int]:
        if not in_detail:
            return [line["list_cents"]]
        return [line["list_cents"], -line["discount_cents"], line["list_cents"] - line["discount_cents"]]

    return {
        "columns": [_("Item"), *([_("List price"), _("Reduction")] if in_detail else []), _("Amount")],
        "lines": [
            {
                "title": line["title"],
                "hint": _("Online course"),
                "amounts": [format_money(cents, currency) for cents in amounts(line)],
            }
            for line in lines
        ],
    }


def _sums(printed: dict[str, Any]) -> list[tuple[str, int]]:
    reductions = [(row["label"], -row["cents"]) for row in printed["reductions"]]
    taxes = [(row["label"], row["cents"]) for row in printed["tax"]]
    if not (reductions or taxes or len(printed["lines"]) > 1):
        return []
    return [(_("Subtotal"), printed["subtotal_cents"]), *reductions, *taxes]


def _day(day: str) -> str:
    return date_format(date.fromisoformat(day), "j F Y")


def _moment(moment: str) -> str:
    local = timezone.localtime(datetime.fromisoformat(moment), timezone.get_default_timezone())
    return f"{date_format(local, 'j F Y')}, {local:%H:%M}"


def _country(code: str) -> str:
    return str(dict(COUNTRIES).get(code, code))


def _tax_line(number: str) -> str:
    return _("Tax number %(number)s") % {"number": number} if number else ""


def _kept(texts: list[str]) -> list[str]:
    return [text for text in texts if text]


def _without(paper: dict[str, Any], letters: set[str]) -> dict[str, Any]:
    """``paper`` with a question mark for each letter that cannot be printed, and a note that says so."""
    table = str.maketrans(dict.fromkeys(letters, "?"))

    def replaced(value: Any) -> Any:
        if isinstance(value, str):
            return value.translate(table)
        if isinstance(value, dict):
            return {key: replaced(inner) for key, inner in value.items()}
        return [replaced(inner) for inner in value] if isinstance(value, list) else value

    note = _("A question mark stands for each letter that this paper cannot print. The page of your order shows them.")
    return replaced({**paper, "notes": [*paper["notes"], note]})
