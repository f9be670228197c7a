"""``make bench``: how dear our pages and orders are, as ratios to the plainest thing that does the same, in one run.

Ratios compare across machines where plain figures do not. Each part is its own process, since it has its own settings.
"""

import os
import subprocess
import sys
import time


def run(module: str, **environment: str) -> int:
    return subprocess.run([sys.executable, "-m", module], env=os.environ | environment).returncode


def main() -> None:
    started = time.monotonic()
    failed = run("tests.bench.pages")
    if os.environ.get("TEST_POSTGRESQL_URL") and os.environ.get("TEST_REDIS_URL"):
        failed |= run("tests.bench.pages", BENCH_ON_SERVERS="1")
        failed |= run("tests.bench.orders")
    else:
        print("Not measured: PostgreSQL and Redis are not both installed here (.ci/run installs them).")
    print(f"\n{time.monotonic() - started:.0f} s in all")
    sys.exit(failed)


if __name__ == "__main__":
    main()
