import re
from html.parser import HTMLParser

import pytest


class Outline(HTMLParser):
    """The tags of a page, each with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def path_of(session):
    return f"/c/pay/{session.id}"


def test_the_page_shows_what_is_bought_and_that_no_money_moves(browser, create):
    page = browser(path_of(create()))

    assert page.status == 200
    assert "Sandbox payment page – no money moves" in page.text
    for words in ("UnDoing Depression", "US$70.00", "anna@example.com"):
        assert words in page.text


def test_the_page_is_accessible_in_its_bones(browser, create):
    page = Outline(browser(path_of(create(customer_email="anna@example.com"))).text)

    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert [button["value"] for button in page.all("button")] == ["pay", "decline", "authenticate", "bank"]
    assert page.all("script") == page.all("style") == []
    assert not any("style" in attributes for _, attributes in page.tags)


def test_the_page_may_load_only_its_own_style_and_lead_only_to_the_shop(browser, create):
    headers = browser(path_of(create())).headers

    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' http://127.0.0.1:8000; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def test_the_style_has_its_own_address(browser):
    style = browser("/c/page.css")

    assert (style.status, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")


def test_what_the_shop_sends_is_escaped(browser, create):
    price = {"currency": "usd", "unit_amount": 70_00, "product_data": {"name": '<script>"&</script>'}}
    session = create(line_items=[{"quantity": 1, "price_data": price}], cancel_url='http://127.0.0.1:8000/?"><script>')

    text = browser(path_of(session)).text

    assert "<script>" not in text
    assert "&lt;script&gt;&quot;&amp;&lt;/script&gt;" in text


def test_paying_leads_back_to_the_shop_with_the_session_in_the_address(browser, client, create):
    session = create()

    page = browser(path_of(session), way="pay")

    assert page.status == 303
    assert page.leads_to == f"http://127.0.0.1:8000/orders/ORDER00001/return/?session_id={session.id}"
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_buyer_without_an_address_is_asked_for_it(browser, client, wanted):
    params = wanted()
    del params["customer_email"]
    session = client.v1.checkout.sessions.create(params=params)

    page = Outline(browser(path_of(session)).text)
    browser(path_of(session), way="pay", email="ben@example.com")

    assert [field["name"] for field in page.all("input")] == ["email"]
    assert [label["for"] for label in page.all("label")] == ["email"]
    assert client.v1.checkout.sessions.retrieve(session.id).customer_details.email == "ben@example.com"


def test_a_wrong_address_is_asked_for_again(browser, client, wanted):
    params = wanted()
    del params["customer_email"]
    session = client.v1.checkout.sessions.create(params=params)

    page = browser(path_of(session), way="pay", email="ben")

    assert page.status == 422
    assert 'aria-invalid="true"' in page.text
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_declined_card_may_be_followed_by_a_good_one(browser, client, create, types):
    session = create()

    declined = browser(path_of(session), way="decline")
    page = browser(declined.leads_to)
    browser(path_of(session), way="pay")

    assert (declined.status, declined.leads_to) == (303, path_of(session))
    assert 'role="alert"' in page.text
    assert "Your card was declined." in page.text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert types() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


def test_a_decline_leaves_the_session_open_and_without_a_payment(browser, client, create):
    session = create()

    browser(path_of(session), way="decline")

    session = client.v1.checkout.sessions.retrieve(session.id)
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)


def test_3d_secure_takes_one_more_step(browser, client, create):
    session = create()

    asked = browser(path_of(session), way="authenticate")
    unpaid = client.v1.checkout.sessions.retrieve(session.id).payment_status
    page = Outline(browser(asked.leads_to).text)
    done = browser(asked.leads_to, answer="pass")

    assert asked.leads_to == f"/c/3ds/{session.id}"
    assert unpaid == "unpaid"
    assert [button["value"] for button in page.all("button")] == ["pass", "fail"]
    assert done.leads_to.startswith("http://127.0.0.1:8000/orders/ORDER00001/return/")
    charge = client.v1.charges.list().data[0]
    assert charge.payment_method_details.card.three_d_secure.result == "authenticated"


def test_failing_3d_secure_leads_back_to_the_page(browser, client, create):
    session = create()
    browser(path_of(session), way="authenticate")

    failed = browser(f"/c/3ds/{session.id}", answer="fail")

    assert failed.leads_to == path_of(session)
    assert "failed authentication" in browser(failed.leads_to).text
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_paying_by_bank_completes_unpaid_until_the_bank_pays(browser, client, create, types):
    session = create()

    done = browser(path_of(session), way="bank")
    waiting = client.v1.checkout.sessions.retrieve(session.id)
    page = browser(path_of(session))
    browser(f"/c/bank/{session.id}", answer="pays")

    assert done.leads_to.startswith("http://127.0.0.1:8000/orders/ORDER00001/return/")
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert f'href="/c/bank/{session.id}"' in page.text
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    assert types() == [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_the_bank_may_refuse(browser, client, create, types):
    session = create()
    browser(path_of(session), way="bank")

    refused = browser(f"/c/bank/{session.id}", answer="refuses")

    assert "The bank refused" in browser(refused.leads_to).text
    session = client.v1.checkout.sessions.retrieve(session.id)
    assert (session.status, session.payment_status) == ("complete", "unpaid")
    assert types()[-3:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]


def test_the_bank_answers_once(browser, client, create):
    session = create()
    browser(path_of(session), way="bank")
    browser(f"/c/bank/{session.id}", answer="refuses")

    browser(f"/c/bank/{session.id}", answer="pays")

    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "unpaid"


def test_abandoning_leads_to_the_shop_and_leaves_the_session_open(browser, client, create):
    session = create()

    links = Outline(browser(path_of(session)).text).all("a")

    assert [link["href"] for link in links] == ["http://127.0.0.1:8000/orders/ORDER00001/"]
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_paid_page_says_so_and_offers_nothing_to_pay(browser, pay):
    page = browser(path_of(pay()))

    assert "This order is complete" in page.text
    assert Outline(page.text).all("form") == []


def test_paying_twice_leads_to_the_page_that_says_so(browser, client, pay):
    session = pay()

    page = browser(path_of(session), way="pay")

    assert (page.status, page.leads_to) == (303, path_of(session))
    assert len(client.v1.charges.list().data) == 1


def test_an_expired_page_says_so_and_cannot_be_paid(browser, client, create):
    session = create()
    client.v1.checkout.sessions.expire(session.id)

    page = browser(path_of(session))
    late = browser(path_of(session), way="pay")

    assert "This payment page has expired" in page.text
    assert Outline(page.text).all("form") == []
    assert late.leads_to == path_of(session)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_an_order_that_costs_nothing_is_only_completed(browser, create):
    session = create(amount=0)

    page = Outline(browser(path_of(session)).text)

    assert [button["value"] for button in page.all("button")] == ["pay"]


@pytest.mark.parametrize("path", ["/c/pay/cs_test_nobody", "/c/bank/cs_test_nobody", "/c/nowhere", "/favicon.ico"])
def test_a_page_that_is_not_there_says_so(browser, path):
    page = browser(path)

    assert page.status == 404
    assert re.search("<h1>.*Sandbox", page.text)


def test_a_form_without_a_known_button_is_refused(browser, create):
    assert browser(path_of(create()), way="steal").status == 400
