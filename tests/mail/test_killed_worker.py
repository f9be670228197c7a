"""A real Celery worker on a real Redis and PostgreSQL is killed in the middle of its work, and Redis with it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from tests.mail.smtp_double import SmtpDouble
from tests.stack import NOT_INHERITED, ROOT, NativeStack, create_database, free_port

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]

WRITE = """
from django.utils import timezone
from mail.outbox import write_rendered
for name in {names!r}:
    write_rendered(key=name, kind="receipt", to=name + "@example.org", subject="s", text="t", html="", at=timezone.now())
"""
SWEEP_LATER = """
from datetime import timedelta
from django.utils import timezone
from mail.delivery import sweep
print(sweep(at=timezone.now() + timedelta(minutes=11)))
"""
STATES = """
import json
from mail.models import Message
print(json.dumps(dict(Message.objects.values_list("key", "state"))))
"""


class Post(NativeStack):
    """A worker, its Redis and what is in the outbox."""

    def run(self, script: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
            cwd=ROOT, env=self.env, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""

    def states(self) -> dict[str, str]:
        return json.loads(self.run(STATES))

    def start_redis(self) -> None:
        port = self.env["REDIS_URL"].rpartition(":")[2].partition("/")[0]
        self.start("redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])

    def start_worker(self) -> None:
        self.start("worker", [sys.executable, "-m", "celery", "-A", "clinic", "worker", "-c", "1", "-l", "INFO"])


@pytest.fixture
def smtp():
    with SmtpDouble() as double:
        yield double


@pytest.fixture
def post(tmp_path, smtp):
    if not shutil.which("redis-server"):
        pytest.fail("redis-server is not installed")
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    env = kept | {
        "DATABASE_URL": create_database(os.environ["TEST_POSTGRESQL_URL"], "clinic_killed_worker"),
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "MAIL_URL": smtp.url,
        "VAR": str(tmp_path / "var"),
    }
    post = Post(base_url="", sandbox_url="", env=env, folder=tmp_path)
    post.start_redis()
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=env, check=True, capture_output=True
    )
    yield post
    for name in list(post.processes):
        post.stop(name, by=signal.SIGKILL)


def test_no_mail_is_lost_and_none_is_sent_twice(post, smtp):
    def arrived(name: str) -> bool:
        return f"{name}@example.org" in smtp.recipients

    # All is well: what is written is delivered by the worker at once.
    post.start_worker()
    post.run(WRITE.format(names=["plain"]))
    post.wait_until(lambda: arrived("plain"), "the first mail")

    # Killed after the server has the whole message and before the worker hears so.
    smtp.waits["END"] = threading.Event()
    smtp.heard["END"].clear()
    post.run(WRITE.format(names=["unheard", "behind-it", "further-behind"]))
    post.wait_until(smtp.heard["END"].is_set, "a message on its way")
    post.stop("worker", by=signal.SIGKILL)
    smtp.waits.pop("END").set()

    # Killed while it greets the server: this message has not left the house.
    smtp.waits["EHLO"] = threading.Event()
    smtp.heard["EHLO"].clear()
    post.start_worker()
    post.run(WRITE.format(names=["unsaid"]))
    post.wait_until(smtp.heard["EHLO"].is_set, "a greeting")
    post.stop("worker", by=signal.SIGKILL)
    smtp.waits.pop("EHLO").set()

    # Redis dies under a living worker and comes back with nothing in it; meanwhile a mail is written.
    post.start_worker()
    post.stop("redis", by=signal.SIGKILL)
    post.run(WRITE.format(names=["without-broker"]))
    post.start_redis()
    post.run(WRITE.format(names=["after"]))
    post.wait_until(lambda: arrived("after"), "the mail after the restart", seconds=120)

    # What the broker forgot, the sweep finds; what nobody can know goes to staff.
    post.run(SWEEP_LATER)
    post.run(SWEEP_LATER)

    names = ["after", "behind-it", "further-behind", "plain", "unheard", "unsaid", "without-broker"]
    assert smtp.recipients == [f"{name}@example.org" for name in names]
    assert post.states() == dict.fromkeys(names, "sent") | {"unheard": "unclear"}
