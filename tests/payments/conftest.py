"""A Stripe of our own, empty for every test, to which the site talks over HTTP."""

from collections.abc import Iterator

import pytest

from payments.sandbox import Sandbox
from tests.payments.delivering import SECRET


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    with Sandbox(webhook_secret=SECRET, pump=False) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_server: Sandbox, settings) -> Sandbox:
    """Webhooks wait in its queue until ``delivering.deliver`` posts them."""
    sandbox_server.control("reset")
    settings.STRIPE_API_BASE = sandbox_server.base_url
    settings.STRIPE_SECRET_KEY = "sk_test_sandbox"
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    return sandbox_server
