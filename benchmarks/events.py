"""What the events answer and how quickly, over a drawn shop with a year of events.

    python benchmarks/events.py [--events 200000] [--products 20000]

One event in ten is a purchase, in orders of three lines on average; products are drawn by Zipf's
law, so that the first is in more baskets than most shops' best seller. Times are of one process
over one SQLite file (or the database of --url, which is migrated and filled).
"""

from __future__ import annotations

import argparse
import platform
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from shopsearch.domain import Event, EventKind
from shopsearch.store.sql import Database, SqlEventStore

NOW = datetime.now(UTC)
DAYS = 365
LINES_PER_ORDER = 3
KINDS = (*[EventKind.VIEW] * 6, *[EventKind.CLICK] * 2, EventKind.CART, EventKind.PURCHASE)
BATCH = 10_000


def drawn(n_events: int, n_products: int) -> Iterator[Event]:
    chance = random.Random(0)
    shares = 1 / np.arange(1, n_products + 1)
    products = np.random.default_rng(0).choice(n_products, size=n_events, p=shares / shares.sum())
    n_visitors = n_events // 10
    order, left = 0, 0
    for number, product in enumerate(products.tolist()):
        kind = chance.choice(KINDS)
        visitor = f"v{chance.randrange(n_visitors)}"
        at = NOW - timedelta(seconds=chance.randrange(DAYS * 86_400))
        if kind is EventKind.PURCHASE:
            if left == 0:
                order, left = number, chance.randint(1, 2 * LINES_PER_ORDER - 1)
                of_order = (visitor, at)
            left -= 1
            visitor, at = of_order
        yield Event(
            event_id=f"event-{number}",
            kind=kind,
            product_id=f"p{product}",
            at=at,
            visitor=visitor,
            order_id=f"order-{order}" if kind is EventKind.PURCHASE else "",
        )


def filled(store: SqlEventStore, events: Iterator[Event]) -> float:
    batch: list[Event] = []
    took = 0.0
    for one in events:
        batch.append(one)
        if len(batch) == BATCH:
            took += timed(lambda: store.write(batch))
            batch.clear()
    return took


def timed(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def tell(name: str, asks: list[Callable[[], object]]) -> None:
    took = [1000 * timed(ask) for ask in asks]
    p50, p95 = np.percentile(took, [50, 95])
    print(f"{name:44} p50 {p50:9.2f} ms   p95 {p95:9.2f} ms")


def measure(database: Database, options: argparse.Namespace) -> None:
    database.migrate()
    store = SqlEventStore(database)
    took = filled(store, drawn(options.events, options.products))
    print(f"written: {options.events / took:,.0f} events a second, in batches of {BATCH:,}")
    chance = random.Random(1)
    since = NOW - timedelta(days=DAYS + 1)
    some = [f"p{chance.randrange(options.products)}" for _ in range(50)]
    sold = [one.product_id for one in store.popular(since, NOW, [EventKind.PURCHASE], limit=100)]
    for name, products in (("any product", some), ("one of the 100 best sold", sold[1:])):
        tell(
            f"together, {name}",
            [lambda p=p: store.together(p, since, limit=24) for p in products],  # type: ignore[misc]
        )
    tell("together, the best sold", [lambda: store.together(sold[0], since, limit=24)] * 5)
    for days in (7, 30, DAYS):
        after = NOW - timedelta(days=days)
        for name, kinds in (("purchases", [EventKind.PURCHASE]), ("all kinds", list(EventKind))):
            tell(
                f"popular, {name}, {days} days",
                [lambda a=after, k=kinds: store.popular(a, NOW, k, limit=100)] * 5,  # type: ignore[misc]
            )
    visitors = [f"v{chance.randrange(options.events // 10)}" for _ in range(50)]
    tell("of_visitor", [lambda v=v: store.of_visitor(v, limit=100) for v in visitors])  # type: ignore[misc]
    tell("erase", [lambda v=v: store.erase(v) for v in visitors])  # type: ignore[misc]
    n_gone = 0

    def prune() -> None:
        nonlocal n_gone
        n_gone = store.prune(NOW - timedelta(days=DAYS - 30))

    took = timed(prune)
    print(f"pruned: {n_gone:,} events in {took:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--url", help="another database than a new SQLite file")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )
    with tempfile.TemporaryDirectory() as folder:
        database = Database(options.url or f"sqlite:///{Path(folder) / 'catalog.db'}")
        measure(database, options)
        if database.path is not None:
            print(f"file: {database.path.stat().st_size / 1e6:,.0f} MB")
        database.close()


if __name__ == "__main__":
    main()
