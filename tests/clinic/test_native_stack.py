"""What docker-compose.yml starts, started without containers: the site runs on PostgreSQL, Redis, worker and beat."""

import json
import signal
import urllib.error
import urllib.request

import pytest
import yaml

from tests.stack import ROOT, answers, free_port

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_site_is_ready_on_real_engines(native_stack):
    assert json.loads(read(f"{native_stack.base_url}/readyz")) == {"status": "ready"}


def test_pages_show_the_sample_clinic(native_stack):
    assert "UnDoing Depression" in read(f"{native_stack.base_url}/courses/")


def test_beat_hands_work_to_the_worker(native_stack):
    native_stack.wait_until(lambda: "sweep_outbox" in native_stack.log("beat"), "beat sends a task", seconds=90)
    native_stack.wait_until(lambda: "sweep_outbox" in native_stack.log("worker"), "the worker takes it", seconds=30)


def test_stopped_web_process_ends_in_time_and_comes_back(native_stack):
    native_stack.stop("web", signal.SIGTERM)
    assert not answers(f"{native_stack.base_url}/healthz")

    native_stack.start_service("web")
    native_stack.wait_until(lambda: answers(f"{native_stack.base_url}/readyz"), "the site is ready again")


def test_without_redis_pages_are_served_and_readyz_names_what_is_away(native_stack):
    port = free_port()
    command = native_stack.processes["web"].args
    native_stack.start("blind", command, BIND=f"127.0.0.1:{port}", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    native_stack.wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "the process is up")

    with pytest.raises(urllib.error.HTTPError) as refusal:
        read(f"http://127.0.0.1:{port}/readyz")
    page = read(f"http://127.0.0.1:{port}/courses/")
    native_stack.stop("blind")

    assert refusal.value.code == 503
    assert json.loads(refusal.value.read())["failing"] == ["cache", "broker"]
    assert "UnDoing Depression" in page


def test_compose_file_has_all_parts_of_the_site():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

    assert set(compose["services"]) == {
        "migrate", "web", "worker", "beat", "postgres", "redis", "proxy", "sandbox",
    }  # fmt: skip
    assert compose["services"]["sandbox"]["profiles"] == ["demo"]
