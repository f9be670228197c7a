"""The documented production environment passes ``check --deploy``; each thing left out is named."""

import os
import re
import subprocess
import sys

import pytest
from django.core.checks import Error

from clinic.checks import demo_and_live_stay_apart, real_site_is_complete
from tests.stack import NOT_INHERITED, ROOT

pytestmark = pytest.mark.embedded


def documented_environment() -> dict[str, str]:
    """The block of docs/running.md that people copy into .env."""
    text = (ROOT / "docs" / "running.md").read_text()
    block = re.search(r"```sh\n# \.env\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return dict(line.split("=", 1) for line in block[1].splitlines() if "=" in line and not line.startswith("#"))


def check_deploy(tmp_path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env=kept | {"VAR": str(tmp_path)} | environment, capture_output=True, text=True,
    )  # fmt: skip


def test_documented_production_environment_is_clean(tmp_path):
    servers = {
        "DATABASE_URL": "postgres://clinic:secret@postgres:5432/clinic",
        "REDIS_URL": "redis://redis:6379/0",
        "BEHIND_PROXY": "1",
    }

    done = check_deploy(tmp_path, documented_environment() | servers)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout + done.stderr


def test_demo_is_refused_as_a_real_site(tmp_path):
    done = check_deploy(tmp_path, {})

    assert done.returncode == 1
    assert "clinic.E010" in done.stderr


def test_live_key_stops_the_demo_at_every_start(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT, env=kept | {"VAR": str(tmp_path), "STRIPE_SECRET_KEY": "sk_live_1"}, capture_output=True, text=True,
    )  # fmt: skip

    assert "clinic.E001" in done.stderr


REAL = {
    "DEMO": False,
    "STRIPE_LIVE": True,
    "STRIPE_API_BASE": "",
    "STRIPE_SECRET_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRETS": ["whsec_1"],
    "MAILERS": {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}},
    "DEFAULT_FROM_EMAIL": "Harbour <hello@harbour.example>",
    "SITE_URL": "https://courses.harbour.example",
    "EMBEDDED": False,
}


def found(settings, **changes) -> list[str]:
    for name, value in (REAL | changes).items():
        setattr(settings, name, value)
    messages = [*demo_and_live_stay_apart(), *real_site_is_complete()]
    return [f"{message.id}" for message in messages]


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"STRIPE_API_BASE": "http://127.0.0.1:12111"}, ["clinic.E002"]),
        ({"STRIPE_SECRET_KEY": ""}, ["clinic.E011"]),
        ({"STRIPE_WEBHOOK_SECRETS": []}, ["clinic.E012"]),
        ({"MAILERS": {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}}, ["clinic.E013"]),
        ({"DEFAULT_FROM_EMAIL": "Larkwater <courses@larkwater.example>"}, ["clinic.E014"]),
        ({"EMBEDDED": True}, ["clinic.W015"]),
        ({"SITE_URL": "http://courses.harbour.example"}, ["clinic.E016"]),
        ({"SITE_URL": "https://localhost:8000"}, ["clinic.E017"]),
        ({"DEMO": True, "STRIPE_LIVE": False}, ["clinic.E010"]),
        ({"DEMO": True}, ["clinic.E001", "clinic.E010"]),
    ],
)
def test_each_thing_left_out_of_a_real_site_is_named(settings, changes, ids):
    assert found(settings, **changes) == ids


def test_what_would_mix_demo_and_live_is_an_error(settings):
    found(settings, DEMO=True)

    assert all(isinstance(message, Error) for message in demo_and_live_stay_apart())
