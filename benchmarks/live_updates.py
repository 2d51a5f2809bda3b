"""How much searches on a running server feel of index runs, over the same server when it is quiet.

    python benchmarks/live_updates.py [--products N] [--threads N] [--seconds S] [--home FOLDER]

A real `shopsearch serve` process answers `GET /api/v1/search` to as many threads as asked. Phases,
each as long as asked or as its work takes: quiet; reindexing; an update storm, delta runs back to
back, each with new prices for one product in a hundred; a swap loop, `rollback` between two
generations without a pause; and quiet once more. Printed for each: requests, how many failed, p50
and p99 in milliseconds, and p99 over that of the quiet phases together. The target is at most 3.

Up to 400 products are the drawn shop with its pictures; more are texts made by chance of its words.
The encoder is the hashing one: what is measured is reading, writing and swapping, not a model.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import http.client
import json
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import COLUMNS, MAX_PRODUCTS, draw_shop, drawn_products
from shopsearch.settings import Settings

TARGET = 3.0
CHANGED_SHARE = 100  # one product in so many has a new price in each delta run
QUERIES = ("red mug", "striped", "blue lamp under 40 USD", "wool", "green chair", "black", "gift")
Row = dict[str, str]


@dataclass(slots=True)
class Phase:
    """What the clients met while something went on."""

    name: str
    took_ms: list[float] = field(default_factory=list)
    n_failed: int = 0
    n_runs: int = 0

    def percentile(self, per_cent: int) -> float:
        return statistics.quantiles(self.took_ms, n=100, method="inclusive")[per_cent - 1]


def main() -> None:
    given = arguments()
    print(
        f"{given.products} products, {given.threads} clients, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}"
    )
    with contextlib.ExitStack() as stack:
        scratch = given.home or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows = feed_rows(scratch / "shop", given.products)
        home = scratch / "home"
        with Services.open(settings(home)) as writer:
            index(writer, write(scratch / "shop" / "all.csv", rows))
            writer.indexer.reindex()  # so that there are two to swap
        host, port = stack.enter_context(server(home))
        phases = measured(given, scratch, rows, (host, port))
    show(phases)


def measured(
    given: argparse.Namespace, scratch: Path, rows: list[Row], place: tuple[str, int]
) -> list[Phase]:
    """Every phase, with the same clients; what changes the index runs in a process of its own."""

    def quiet(_: Phase) -> None:
        time.sleep(given.seconds)

    def work(verb: str) -> Callable[[Phase], None]:
        def go_on(phase: Phase) -> None:
            command = [sys.executable, __file__, "--work", verb, "--home", str(scratch)]
            command += ["--products", str(len(rows)), "--seconds", str(given.seconds)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            phase.n_runs = int(done.stdout.split()[-1])

        return go_on

    with_searches(place, given.threads, Phase("warm-up"), lambda _: time.sleep(2.0))
    return [
        with_searches(place, given.threads, Phase(name), during)
        for name, during in (
            ("quiet", quiet),
            ("reindex", work("reindex")),
            ("update storm", work("storm")),
            ("swap loop", work("swaps")),
            ("quiet again", quiet),
        )
    ]


def do_work(verb: str, scratch: Path, n_products: int, seconds: float) -> None:
    """What the writing process does for a while; it prints how often it did it."""
    home, n_runs = scratch / "home", 0
    rows = feed_rows(scratch / "shop", n_products)
    chance = random.Random(0)
    end = time.monotonic() + seconds
    with Services.open(settings(home)) as services:
        while n_runs == 0 or time.monotonic() < end:
            if verb == "reindex":
                services.indexer.reindex()
            elif verb == "storm":
                some = chance.sample(rows, max(1, len(rows) // CHANGED_SHARE))
                for row in some:
                    row["price"] = f"{chance.randint(1, 99)}.00 USD"
                index(services, write(scratch / "shop" / "delta.csv", some))
            else:
                newest = services.generations.ids()[:2]
                services.generations.rollback(newest[n_runs % 2])
            n_runs += 1
    print(n_runs)


def feed_rows(folder: Path, n: int) -> list[Row]:
    """The drawn shop, or where more is asked for than it has, as many texts of its words."""
    if n <= MAX_PRODUCTS:
        if not (folder / "products.csv").exists():
            draw_shop(folder, n_products=n)
        with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    folder.mkdir(parents=True, exist_ok=True)
    base, chance = [product.row for product in drawn_products(MAX_PRODUCTS)], random.Random(1)
    return [grown(base[number % len(base)], number, chance) for number in range(n)]


def grown(row: Row, number: int, chance: random.Random) -> Row:
    words = row["description"].split()
    title = f"{row['title']} {' '.join(chance.sample(words, min(3, len(words))))} {number}"
    return {**row, "id": f"{row['id']}-{number}", "title": title, "image_link": ""}


def write(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def index(services: Services, feed: Path) -> None:
    services.indexer.run(open_feed(feed), feed_name="benchmark")


def settings(home: Path) -> Settings:
    return Settings(home=home, encoder="hashing")


@contextlib.contextmanager
def server(home: Path) -> Iterator[tuple[str, int]]:
    """`shopsearch serve` on a free port, once it answers."""
    environment = os.environ | {
        "SHOPSEARCH_ENCODER": "hashing",
        "SHOPSEARCH_LOG_LEVEL": "warning",
        "SHOPSEARCH_RATE_LIMIT": "off",
    }
    command = [sys.executable, "-m", "shopsearch", "--home", str(home), "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
        if address is None:
            raise SystemExit("the server did not start; its error is above")
        try:
            yield address[1], int(address[2])
        finally:
            process.terminate()


def with_searches(
    place: tuple[str, int], n_threads: int, phase: Phase, during: Callable[[Phase], None]
) -> Phase:
    """Search all the time while something goes on."""
    stopped = threading.Event()

    def ask(chance: random.Random) -> None:
        connection = http.client.HTTPConnection(*place, timeout=30)
        while not stopped.is_set():
            path = f"/api/v1/search?q={quote(chance.choice(QUERIES))}&facets=brand,color,price"
            started = time.perf_counter()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                is_good = answer.status == 200 and bool(json.loads(answer.read())["generation"])
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                connection.close()
                is_good = False
            phase.took_ms.append(1000 * (time.perf_counter() - started))
            phase.n_failed += not is_good

    threads = [
        threading.Thread(target=ask, args=(random.Random(number),)) for number in range(n_threads)
    ]
    for thread in threads:
        thread.start()
    during(phase)
    stopped.set()
    for thread in threads:
        thread.join()
    return phase


def show(phases: Sequence[Phase]) -> None:
    quiet = Phase("both", [ms for one in phases if "quiet" in one.name for ms in one.took_ms])
    baseline = quiet.percentile(99)
    columns = ("runs", "requests", "failed", "p50 ms", "p99 ms", "ratio")
    print(" " * 14 + "".join(f"{name:>10}" for name in columns))
    for one in phases:
        p50, p99 = one.percentile(50), one.percentile(99)
        print(
            f"{one.name:>14}{one.n_runs or '':>10}{len(one.took_ms):10}{one.n_failed:10}"
            f"{p50:10.1f}{p99:10.1f}{p99 / baseline:10.2f}"
        )
    worst = max(one.percentile(99) for one in phases) / baseline
    print(f"p99 at worst {worst:.2f} times the quiet one; the target is at most {TARGET:g}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=240)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--home", type=Path, help="an empty folder that is kept")
    parser.add_argument("--work", choices=("reindex", "storm", "swaps"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    asked = arguments()
    if asked.work:
        do_work(asked.work, asked.home, asked.products, asked.seconds)
    else:
        main()
