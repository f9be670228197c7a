"""The words and tags of the buyer's pages. Everything that the shop sent is escaped here."""

from dataclasses import dataclass
from html import escape

HEADING = "Sandbox payment page – no money moves"
SIGNS = {"usd": "US$", "cad": "CA$", "eur": "€", "gbp": "£", "aud": "A$"}
WITHOUT_CENTS = {"jpy", "krw", "vnd", "clp", "xaf", "xof"}


@dataclass(frozen=True)
class Shop:
    """What a page needs to know of a session."""

    session: dict
    items: list[dict]
    success_url: str
    trouble: dict | None
    waits_for_bank: bool

    @property
    def total(self) -> str:
        return money(self.session["amount_total"], self.session["currency"])


def money(cents: int, currency: str) -> str:
    """An amount as a buyer reads it, such as ``US$1,140.00``."""
    sign = SIGNS.get(currency, f"{currency.upper()} ")
    return f"{sign}{cents:,}" if currency in WITHOUT_CENTS else f"{sign}{cents // 100:,}.{cents % 100:02d}"


def document(title: str, content: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – Sandbox payment page</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/c/page.css">
</head>
<body>
<main>
<h1>{HEADING}</h1>
{content}
</main>
<footer>
<p>This page stands in for Stripe on a test or demonstration site. It asks for no card and charges nobody.</p>
</footer>
</body>
</html>
"""


def message(title: str, text: str) -> str:
    return document(title, f'<section class="panel">\n<h2>{escape(title)}</h2>\n<p>{escape(text)}</p>\n</section>')


def order(shop: Shop) -> str:
    rows = "\n".join(item_row(item) for item in shop.items)
    email = shop.session["customer_email"]
    paid_by = f"<p>Receipt to <strong>{escape(email)}</strong></p>" if email else ""
    return f"""<section class="panel order" aria-labelledby="order">
<h2 id="order">Your order</h2>
<ul role="list">
{rows}
</ul>
<p class="total"><span>Total</span> <strong>{escape(shop.total)}</strong></p>
{paid_by}
</section>"""


def item_row(item: dict) -> str:
    quantity = f' <span class="quiet">× {item["quantity"]}</span>' if item["quantity"] != 1 else ""
    amount = escape(money(item["amount_total"], item["currency"]))
    return f'<li><span>{escape(item["description"])}{quantity}</span> <span class="amount">{amount}</span></li>'


def payment(shop: Shop, *, email: str = "", email_error: str = "") -> str:
    title = "Declined: try again" if shop.trouble else f"Pay {shop.total}"
    return document(
        title,
        f"""{trouble(shop)}
<div class="columns">
{order(shop)}
<section class="panel" aria-labelledby="ways">
<h2 id="ways">{"Nothing to pay" if shop.session["amount_total"] == 0 else "Choose what happens"}</h2>
<form method="post" action="/c/pay/{shop.session["id"]}">
{email_field(shop, email, email_error)}
{ways(shop)}
</form>
{abandon(shop)}
</section>
</div>""",
    )


def trouble(shop: Shop) -> str:
    if not shop.trouble:
        return ""
    return f"""<p class="notice bad" role="alert"><strong>{escape(shop.trouble["message"])}</strong>
Nothing was paid. You can try again below.</p>"""


def email_field(shop: Shop, email: str, error: str) -> str:
    if shop.session["customer_email"]:
        return ""
    hint = f'<span class="error" id="email-error">{escape(error)}</span>' if error else ""
    described = ' aria-invalid="true" aria-describedby="email-error"' if error else ""
    return f"""<p class="field">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="email" required value="{escape(email)}"{described}>
{hint}
</p>"""


def ways(shop: Shop) -> str:
    if shop.session["amount_total"] == 0:
        return way("pay", "Complete order", "Nothing is owed.", primary=True)
    return "\n".join(
        [
            way("pay", f"Pay {shop.total}", "The card is charged at once.", primary=True),
            way("decline", "Decline", "The card is refused; you come back to this page."),
            way("authenticate", "Pay with 3-D Secure", "The bank asks for one more confirmation."),
            way("bank", "Pay later by bank", "The order is complete but unpaid until the bank answers."),
        ]
    )


def way(value: str, label: str, what_happens: str, *, primary: bool = False) -> str:
    look = "button" if primary else "button second"
    return f"""<p class="way">
<button class="{look}" name="way" value="{value}" aria-describedby="{value}-hint">{escape(label)}</button>
<span class="quiet" id="{value}-hint">{escape(what_happens)}</span>
</p>"""


def abandon(shop: Shop) -> str:
    if not shop.session["cancel_url"]:
        return ""
    return f"""<p class="way">
<a class="button second" href="{escape(shop.session["cancel_url"])}">Abandon</a>
<span class="quiet">Go back to the shop without paying.</span>
</p>"""


def authentication(shop: Shop) -> str:
    return document(
        "Confirm with your bank",
        f"""<div class="columns">
{order(shop)}
<section class="panel" aria-labelledby="confirm">
<h2 id="confirm">Confirm with your bank (3-D Secure)</h2>
<p>Here a bank would ask for a code or a fingerprint before it pays {escape(shop.total)}.</p>
<form method="post" action="/c/3ds/{shop.session["id"]}">
<p class="way"><button class="button" name="answer" value="pass">Confirm payment</button></p>
<p class="way"><button class="button second" name="answer" value="fail">Fail the check</button></p>
</form>
</section>
</div>""",
    )


def bank(shop: Shop) -> str:
    return document(
        "What the bank does",
        f"""<div class="columns">
{order(shop)}
<section class="panel" aria-labelledby="bank">
<h2 id="bank">What does the bank do?</h2>
<p>The order is complete and unpaid. A bank would answer in a few days; here you answer for it.</p>
<form method="post" action="/c/bank/{shop.session["id"]}">
<p class="way"><button class="button" name="answer" value="pays">The bank pays</button></p>
<p class="way"><button class="button second" name="answer" value="refuses">The bank refuses</button></p>
</form>
{back_to(shop.success_url)}
</section>
</div>""",
    )


def complete(shop: Shop) -> str:
    if shop.waits_for_bank:
        title, text = "Waiting for the bank", "This order is complete but not paid yet."
        text += f' <a href="/c/bank/{shop.session["id"]}">Decide what the bank does</a>.'
    elif shop.session["payment_status"] == "unpaid":
        title, text = "The bank refused", "This order is complete, but its payment failed. Nothing was paid."
    else:
        title, text = "This order is complete", "It cannot be paid a second time."
    return finished(title, text, back_to(shop.success_url), shop)


def expired(shop: Shop) -> str:
    link = back_to(shop.session["cancel_url"] or "")
    return finished("This payment page has expired", "Nothing was paid. Start again in the shop.", link, shop)


def finished(title: str, text: str, link: str, shop: Shop) -> str:
    return document(
        title,
        f"""<div class="columns">
{order(shop)}
<section class="panel" aria-labelledby="result">
<h2 id="result">{title}</h2>
<p>{text}</p>
{link}
</section>
</div>""",
    )


def back_to(address: str) -> str:
    return f'<p><a class="button second" href="{escape(address)}">Back to the shop</a></p>' if address else ""
