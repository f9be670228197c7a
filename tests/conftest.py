"""What all tests share. Services (PostgreSQL, Redis) come from ``tools/services run``, which ``make test`` uses."""

import os
import shutil

import pytest
from django.core.cache import cache
from django.db import connection

# Playwright's own event loop makes Django believe that tests are asynchronous.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CI = bool(os.environ.get("CI"))


def pytest_collection_modifyitems(items):
    """Skips what this machine cannot run; under CI nothing is skipped, so a missing service fails there."""
    has = {
        "postgresql": bool(os.environ.get("TEST_POSTGRESQL_URL")),
        "redis": bool(os.environ.get("TEST_REDIS_URL")),
        "browser": any(shutil.which(name) for name in ("chromium-headless-shell", "chromium", "google-chrome")),
    }
    if CI:
        return
    for item in items:
        for service, found in has.items():
            if item.get_closest_marker(service) and not found:
                item.add_marker(pytest.mark.skip(reason=f"{service} is not installed here"))


@pytest.fixture(autouse=True)
def _fresh_cache():
    cache.clear()


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def on_postgresql():
    """For tests that prove something under real concurrency."""
    if connection.vendor != "postgresql":
        pytest.skip("runs in the PostgreSQL pass of the suite")
