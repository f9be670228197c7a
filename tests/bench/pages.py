"""Pages of the sample clinic as ratios to a bare Django view in the same server process."""

import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

from tests.bench.load import COLD, Speed, measure, workers_of
from tests.stack import ROOT, NativeStack, answers, create_database, free_port

SECONDS = float(os.environ.get("BENCH_SECONDS", "2"))
GZIP = {"Accept-Encoding": "gzip"}
PAGES = {
    "home": "/",
    "catalogue": "/courses/",
    "course": "/courses/undoing-depression/",
    "price fragment": "/courses/undoing-depression/price/",
}
WORTH = f"{'':34}{'requests/s':>11}{'ratio':>8}{'CPU ms':>9}{'ratio':>8}{'page KB':>9}{'+CSS, JS':>9}"


def main() -> None:
    on_servers = bool(os.environ.get("BENCH_ON_SERVERS"))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stack = _stack(Path(folder), on_servers=on_servers)
        os.environ.update(stack.env)
        learner_cookie, lesson = _signed_in_learner()
        command = [sys.executable, "-m", "gunicorn", "-c", "python:clinic.gunicorn_conf", "tests.bench.wsgi"]
        server = stack.start("web", command)
        try:
            stack.wait_until(lambda: answers(f"{stack.base_url}/readyz"), "the site is ready")
            engines = "PostgreSQL, Redis" if on_servers else "embedded: SQLite"
            print(f"\nPages, {engines}, one process of gunicorn; ratios to the bare view\n{WORTH}", flush=True)
            _table(stack.base_url, workers_of(server.pid), learner_cookie, lesson)
        finally:
            stack.stop("web")


def _table(site: str, workers: list[int], learner_cookie: str, lesson: str) -> None:
    def speed(path: str, **headers: str) -> Speed:
        return measure(site + path, GZIP | headers, workers=workers, seconds=SECONDS)

    bare = speed("/-bare-/")
    print(_line("bare Django view", bare, bare, ""))
    for name, path in PAGES.items():
        print(_line(f"{name}, warm", speed(path), bare, _weight(site, path)), flush=True)
        print(_line(f"{name}, cold", speed(COLD + path), bare, ""), flush=True)
    player = {"Cookie": learner_cookie}
    print(_line("player, signed in", speed(lesson, **player), bare, _weight(site, lesson, **player)), flush=True)


def _line(name: str, speed: Speed, bare: Speed, weight: str) -> str:
    return (
        f"  {name:32}{speed.per_second:11.0f}{speed.per_second / bare.per_second:8.2f}"
        f"{speed.cpu_ms:9.2f}{speed.cpu_ms / bare.cpu_ms:8.1f}{weight}"
    )


def _weight(site: str, path: str, **headers: str) -> str:
    """Compressed kilobytes of the page alone, and with the style sheets and scripts that it loads."""
    page, plain = _sizes(site + path, headers)
    loaded: set[str] = set()
    _add_loaded(site + path, plain, loaded)
    rest = sum(_sizes(url, {})[0] for url in loaded)
    return f"{page / 1024:9.1f}{(page + rest) / 1024:9.1f}"


def _add_loaded(url: str, text: str, loaded: set[str]) -> None:
    found = re.findall(r'<link[^>]+href="([^"]+\.css)"|<script[^>]+src="([^"]+\.js)"|\bfrom\s*"(\.[^"]+\.js)"', text)
    for address in (urljoin(url, next(filter(None, names))) for names in found):
        if address not in loaded:
            loaded.add(address)
            _add_loaded(address, _sizes(address, {})[1], loaded)


def _sizes(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Bytes on the wire with gzip, and the text."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=GZIP | headers), timeout=10) as answer:
        packed = len(answer.read())
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return packed, answer.read().decode()


def _stack(folder: Path, *, on_servers: bool) -> NativeStack:
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    environment |= {
        "VAR": str(folder),
        "PORT": str(port),
        "SITE_URL": f"http://127.0.0.1:{port}",
        "LOG_LEVEL": "WARNING",
    }
    if on_servers:
        environment |= {
            "DATABASE_URL": create_database(os.environ["TEST_POSTGRESQL_URL"], "bench_pages"),
            "REDIS_URL": os.environ["TEST_REDIS_URL"].rpartition("/")[0] + "/6",
            "WEB_WORKERS": "1",
            "WEB_THREADS": "8",
        }
    stack = NativeStack(base_url=f"http://127.0.0.1:{port}", sandbox_url="", env=environment, folder=folder)
    for arguments in (["migrate", "-v0"], ["collectstatic", "-v0", "--no-input"], ["load_sample_clinic", "-v0"]):
        subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)
    return stack


def _signed_in_learner() -> tuple[str, str]:
    """A Cookie header of the sample learner, and the address of a lesson that they may open."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    django.setup()
    from django.test import Client

    from clinic.sample_clinic import LEARNER
    from courses.models import Lesson
    from enrolments.models import Enrolment

    seat = Enrolment.objects.filter(learner__email=LEARNER.email).select_related("learner", "course").first()
    assert seat is not None
    lesson = Lesson.objects.filter(section__edition=seat.edition).first()
    assert lesson is not None
    client = Client()
    client.force_login(seat.learner)
    return f"sessionid={client.cookies['sessionid'].value}", f"/learn/{seat.course.slug}/{lesson.slug}/"


if __name__ == "__main__":
    main()
