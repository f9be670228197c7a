"""The pages a buyer meets: pay, confirm with 3-D Secure, decide for the bank. They need no scripts."""

import string
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

from . import kinds, markup, paying
from .account import Account
from .markup import Shop
from .routing import Routes
from .sessions import session_named
from .store import Books, Cause
from .wire import Answer, Refused, Request

STYLE = Path(__file__).with_name("hosted_page.css")
URL_LETTERS = string.punctuation.replace('"', "").replace("<", "").replace(">", "")

routes = Routes()


def answer_page(account: Account, request: Request) -> Answer:
    method = "GET" if request.method == "HEAD" else request.method
    if found := routes.find(method, request.path):
        page, ids = found
        try:
            return page(account, request, *ids)
        except Refused as refusal:
            return html(markup.message("This page cannot be shown", refusal.message), status=refusal.status)
    status = 405 if routes.knows(request.path) else 404
    return html(markup.message("There is nothing here", "The sandbox has no such page."), status=status)


def html(page: str, *, status: int = 200, leads_to: tuple[str | None, ...] = ()) -> Answer:
    """A page whose forms may lead only to itself and, by redirect, to the addresses given."""
    targets = " ".join(sorted({origin(address) for address in leads_to if address}))
    headers = {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {targets}; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(page.encode(), status=status, content_type="text/html; charset=utf-8", headers=headers)


def origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def see(address: str) -> Answer:
    return Answer(b"", status=303, headers={"Location": quote(address, safe=URL_LETTERS)})


def to_the_shop(session: dict) -> Answer:
    return see(success_address(session))


def success_address(session: dict) -> str:
    return session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])


def shop_of(books: Books, session: dict) -> Shop:
    aside = books.aside(session["id"])
    intent = books.get("payment_intent", aside.get("payment_intent"))
    return Shop(
        session=session,
        items=aside["line_items"],
        success_url=success_address(session),
        trouble=(intent or {}).get("last_payment_error"),
        waits_for_bank=paying.is_waiting_for_bank(books, session),
    )


@routes.get("/")
def front_page(account: Account, request: Request) -> Answer:
    return html(markup.message("Nothing to pay here", "A shop sends its buyers to a page of their own."))


@routes.get("/c/page.css")
def style(account: Account, request: Request) -> Answer:
    return Answer(STYLE.read_bytes(), content_type="text/css; charset=utf-8")


@routes.get("/c/pay/{}")
def payment_page(account: Account, request: Request, session_id: str) -> Answer:
    with account.books() as books:
        shop = shop_of(books, session_named(books, session_id))
    return show_payment(shop)


def show_payment(shop: Shop, *, email: str = "", email_error: str = "") -> Answer:
    session = shop.session
    if session["status"] == "expired":
        return html(markup.expired(shop))
    if session["status"] == "complete":
        return html(markup.complete(shop))
    page = markup.payment(shop, email=email, email_error=email_error)
    return html(page, status=422 if email_error else 200, leads_to=(session["success_url"], session["cancel_url"]))


WAYS = {
    "pay": paying.pay,
    "decline": paying.decline,
    "authenticate": paying.ask_for_authentication,
    "bank": paying.pay_by_bank,
}


@routes.post("/c/pay/{}")
def try_to_pay(account: Account, request: Request, session_id: str) -> Answer:
    deed = deed_chosen(request, "way", WAYS)
    here = f"/c/pay/{session_id}"
    email = request.params.get("email", "")
    try:
        with account.books(Cause(request.id)) as books:
            shop = shop_of(books, session_named(books, session_id))
            if problem := email_problem(shop.session, email):
                return show_payment(shop, email=email if isinstance(email, str) else "", email_error=problem)
            session = deed(books, session_id, email=email or None)
    except paying.NotOpen:
        return see(here)
    if session["status"] == "complete":
        return to_the_shop(session)
    return see(f"/c/3ds/{session_id}" if deed is paying.ask_for_authentication else here)


def email_problem(session: dict, email: kinds.Raw) -> str:
    if session["customer_email"]:
        return ""
    try:
        kinds.email("email", email)
    except Refused:
        return "Enter an e-mail address, such as name@example.com."
    return ""


@routes.get("/c/3ds/{}")
def authentication_page(account: Account, request: Request, session_id: str) -> Answer:
    with account.books() as books:
        shop = shop_of(books, session_named(books, session_id))
    if shop.session["status"] != "open":
        return see(f"/c/pay/{session_id}")
    return html(markup.authentication(shop), leads_to=(shop.session["success_url"],))


@routes.post("/c/3ds/{}")
def authenticate(account: Account, request: Request, session_id: str) -> Answer:
    answers = {"pass": pay_authenticated, "fail": paying.fail_authentication}
    deed = deed_chosen(request, "answer", answers)
    try:
        with account.books(Cause(request.id)) as books:
            session = deed(books, session_id)
    except paying.NotOpen:
        return see(f"/c/pay/{session_id}")
    return to_the_shop(session) if session["status"] == "complete" else see(f"/c/pay/{session_id}")


def pay_authenticated(books: Books, session_id: str) -> dict:
    # The address was typed one page earlier.
    known = session_named(books, session_id)["customer_details"]
    return paying.pay(books, session_id, email=known and known["email"], authenticated=True)


@routes.get("/c/bank/{}")
def bank_page(account: Account, request: Request, session_id: str) -> Answer:
    with account.books() as books:
        shop = shop_of(books, session_named(books, session_id))
    if not shop.waits_for_bank:
        return see(f"/c/pay/{session_id}")
    return html(markup.bank(shop))


@routes.post("/c/bank/{}")
def bank_answers(account: Account, request: Request, session_id: str) -> Answer:
    deed = deed_chosen(request, "answer", {"pays": paying.bank_pays, "refuses": paying.bank_refuses})
    try:
        with account.books(Cause(request.id)) as books:
            deed(books, session_id)
    except paying.NotWaiting:
        pass  # somebody answered for the bank already; the page says how
    return see(f"/c/pay/{session_id}")


def deed_chosen(request: Request, field: str, deeds: Mapping):
    choice = request.params.get(field)
    if not isinstance(choice, str) or choice not in deeds:
        raise Refused("Choose one of the buttons on the page.")
    return deeds[choice]
