"""What single writes by the API take, alone and many at once, and what searches feel of them.

    python benchmarks/catalog_writes.py [--products N]... [--writers N] [--seconds S]

For each size a shop of texts is indexed (hashing encoder) and served by a real `shopsearch serve`
process with one worker. Phases, each of about so many seconds: searches alone; one client that
writes one product after another (`PUT`, a new price each); as many writers as asked at once, each
with a product of its own, so that group commit can work; and a bulk request of 200 products.
Printed are p50 and p95 of a write, writes a second, and p99 of the searches that two clients ask
meanwhile.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import Scope
from shopsearch.settings import Settings

WORDS = ("red", "blue", "wool", "cotton", "mug", "lamp", "chair", "striped", "small", "round")
SEARCHERS = 2
BULK = 200
PROGRAM = """
import sys
from pathlib import Path
import structlog
from shopsearch.server.serving import serve
from shopsearch.settings import Settings

structlog.configure(
    logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    wrapper_class=structlog.make_filtering_bound_logger(40),
)
settings = Settings(home=Path(sys.argv[1]), encoder="hashing", port=0, worker_threads=80,
                    log_level="error", search_log="off", rate_limit="off", rate_limit_write="off")
serve(settings, announce=lambda address: print(address, flush=True))
"""


@dataclass(slots=True)
class Phase:
    """What went on for a while."""

    name: str
    seconds: float = 0.0
    writes_ms: list[float] = field(default_factory=list)
    searches_ms: list[float] = field(default_factory=list)
    n_failed: int = 0


class Client:
    """One connection."""

    key = ""  # of scope `catalog`, to the home at hand

    def __init__(self, place: tuple[str, int]) -> None:
        self._connection = http.client.HTTPConnection(*place, timeout=60)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, float]:
        """The status, and how long it took in milliseconds."""
        sent = None if body is None else json.dumps(body)
        started = time.perf_counter()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        self._connection.request(method, path, sent, headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, (time.perf_counter() - started) * 1000


def main() -> None:
    given = arguments()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    for n_products in given.products:
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch) / "home"
            fill(home, Path(scratch), n_products)
            with Services.open(Settings(home=home, encoder="hashing")) as services:
                Client.key = str(services.key_issuer.make("benchmark", [Scope.CATALOG]).spelt)
            with server(home) as place:
                show(n_products, phases(place, n_products, given.writers, given.seconds))


def fill(home: Path, scratch: Path, n_products: int) -> None:
    feed = scratch / "shop.jsonl"
    lines = (json.dumps({"id": f"P{n}", **product(n)}) for n in range(n_products))
    feed.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with Services.open(Settings(home=home, encoder="hashing")) as services:
        services.indexer.run(open_feed(feed), feed_name="shop")


def product(n: int) -> dict[str, str]:
    words = " ".join(random.Random(n).sample(WORDS, 4))
    return {"title": f"{words} {n}", "price": f"{n % 90 + 1}.99 EUR", "brand": f"B{n % 40}"}


@contextmanager
def server(home: Path) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname
        assert address.port
        yield address.hostname, address.port
    finally:
        process.terminate()
        process.wait(30)


def phases(
    place: tuple[str, int], n_products: int, n_writers: int, seconds: float
) -> Iterator[Phase]:
    yield during(place, Phase("searches alone"), lambda _: time.sleep(seconds))
    yield during(
        place, Phase("1 writer"), lambda phase: write(place, phase, range(1), seconds, n_products)
    )
    yield during(
        place,
        Phase(f"{n_writers} writers"),
        lambda phase: write(place, phase, range(n_writers), seconds, n_products),
    )
    yield during(place, Phase(f"bulk of {BULK}"), lambda phase: write_bulk(place, phase))


def during(place: tuple[str, int], phase: Phase, work: Callable[[Phase], None]) -> Phase:
    """Do the work while clients search."""
    ended = threading.Event()

    def search() -> None:
        client = Client(place)
        while not ended.is_set():
            words = "+".join(random.sample(WORDS, 2))
            status, took_ms = client.ask("GET", f"/api/v1/search?q={words}")
            phase.searches_ms.append(took_ms)
            phase.n_failed += status != 200
            time.sleep(0.02)

    searchers = [threading.Thread(target=search) for _ in range(SEARCHERS)]
    started = time.perf_counter()
    for thread in searchers:
        thread.start()
    work(phase)
    phase.seconds = time.perf_counter() - started
    ended.set()
    for thread in searchers:
        thread.join()
    return phase


def write(
    place: tuple[str, int], phase: Phase, writers: Sequence[int], seconds: float, n_products: int
) -> None:
    until = time.perf_counter() + seconds

    def write_on(writer: int) -> None:
        client, times = Client(place), 0
        while time.perf_counter() < until:
            times += 1
            n = writer % n_products
            body = {**product(n), "price": f"{times}.{writer:02} EUR"}
            status, took_ms = client.ask("PUT", f"/api/v1/products/P{n}", body)
            phase.writes_ms.append(took_ms)
            phase.n_failed += status != 200

    threads = [threading.Thread(target=write_on, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write_bulk(place: tuple[str, int], phase: Phase) -> None:
    operations = [
        {"op": "upsert", "product_id": f"P{n}", **product(n + 1_000_000)} for n in range(BULK)
    ]
    client = Client(place)
    status, took_ms = client.ask("POST", "/api/v1/products/bulk", {"operations": operations})
    phase.writes_ms.append(took_ms)
    phase.n_failed += status != 200


def percentile(took_ms: Sequence[float], per_cent: int) -> str:
    if len(took_ms) < 2:
        return f"{took_ms[0]:.0f}" if took_ms else "-"
    return f"{statistics.quantiles(took_ms, n=100, method='inclusive')[per_cent - 1]:.0f}"


def show(n_products: int, measured: Iterator[Phase]) -> None:
    print(
        f"\n{n_products:,} products          writes  failed  /s     p50 ms  p95 ms  search p99 ms"
    )
    for phase in measured:
        rate = len(phase.writes_ms) / phase.seconds
        print(
            f"  {phase.name:<22} {len(phase.writes_ms):>6} {phase.n_failed:>7} {rate:>6.1f} "
            f"{percentile(phase.writes_ms, 50):>7} {percentile(phase.writes_ms, 95):>7} "
            f"{percentile(phase.searches_ms, 99):>9}",
            flush=True,
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, nargs="+", default=[200, 10_000])
    parser.add_argument("--writers", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
