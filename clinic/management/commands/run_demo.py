"""What ``make run`` does: the whole product on this machine, with the sample clinic and the sandbox Stripe."""

import ctypes
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from clinic.sample_clinic import SIGN_INS

STARTS_WITHIN = 60  # seconds


class Command(BaseCommand):
    help = "Serves the demo: sample clinic, embedded engines, sandbox Stripe. Ctrl-C ends it; the data stays."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT, help="port on 127.0.0.1 (default: %(default)s)")

    def handle(self, *, port: int, **options) -> None:
        if not (settings.DEMO and settings.EMBEDDED):
            raise CommandError(
                "The demo runs without SECRET_KEY, DATABASE_URL and REDIS_URL; docs/running.md says how to run a real site."
            )
        if port != settings.PORT:
            _run_again_with(PORT=str(port))
        if not _is_free(port):
            raise CommandError(f"Port {port} is in use. Choose another one: make run PORT={port + 1}")
        if not _is_free(settings.SANDBOX_PORT):
            _run_again_with(SANDBOX_PORT=str(_any_free_port()))

        # A terminated demo ends its processes just as an interrupted one does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        children: list[subprocess.Popen] = []
        try:
            self._prepare()
            children.append(_start_sandbox())
            children.append(_start_site())
            _wait_until_ready(children)
            self.stdout.write(_welcome())
            self.stdout.flush()
            _wait_until_one_ends(children)
            raise CommandError("The site or the sandbox Stripe ended by itself; the lines above say why.")
        except KeyboardInterrupt:
            self.stdout.write("\nStopped. The data stays in " + str(settings.VAR))
        finally:
            _stop(children)

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        collect_static_when_changed()
        call_command("load_sample_clinic", stdout=self.stdout)


def collect_static_when_changed() -> None:
    """Collect and compress the static files unless the same ones were collected before."""
    stamp = settings.STATIC_ROOT / ".collected"
    state = hashlib.blake2b(repr(sorted(_static_files())).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return
    call_command("collectstatic", verbosity=0, interactive=False)
    stamp.write_text(state)


def _static_files() -> list[tuple[str, int, int]]:
    found = []
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            found.append((path, stat.st_size, stat.st_mtime_ns))
    return found


def _run_again_with(**variables: str) -> None:
    """Settings are read once, so another port takes another start."""
    os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | variables)


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _any_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def _start_sandbox() -> subprocess.Popen:
    return _start(
        "-m", "payments.sandbox",
        "--port", str(settings.SANDBOX_PORT),
        "--file", str(settings.VAR / "sandbox.sqlite3"),
        "--webhook", f"http://127.0.0.1:{settings.PORT}/payments/stripe/webhook/",
        "--webhook-secret", settings.STRIPE_WEBHOOK_SECRETS[0],
        "--public-url", settings.SANDBOX_PUBLIC_URL,
    )  # fmt: skip


def _start_site() -> subprocess.Popen:
    return _start("-m", "gunicorn", "-c", "python:clinic.gunicorn_conf", "clinic.wsgi")


def _start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"VAR": str(settings.VAR)},
        stdout=subprocess.DEVNULL,
        preexec_fn=_end_with_parent,
    )


def _end_with_parent() -> None:
    """Runs in the child: where the kernel can, it ends the child even when this command is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _wait_until_ready(children: list[subprocess.Popen]) -> None:
    until = time.monotonic() + STARTS_WITHIN
    address = f"http://127.0.0.1:{settings.PORT}/readyz"
    while time.monotonic() < until:
        if any(child.poll() is not None for child in children):
            raise CommandError("The site or the sandbox Stripe could not start; the lines above say why.")
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise CommandError(f"The site did not answer within {STARTS_WITHIN} seconds.")


def _wait_until_one_ends(children: list[subprocess.Popen]) -> None:
    while all(child.poll() is None for child in children):
        time.sleep(0.5)


def _stop(children: list[subprocess.Popen]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _welcome() -> str:
    site = settings.SITE_URL
    sign_ins = "\n".join(f"  {person.who:<8} {person.email:<28} password {person.password}" for person in SIGN_INS)
    return f"""
Larkwater Clinic is open at {site}/   (Ctrl-C closes it)

Try the main way: a course, a code, a payment, a seat
  {site}/courses/undoing-depression/?coupon=changeways70
  The code changeways70 takes US$140.00 to US$70.00. The payment page is a sandbox: no money moves.

Sign in at {site}/accounts/login/
{sign_ins}
  Mailed codes and receipts are kept in the outbox: {site}/admin/mail/message/

Staff pages: {site}/admin/
"""
