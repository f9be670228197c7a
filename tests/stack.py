"""The site as in production, without containers: the commands of docker-compose.yml on throwaway servers."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg2
import yaml

ROOT = Path(__file__).resolve().parent.parent
# The settings of this test run must not leak into the processes of the stack.
NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "CI", "VAR", "PORT", "SITE_URL", "DJANGO_ALLOW_ASYNC_UNSAFE")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def compose_command(service: str, environment: dict[str, str], **instead: str) -> list[str]:
    """The command of ``service`` in docker-compose.yml, with ${NAMES} filled in and some words replaced."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    written = re.sub(r"\$\{(\w+)[^}]*\}", lambda name: environment[name[1]], services[service]["command"])
    return [instead.get(word, word) for word in shlex.split(written)]


def create_database(server_url: str, name: str) -> str:
    """A fresh database on ``server_url``; answers its URL."""
    parts = urlsplit(server_url)
    connection = psycopg2.connect(host=unquote(parts.netloc.rpartition("@")[2]), user=parts.username, dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    return urlunsplit(parts._replace(path=f"/{name}"))


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@dataclass
class NativeStack:
    """Running processes of the site: ``base_url`` for browsers, ``sandbox_url`` for the sandbox Stripe's control routes."""

    base_url: str
    sandbox_url: str
    env: dict[str, str]
    folder: Path
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name: str, command: list[str], **more: str) -> subprocess.Popen:
        """Run ``command`` until the stack is stopped; ``more`` is added to its environment."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.env | more, stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = process
        return process

    def start_service(self, name: str) -> subprocess.Popen:
        return self.start(name, compose_command(name, self.env))

    def stop(self, name: str, by: signal.Signals = signal.SIGTERM) -> None:
        """End ``name`` with all its children; a second time it is not ended again."""
        process = self.processes.pop(name)
        try:
            os.killpg(process.pid, by)
            process.wait(15)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def manage(self, *arguments: str) -> str:
        """Run a management command as an operator would; answers what it printed."""
        done = subprocess.run(
            ["python", "manage.py", *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def control(self, name: str, **wishes: object) -> dict:
        """Tell the sandbox Stripe to do something that no page of it does."""
        asked = urllib.request.Request(
            f"{self.sandbox_url}/_double/{name}", json.dumps(wishes).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return json.load(answer)

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Ask ``holds`` until it does; a process that ended by itself fails the test with its log."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if holds():
                return
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended:\n{self.log(name)}"
            time.sleep(0.05)
        raise AssertionError(f"{what}: not within {seconds} seconds\n" + "".join(map(self.log, self.processes)))

    def log(self, name: str) -> str:
        return f"--- {name}\n" + "\n".join((self.folder / f"{name}.log").read_text().splitlines()[-40:]) + "\n"


def make_stack(folder: Path, *, database: str, redis_number: int, **more: str) -> NativeStack:
    """Prepares a stack (database, static files, sample clinic) without starting a process."""
    port, sandbox_port = free_port(), free_port()
    base_url, sandbox_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}"
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    stack = NativeStack(
        base_url=base_url,
        sandbox_url=sandbox_url,
        folder=folder,
        env=kept
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
            "DATABASE_URL": create_database(os.environ["TEST_POSTGRESQL_URL"], database),
            "REDIS_URL": os.environ["TEST_REDIS_URL"].rpartition("/")[0] + f"/{redis_number}",
            "SECRET_KEY": "only-for-this-test",
            "DEMO": "1",
            "PORT": str(port),
            "SITE_URL": base_url,
            "STRIPE_API_BASE": sandbox_url,
            "SANDBOX_PUBLIC_URL": sandbox_url,
            "VAR": str(folder / "var"),
            "WEB_WORKERS": "2",
            "SWEEP_SECONDS": "5",
        }
        | more,
    )
    stack.manage("migrate", "--no-input", "--verbosity", "0")
    stack.manage("collectstatic", "--no-input", "--verbosity", "0")
    stack.manage("load_sample_clinic")
    return stack


def sandbox_command(stack: NativeStack) -> list[str]:
    return compose_command(
        "sandbox",
        stack.env,
        **{
            "0.0.0.0": "127.0.0.1",
            "12111": str(urlsplit(stack.sandbox_url).port),
            "/srv/var/sandbox.sqlite3": str(stack.folder / "sandbox.sqlite3"),
            "http://web:8000/payments/stripe/webhook/": f"{stack.base_url}/payments/stripe/webhook/",
            "http://localhost:12111": stack.sandbox_url,
        },
    )
