"""What all tests share.

The suite is run twice (tools/suite, which ``make test`` calls): on the embedded default, and on PostgreSQL and Redis.
Each test runs where it can prove something, and none is skipped silently:

- plain tests run in both passes;
- ``embedded`` and ``browser`` tests run in the first, unless they are marked ``postgresql`` or ``redis`` as well;
- ``postgresql``, ``redis`` and ``proxy`` tests run in the second: there the site's own database is PostgreSQL and
  its cache Redis, and TEST_POSTGRESQL_URL and TEST_REDIS_URL name the servers for processes that a test starts.

To run some of the second pass: ``tools/services run --site -- .venv/bin/python -m pytest tests/payments``.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings as site_settings
from django.core.cache import cache

from tests.stack import NativeStack, answers, make_stack, sandbox_command

# Playwright's own event loop makes Django believe that tests are asynchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

pytest_plugins = ["tests.mailbox"]

CI = bool(os.environ.get("CI"))
FIRST_PASS = {"embedded", "browser"}
SECOND_PASS = {"postgresql", "redis", "proxy"}


def pytest_report_header() -> str:
    engines = "SQLite, in-process tasks" if site_settings.EMBEDDED else "PostgreSQL, Redis"
    return f"clinic: {engines}"


def pytest_collection_modifyitems(config, items):
    """Leaves out what belongs to the other pass; skips what this machine lacks, but never under CI."""
    here, elsewhere = [], []
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        needs_servers = bool(marks & SECOND_PASS)
        belongs = not needs_servers if site_settings.EMBEDDED else needs_servers or not marks & FIRST_PASS
        (here if belongs else elsewhere).append(item)
    items[:] = here
    config.hook.pytest_deselected(items=elsewhere)

    if CI:
        return
    missing = {
        "browser": not any(shutil.which(name) for name in ("chromium-headless-shell", "chromium", "google-chrome")),
        "proxy": not shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin"),
    }
    for item in here:
        for need, is_missing in missing.items():
            if is_missing and item.get_closest_marker(need):
                item.add_marker(pytest.mark.skip(reason=f"{need}: not installed here (.ci/run installs it)"))


def pytest_sessionfinish(session, exitstatus):
    """Under CI a skipped test is a failure: somebody would believe that it had passed."""
    skipped = session.config.pluginmanager.getplugin("terminalreporter").stats.get("skipped", [])
    if CI and skipped and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings, tmp_path_factory):
    """SQLite in a file of this run's own: in memory, all threads of a live server would share one connection."""
    if site_settings.EMBEDDED:
        site_settings.DATABASES["default"]["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(autouse=True)
def _fresh_cache():
    cache.clear()


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(scope="session")
def native_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeStack]:
    """Web (two processes), worker, beat and sandbox Stripe with the sample clinic. Mark tests ``postgresql`` and ``redis``."""
    stack = make_stack(tmp_path_factory.mktemp("stack"), database="native_stack", redis_number=5)
    try:
        stack.start("sandbox", sandbox_command(stack))
        for name in ("web", "worker", "beat"):
            stack.start_service(name)
        stack.wait_until(lambda: answers(f"{stack.base_url}/readyz"), "the site is ready")
        stack.wait_until(lambda: " ready." in stack.log("worker"), "the worker is ready")
        yield stack
    finally:
        for name in list(stack.processes):
            stack.stop(name)
