import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from payments.sandbox import Sandbox


def control(base, name, data=b"{}", content_type="application/json"):
    request = urllib.request.Request(f"{base}/_double/{name}", data, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_state_survives_a_restart(client_for, tmp_path, wanted):
    file = tmp_path / "var" / "sandbox.sqlite3"
    with Sandbox(file=file, pump=False) as before:
        session = client_for(before.base_url).v1.checkout.sessions.create(params=wanted())
        before.control("clock/advance", seconds=600)

    with Sandbox(file=file, pump=False) as after:
        kept = client_for(after.base_url).v1.checkout.sessions.retrieve(session.id)
        paid = after.control("sessions/pay", session=session.id)

    assert kept.amount_total == 70_00
    assert paid["payment_intent"]


def test_the_payment_page_may_have_an_address_of_its_own(client_for, wanted):
    with Sandbox(pump=False, public_url="https://pay.example.com/") as sandbox:
        session = client_for(sandbox.base_url).v1.checkout.sessions.create(params=wanted())

    assert session.url == f"https://pay.example.com/c/pay/{session.id}"


def test_the_pump_tells_the_shop_without_being_asked(client_for, shop, wanted, sandbox):
    with Sandbox(pump=True, webhook_secret=shop.secret) as pumping:
        pumping.webhook_url = sandbox.webhook_url
        session = client_for(pumping.base_url).v1.checkout.sessions.create(params=wanted())
        pumping.control("sessions/pay", session=session.id)
        wait_until(lambda: len(shop.received) == 4)

    assert shop.types()[-1] == "checkout.session.completed"


def test_another_process_controls_it_with_json(sandbox):
    assert control(sandbox.base_url, "drain") == (200, {"delivered": 0})
    assert control(sandbox.base_url, "clock/advance", b'{"seconds": 5}')[0] == 200


def test_another_sites_form_does_not_control_it(sandbox):
    status, _ = control(sandbox.base_url, "reset", b"", "application/x-www-form-urlencoded")

    assert status == 415


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"secs": 1}'])
def test_a_control_that_makes_no_sense_is_refused(sandbox, body):
    assert control(sandbox.base_url, "clock/advance", body)[0] == 400


def test_control_is_off_where_strangers_may_come_unless_it_is_asked_for():
    with Sandbox(bind="0.0.0.0", pump=False) as shut, Sandbox(bind="0.0.0.0", pump=False, control=True) as open_:
        assert control(shut.base_url, "drain")[0] == 403
        assert control(open_.base_url, "drain")[0] == 200


def test_it_runs_from_the_command_line(client_for, tmp_path, wanted):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    command = [sys.executable, "-m", "payments.sandbox", "--port", "0", "--file", str(tmp_path / "state.sqlite3")]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        base = re.search(r"http://\S+", process.stdout.readline())[0]
        session = client_for(base).v1.checkout.sessions.create(params=wanted())
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)

    assert session.status == "open"
    assert process.returncode == 0


def wait_until(condition):
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
