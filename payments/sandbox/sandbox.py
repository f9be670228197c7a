"""The stand-in as one object: start it, use its address, stop it."""

import ipaddress
import threading
from pathlib import Path

from .account import Account
from .control import carry_out
from .server import SandboxServer
from .webhooks import Target


class Sandbox:
    """A Stripe account on this machine, where no money moves.

    ``file`` holds its state across restarts (None: in memory). ``pump`` delivers webhooks in a
    thread of its own; without it they wait for :meth:`drain`. ``webhook_url`` may be set at any
    time: events wait in the queue while it is None. ``control`` True lets the control routes answer
    anybody; otherwise they answer loopback peers, and nobody when ``bind`` is no loopback address.
    """

    def __init__(
        self,
        file: Path | str | None = None,
        webhook_url: str | None = None,
        webhook_secret: str = "whsec_sandbox",
        port: int = 0,
        bind: str = "127.0.0.1",
        pump: bool = True,
        public_url: str | None = None,
        control: bool = False,
    ):
        self.bind = bind
        self.pump = pump
        self.is_open_to_control = control
        self.server = SandboxServer(bind, port, may_control=self.may_control)
        self.account = Account(file, Target(webhook_url, webhook_secret), (public_url or self.base_url).rstrip("/"))
        self.server.account = self.account
        self.thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Where the API answers, such as ``http://127.0.0.1:12111``."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.bind, self.bind)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server.server_port}"

    @property
    def webhook_url(self) -> str | None:
        return self.account.target.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.account.target.url = url
        self.account.postman.news.set()

    @property
    def webhook_secret(self) -> str:
        return self.account.target.secret

    def may_control(self, peer: str) -> bool:
        return self.is_open_to_control or (is_loopback(self.bind) and is_loopback(peer))

    def drain(self) -> int:
        """Deliver every queued webhook now, and those that this brings about; how many were taken.

        Each is tried once, also when it failed before and its next attempt is not due yet. A webhook
        that was told to wait (mode ``delay``) stays until its time.
        """
        return self.account.postman.go_round(patient=False)

    def control(self, name: str, **wishes: object) -> dict:
        """What ``POST /_double/<name>`` does with ``wishes`` as its JSON, from the same process.

        :raises Refused: there is no such control, or it cannot do that.
        """
        return carry_out(self.account, name, wishes)

    def start(self) -> "Sandbox":
        """Answer requests in the background until :meth:`stop`."""
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), name="sandbox", daemon=True)
        self.thread.start()
        if self.pump:
            self.account.postman.start()
        return self

    def stop(self) -> None:
        self.account.postman.stop()
        if self.thread:
            self.server.shutdown()
            self.thread.join()
            self.thread = None
        self.server.server_close()
        self.account.store.close()

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
