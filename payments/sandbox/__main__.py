"""Run the sandbox: ``python -m payments.sandbox --file var/sandbox.sqlite3 --webhook http://127.0.0.1:8000/…``"""

import argparse
import logging
import os
import signal
import threading

from .sandbox import Sandbox


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m payments.sandbox", description="A local stand-in for Stripe.")
    parser.add_argument("--bind", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=12111, help="port to listen on (default: %(default)s)")
    parser.add_argument("--file", help="SQLite file that keeps the state (default: in memory)")
    parser.add_argument("--webhook", metavar="URL", help="where events are sent; without it they wait")
    parser.add_argument(
        "--webhook-secret",
        default=os.environ.get("SANDBOX_WEBHOOK_SECRET", "whsec_sandbox"),
        help="signs the webhooks (default: SANDBOX_WEBHOOK_SECRET, else whsec_sandbox)",
    )
    parser.add_argument("--public-url", metavar="URL", help="address of the payment page as browsers see it")
    parser.add_argument("--no-pump", action="store_true", help="deliver webhooks only when POST /_double/drain asks")
    parser.add_argument(
        "--control", action="store_true", help="let anybody who reaches the address use the control routes"
    )
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    logging.basicConfig(level=logging.DEBUG if given.verbose else logging.INFO, format="%(message)s")
    sandbox = Sandbox(
        file=given.file,
        webhook_url=given.webhook,
        webhook_secret=given.webhook_secret,
        port=given.port,
        bind=given.bind,
        pump=not given.no_pump,
        public_url=given.public_url,
        control=given.control,
    )
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())

    with sandbox:
        print(f"Sandbox Stripe on {sandbox.base_url} (no money moves)", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
