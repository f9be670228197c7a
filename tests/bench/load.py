"""Sends requests as fast as they are answered, and weighs what that costs the server."""

import http.client
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECTIONS = 8
# What an address begins with that is answered without the page cache (tests/bench/wsgi.py).
COLD = "/-cold-"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Speed:
    per_second: float
    cpu_ms: float  # of the server, for one request


def measure(url: str, headers: dict[str, str], *, workers: list[int], seconds: float) -> Speed:
    """Load ``url`` for ``seconds`` after a short warm-up; ``workers`` are the server's processes."""
    send = _with_wrk if shutil.which("wrk") else _with_threads
    send(url, headers, 0.3)
    before = _cpu_seconds(workers)
    count, took = send(url, headers, seconds)
    spent = _cpu_seconds(workers) - before
    return Speed(per_second=count / took, cpu_ms=spent * 1000 / count)


def workers_of(server: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server)], capture_output=True, text=True)
    return [int(pid) for pid in listed.stdout.split()]


def _cpu_seconds(processes: list[int]) -> float:
    ticks = 0
    for process in processes:
        with open(f"/proc/{process}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def _with_wrk(url: str, headers: dict[str, str], seconds: float) -> tuple[int, float]:
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    length = max(1, round(seconds))
    said = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{length}s", *options, url], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{url} was not always answered with 200:\n{said}")
    count = re.search(r"(\d+) requests in ", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert count is not None
    assert rate is not None
    return int(count[1]), int(count[1]) / float(rate[1])


def _with_threads(url: str, headers: dict[str, str], seconds: float) -> tuple[int, float]:
    parts = urlsplit(url)
    address = parts.path + (f"?{parts.query}" if parts.query else "")
    counts = [0] * CONNECTIONS
    until = time.monotonic() + seconds

    def ask(mine: int) -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        while time.monotonic() < until:
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                counts[mine] += 1
        connection.close()

    started = time.monotonic()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not sum(counts):
        raise RuntimeError(f"{url} was never answered with 200.")
    return sum(counts), time.monotonic() - started
