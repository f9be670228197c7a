"""A real Chromium against the live server; any word on its console fails the test."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
# A wait this long means that something is broken, not slow: several suites may share the machine.
PATIENCE_MS = 20_000


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def open_browser(chromium, live_server, client) -> Iterator[Callable[..., Page]]:
    """``open_browser(as_user=user, **context options)`` is a new device with an empty page; its console stays silent.

    ``may_say`` is the one thing that a page is expected to be told, such as an error status.
    """
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def open_one(as_user=None, may_say=None, **options) -> Page:
        context = chromium.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if as_user is not None:
            client.force_login(as_user)
            key = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        page = context.new_page()

        def hear(message) -> None:
            if message.type in {"error", "warning"} and not (may_say and may_say in message.text):
                said.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert said == []
