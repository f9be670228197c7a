"""``make run`` from outside: it serves, prints what to try, ends whole, keeps its data."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
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


@pytest.fixture(scope="module")
def var(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def demo(var):
    demo = Demo(var)
    yield demo
    if demo.process.poll() is None:
        demo.process.kill()
        demo.process.communicate()


def test_says_what_to_try_once_it_answers(demo):
    said = demo.read_until("Staff pages")

    with urllib.request.urlopen(f"{demo.url}/courses/undoing-depression/?coupon=changeways70", timeout=10) as page:
        assert "70.00" in page.read().decode()
    assert f"{demo.url}/" in said
    assert "changeways70" in said
    for person in SIGN_INS:
        assert person.email in said
        assert person.password in said


def test_interrupt_ends_every_process_and_a_second_start_keeps_the_data(demo, var):
    demo.read_until("Staff pages")
    children = demo.children()

    said = demo.interrupt()
    again = Demo(var, demo.port)
    second = again.read_until("Staff pages")
    again.interrupt()

    assert len(children) == 2
    assert not any(map(is_alive, children))
    assert "The data stays" in said
    assert "all there" in second


def test_killing_the_command_leaves_no_process_behind(demo):
    demo.read_until("Staff pages")
    children = demo.children()

    demo.process.kill()
    demo.process.wait()

    until = time.monotonic() + 25
    while any(map(is_alive, children)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_alive, children))


def test_busy_port_is_named_with_a_way_out(var):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        demo = Demo(var, taken.getsockname()[1])

        said = demo.process.communicate(timeout=60)[0]

    assert demo.process.returncode == 1
    assert f"Port {demo.port} is in use" in said
    assert f"make run PORT={demo.port + 1}" in said


def test_real_site_is_no_demo(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match=r"docs/running\.md"):
        call_command("run_demo")
