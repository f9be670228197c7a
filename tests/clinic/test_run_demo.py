"""``make run`` from outside: it serves, prints what to try, ends whole, keeps its data."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from clinic.sample_clinic import SIGN_INS
from tests.stack import NOT_INHERITED, ROOT, free_port

pytestmark = pytest.mark.embedded


class Demo:
    """A demo as ``make run PORT=… VAR=…`` starts it."""

    def __init__(self, var: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run_demo", "--port", str(self.port)],
            cwd=ROOT, env=kept | {"VAR": str(var)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def read_until(self, words: str) -> str:
        said = ""
        for line in self.process.stdout:
            said += line
            if words in line:
                return said
        raise AssertionError(said)

    def children(self) -> list[int]:
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in listed.stdout.split()]

    def interrupt(self) -> str:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=30)[0]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@dataclass
class Story:
    """A demo that was started, interrupted, started again beside an eager second one, and killed: what was seen."""

    url: str
    welcome: str = ""
    course_page: str = ""
    children: list[int] = field(default_factory=list)
    left_by_interrupt: list[int] = field(default_factory=list)
    goodbye: str = ""
    second_welcome: str = ""
    busy_port: str = ""
    left_by_kill: list[int] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    var = tmp_path_factory.mktemp("demo")
    demo = Demo(var)
    story = Story(url=demo.url)
    try:
        story.welcome = demo.read_until("Staff pages")
        with urllib.request.urlopen(f"{demo.url}/courses/undoing-depression/?coupon=changeways70", timeout=10) as page:
            story.course_page = page.read().decode()
        story.children = demo.children()
        story.goodbye = demo.interrupt()
        story.left_by_interrupt = [pid for pid in story.children if is_alive(pid)]

        demo = Demo(var, demo.port)
        story.second_welcome = demo.read_until("Staff pages")
        story.busy_port = Demo(var, demo.port).process.communicate(timeout=60)[0]

        children = demo.children()
        demo.process.kill()
        demo.process.communicate(timeout=60)  # ends when nobody holds its output any more
        until = time.monotonic() + 30
        while time.monotonic() < until and any(map(is_alive, children)):
            time.sleep(0.1)
        story.left_by_kill = [pid for pid in children if is_alive(pid)]
    finally:
        if demo.process.poll() is None:
            demo.interrupt()
    return story


def test_says_what_to_try_once_it_answers(story):
    assert f"{story.url}/" in story.welcome
    assert "changeways70" in story.welcome
    for person in SIGN_INS:
        assert person.email in story.welcome
        assert person.password in story.welcome
    assert "70.00" in story.course_page


def test_interrupt_ends_every_process(story):
    assert len(story.children) == 2  # the site and the sandbox Stripe
    assert story.left_by_interrupt == []
    assert "The data stays" in story.goodbye


def test_second_start_keeps_the_data(story):
    assert "all there" in story.second_welcome


def test_killing_the_command_leaves_no_process_behind(story):
    assert story.left_by_kill == []


def test_busy_port_is_named_with_a_way_out(story):
    port = int(story.url.rpartition(":")[2])

    assert f"Port {port} is in use" in story.busy_port
    assert f"make run PORT={port + 1}" in story.busy_port


def test_real_site_is_no_demo(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match=r"docs/running\.md"):
        call_command("run_demo")
