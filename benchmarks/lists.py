"""What a page of a list by filter costs, by order and under signals, at many products.

    python benchmarks/lists.py [--products N] [--runs N]

The products are drawn with random unit vectors: lists never look at these. A page of 24 is asked
for in the middle of a list of everything and of a filter that keeps a tenth, in every order, and by
signals. "first" is the first answer of a process, which reads and sorts what later ones only look
up; the others are told by their median and 95th percentile. Beside them, the time that MMR takes
to reorder a window.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    Price,
    Product,
    ProductFilter,
    ProductRecord,
    Query,
    Signal,
    Sort,
)
from shopsearch.merchandising import FixedRules
from shopsearch.ranking.diversity import diversified
from shopsearch.settings import Settings
from shopsearch.signals import FixedSignals

DIMENSION = 64
AT_ONCE = 2000
TENTH = ProductFilter((AnyOf("color", ("color 3",)),))
SIGNALS = (
    Signal("popularity", 0.5),
    Signal("margin", 0.3),
    Signal("stock", 1.0),
    Signal("freshness", 0.3),
)


def product(n: int, chance: random.Random) -> Product:
    return Product(
        product_id=f"p{n}",
        title=f"Mug number {n}",
        brand=f"brand {chance.randrange(500)}",
        color=f"color {n % 10}",
        price=Price(chance.randrange(100, 100_000), "USD"),
        availability=chance.choice(("in_stock", "out_of_stock", "")),
        attributes={
            "margin": f"{chance.random():.3f}",
            "review_count": str(int(chance.paretovariate(0.7))),
        },
    )


def fill(services: Services, n_products: int) -> None:
    """Products straight into store and index: nothing is encoded for a list."""
    chance, rng = random.Random(0), np.random.default_rng(0)
    with services.indexer._drafts.next() as draft:
        for start in range(0, n_products, AT_ONCE):
            some = [product(n, chance) for n in range(start, min(start + AT_ONCE, n_products))]
            keys = services.store.upsert([ProductRecord(one, "f", None) for one in some])
            vectors = rng.normal(size=(len(some), DIMENSION))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            draft.upsert(keys, vectors.astype(np.float32), [one.filter_row() for one in some])
            draft.revision = services.store.revision()


def timed(ask: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Milliseconds: the first, the median of the others, their 95th percentile."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    p50, p95 = np.percentile(times[1:], [50, 95])
    return times[0], float(p50), float(p95)


def rows(services: Services, runs: int) -> Iterator[str]:
    plain = services.search_under(FixedRules(), signals=FixedSignals())
    weighed = services.search_under(FixedRules(), signals=FixedSignals(SIGNALS))
    for kept, where in (("everything", EVERYTHING), ("a tenth", TENTH)):
        n = plain.search(Query(where=where, k=1)).total
        orders = [(sort.value, plain, sort) for sort in Sort]
        for name, service, sort in [*orders, ("four signals", weighed, Sort.RELEVANCE)]:
            query = Query(where=where, sort=sort, offset=n // 2, k=24)
            first, p50, p95 = timed(lambda s=service, q=query: s.search(q), runs)
            yield f"| {kept} | {name} | {first:.1f} | {p50:.1f} | {p95:.1f} |"


def mmr_row(runs: int) -> str:
    vectors = np.random.default_rng(0).normal(size=(200, 1024)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = np.linspace(1.0, 0.0, 200)
    first, p50, p95 = timed(lambda: diversified(scores, vectors, 0.3), 10 * runs)
    return f"| - | MMR, 200 hits of 1024 | {first:.1f} | {p50:.1f} | {p95:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    print(f"{options.products:,} products, {platform.machine()}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), encoder="hashing", index="exact")
        with Services.open(settings) as services:
            fill(services, options.products)
            print("| list | order | first ms | p50 ms | p95 ms |\n|---|---|---|---|---|")
            for row in rows(services, options.runs):
                print(row, flush=True)
    print(mmr_row(options.runs))


if __name__ == "__main__":
    main()
