"""How long `shopsearch --help` takes, over an interpreter that does nothing.

Runs of both are interleaved, so that a busy machine slows both alike; medians are compared. The
commands that need no model are timed too, on an empty home folder.

    python benchmarks/startup.py [--runs N]
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

START = "from shopsearch.cli import main; main()"
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import click": [sys.executable, "-c", "import click"],
    "shopsearch --help": [sys.executable, "-c", START, "--help"],
    "shopsearch index --help": [sys.executable, "-c", START, "index", "--help"],
    "shopsearch doctor --help": [sys.executable, "-c", START, "doctor", "--help"],
    "shopsearch generations": [sys.executable, "-c", START, "generations"],
    "import torch": [sys.executable, "-c", "import torch"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        times = measure(home, runs)
    base = statistics.median(times["python -c pass"])
    print(f"{'command':<26}{'median':>10}{'fastest':>10}{'over pass':>12}")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"{name:<26}{median:>7.0f} ms{min(taken):>7.0f} ms{median / base:>11.1f}x")
    print(f"\n{runs} interleaved runs; {machine()}")


def measure(home: str, runs: int) -> dict[str, list[float]]:
    """Milliseconds of each command, run by run."""
    environment = {**os.environ, "SHOPSEARCH_HOME": home}
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(runs + 1):
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment)
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: taken[1:] for name, taken in times.items()}  # the first run fills caches


def machine() -> str:
    """What this ran on."""
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.1f}"
    )


if __name__ == "__main__":
    main()
