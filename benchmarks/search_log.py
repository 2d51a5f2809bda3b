"""What logging costs a search: the same requests with the search log on and off, in turn.

    python benchmarks/search_log.py [--products 500] [--requests 2000]

A drawn shop, the hashing encoder (which takes next to no time, so that the share of the log is at
its largest), the whole application behind Flask's test client, in one process. Each request is made
of both applications, the one or the other first in turn; the ratios are of one run. The log is
written meanwhile, by its own thread. Then the log is filled, and `insights` and the suggestions are
timed over it.
"""

from __future__ import annotations

import argparse
import logging
import platform
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import structlog
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import LoggedSearch, SearchKind
from shopsearch.insights.summary import summarise
from shopsearch.server import create_app
from shopsearch.settings import Settings

WORDS = ("red mug", "striped lamp", "blue cap", "green umbrella", "cushion", "scarf", "black")
NOW = datetime.now(UTC)

FILLED = ("red", "blue", "mug", "lamp", "cap", "striped", "scarf")


def timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def ask(client: FlaskClient, number: int) -> float:
    words = WORDS[number % len(WORDS)]
    return timed(lambda: client.get("/api/v1/search", query_string={"q": words}).get_data())


def compared(on: FlaskClient, off: FlaskClient, n_requests: int) -> tuple[list[float], list[float]]:
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(n_requests):
        first = number % 2
        for which in (first, 1 - first):
            took[which].append(ask((on, off)[which], number))
    return took


def fill(services: Services, n: int) -> None:
    chance = random.Random(0)
    base = LoggedSearch(
        search_id="",
        at=NOW,
        session=None,
        text="",
        kind=SearchKind.WORDS,
        total=40,
        product_ids=tuple(f"product-{k}" for k in range(24)),
        took_ms=12.0,
        generation="g",
    )
    for start in range(0, n, 5_000):
        batch = [
            replace(
                base,
                search_id=f"filled-{start + k}",
                at=NOW - timedelta(minutes=chance.randrange(60 * 24 * 80)),
                session=f"s{chance.randrange(n // 4)}",
                text=" ".join(chance.sample(FILLED, 3)),
            )
            for k in range(5_000)
        ]
        services.search_log.write(batch, [])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=500)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--logged", type=int, default=200_000)
    return parser.parse_args()


def measure(folder: Path, options: argparse.Namespace) -> None:
    settings = Settings(home=folder / "home", encoder="hashing", rate_limit="off")
    with Services.open(settings) as logs, Services.open(settings) as keeps_none:
        feed = draw_shop(folder / "feed", n_products=options.products)
        logs.indexer.run(open_feed(feed), feed_name="drawn")
        keeps_none.settings = settings.model_copy(update={"search_log": "off"})
        clients = [create_app(each).test_client() for each in (logs, keeps_none)]
        for number in range(50):
            for client in clients:
                ask(client, number)
        on, off = compared(clients[0], clients[1], options.requests)
        for name, took in (("on", on), ("off", off)):
            p50, p99 = np.percentile(took, [50, 99])
            print(f"log {name:3}  p50 {p50:7.3f} ms   p99 {p99:7.3f} ms")
        print(f"ratio of the medians {np.median(on) / np.median(off):.3f}")
        print(f"of the means         {np.mean(on) / np.mean(off):.3f}")
        print(f"dropped {logs.logbook.n_dropped}")
        fill(logs, options.logged)
        since = NOW - timedelta(days=90)
        told = timed(lambda: summarise(logs.search_log.read(since, NOW), since, NOW, limit=10))
        print(f"insights over {options.logged:,} searches: {told / 1000:.1f} s")
        assert logs.logged_queries is not None
        renewed = timed(logs.logged_queries.renew)
        print(f"logged queries read anew, beside the requests: {renewed / 1000:.2f} s")
        logs.suggestions.suggest("re")
        suggested = [timed(lambda: logs.suggestions.suggest("striped re")) for _ in range(50)]
        print(f"a suggestion: p50 {np.median(suggested):.1f} ms")


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    options = arguments()
    print(f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options)


if __name__ == "__main__":
    main()
