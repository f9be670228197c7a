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


class Devices:
    """Browsers on one address, each with its own cookies; what their consoles say is collected."""

    def __init__(self, chromium: Browser, base_url: str) -> None:
        self.chromium, self.base_url = chromium, base_url
        self.contexts: list[BrowserContext] = []
        self.said: list[str] = []

    def open(self, *, session_key: str = "", may_say: str | None = None, **options) -> Page:
        context = self.chromium.new_context(base_url=self.base_url, **options)
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        if session_key:
            cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session_key, "url": self.base_url}
            context.add_cookies([cookie])
        page = context.new_page()

        def hear(message) -> None:
            if message.type in {"error", "warning"} and not (may_say and may_say in message.text):
                self.said.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        assert self.said == []


@pytest.fixture
def open_browser(chromium, live_server, client) -> Iterator[Callable[..., Page]]:
    """``open_browser(as_user=user, **context options)`` is a new device with an empty page; its console stays silent.

    ``may_say`` is the one thing that a page is expected to be told, such as an error status.
    """
    devices = Devices(chromium, live_server.url)

    def open_one(as_user=None, **options) -> Page:
        if as_user is not None:
            client.force_login(as_user)
            options["session_key"] = client.cookies[settings.SESSION_COOKIE_NAME].value
        return devices.open(**options)

    yield open_one
    devices.close()


@pytest.fixture
def open_on_stack(chromium, native_stack) -> Iterator[Callable[..., Page]]:
    """``open_on_stack(**context options)``: as ``open_browser``, at the whole stack instead of the test server."""
    devices = Devices(chromium, native_stack.base_url)
    yield devices.open
    devices.close()
