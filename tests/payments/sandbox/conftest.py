"""A sandbox, the real Stripe client, a buyer's browser and a shop that takes webhooks."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from payments.sandbox import Sandbox

SECRET = "whsec_rule_book"


@pytest.fixture(scope="session")
def running_sandbox():
    with Sandbox(webhook_secret=SECRET, pump=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox):
    running_sandbox.control("reset")
    running_sandbox.webhook_url = None
    return running_sandbox


@pytest.fixture(scope="session")
def client_for():
    """Makes an unpatched Stripe client for an address."""

    def make(base, key="sk_test_sandbox", read_timeout=15):
        stripe.enable_telemetry = False
        return stripe.StripeClient(
            key,
            base_addresses={"api": base, "files": base, "connect": base, "meter_events": base},
            max_network_retries=2,
            http_client=stripe.RequestsClient(timeout=(3, read_timeout)),
        )

    return make


@pytest.fixture(scope="session")
def session_client(client_for, running_sandbox):
    return client_for(running_sandbox.base_url)


@pytest.fixture
def client(session_client, sandbox):
    return session_client


@pytest.fixture
def wanted():
    """Parameters of a session for one course at 70 dollars; keywords replace or add."""

    def params(amount=70_00, **changes):
        return {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": amount,
                        "product_data": {"name": "UnDoing Depression"},
                    },
                }
            ],
            "customer_email": "anna@example.com",
            "client_reference_id": "ORDER00001",
            "metadata": {"order": "ORDER00001"},
            "payment_intent_data": {"metadata": {"order": "ORDER00001"}},
            "allowed_payment_method_types": ["card"],
            "adaptive_pricing": {"enabled": False},
            "success_url": "http://127.0.0.1:8000/orders/ORDER00001/return/?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://127.0.0.1:8000/orders/ORDER00001/",
        } | changes

    return params


@pytest.fixture
def create(client, wanted):
    """Creates a session as the shop would."""

    def create(amount=70_00, **changes):
        return client.v1.checkout.sessions.create(params=wanted(amount, **changes))

    return create


@pytest.fixture
def pay(sandbox, create):
    """A session that has been paid by card."""

    def pay(amount=70_00, **changes):
        session = create(amount, **changes)
        return SimpleNamespace(**sandbox.control("sessions/pay", session=session.id))

    return pay


@pytest.fixture
def types(client):
    """What has happened, oldest first."""

    def types(**params):
        found = client.v1.events.list(params={"limit": 100, **params})
        return [event.type for event in reversed(found.data)]

    return types


@pytest.fixture
def browser(sandbox):
    """Asks for a page, or sends its form, and follows nothing."""

    def ask(path, **form):
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(sandbox.base_url).port, timeout=5)
        body = urlencode(form) if form else None
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        connection.request("POST" if form else "GET", path, body, headers)
        response = connection.getresponse()
        page = SimpleNamespace(
            status=response.status,
            text=response.read().decode(),
            leads_to=response.headers["Location"],
            headers=response.headers,
        )
        connection.close()
        return page

    return ask


@pytest.fixture
def shop(sandbox):
    """A shop that keeps each webhook it is sent and answers as its ``answers`` say, 200 in the end."""
    received = []
    answers = []
    acts = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signature = self.headers["Stripe-Signature"]
            received.append(SimpleNamespace(body=body, signature=signature))
            if acts:
                acts.pop(0)()
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    sandbox.webhook_url = f"http://127.0.0.1:{server.server_port}/webhook/"

    def types():
        return [stripe.StripeObject.construct_from(event(one), None)["type"] for one in received]

    def event(one):
        return stripe.Webhook.construct_event(one.body, one.signature, SECRET).to_dict()

    yield SimpleNamespace(received=received, answers=answers, acts=acts, types=types, event=event, secret=SECRET)
    server.shutdown()
    server.server_close()
    sandbox.webhook_url = None
