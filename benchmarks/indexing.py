"""Products a second of the whole indexing road, over what its two costly stages alone allow.

    python benchmarks/indexing.py [--feed FEED] [--map FIELD=COLUMN]... [--repeats N] [--encoder E]

In each repeat, in one process and on the same cores: (1) decode: every product is hashed, its
picture decoded and a working copy written; (2) encode: ready pictures and texts are encoded;
(3) the whole road: `Indexer.run` into an empty home. The bound is what decode and encode allow one
after the other on the same cores, 1 / (1/decode + 1/encode). Medians over the repeats are printed,
and the seconds that each stage of the whole road took in the last one.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from shopsearch.bootstrap import Services
from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import FeedRow, PreparedItem, Product
from shopsearch.settings import Settings

Result = TypeVar("Result")


def main() -> None:
    given = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        feed = Path(given.feed) if given.feed else draw_shop(Path(scratch) / "shop")
        mapping = FieldMapping(dict(pair.split("=", 1) for pair in given.map), given.currency)
        products = [
            row.product for row in open_feed(feed, mapping=mapping) if isinstance(row, FeedRow)
        ]
        _show_machine(len(products), given.encoder)
        rates: dict[str, list[float]] = defaultdict(list)
        for repeat in range(given.repeats):
            home = Path(scratch) / f"home-{repeat}"
            for name, rate in _repeat(home, products, feed, mapping, given.encoder).items():
                rates[name].append(rate)
    _show(rates)


def _repeat(
    home: Path, products: list[Product], feed: Path, mapping: FieldMapping, encoder: str
) -> dict[str, float]:
    settings = Settings(home=home / "stages", encoder=encoder)
    n = len(products)
    with Services.open(settings) as services:
        services.encoder.load().encode_texts(["warm"])
        seconds, items = _timed(lambda: _prepared(services, products))
        decode = n / seconds
        seconds, _ = _timed(lambda: _encoded(services, items))
        encode = n / seconds
        loaded = services.encoder
    with Services.open(Settings(home=home / "road", encoder=encoder)) as services:
        services.encoder = loaded
        with _stages(services) as stages:
            seconds, report = _timed(
                lambda: services.indexer.run(
                    open_feed(feed, mapping=mapping), feed_name="benchmark"
                )
            )
    bound = 1 / (1 / decode + 1 / encode)
    whole = report.read / seconds
    print(
        f"  stages of the road, seconds of {seconds:.1f}: "
        + ", ".join(f"{name} {spent:.2f}" for name, spent in stages.items())
    )
    return {
        "decode": decode,
        "encode": encode,
        "bound": bound,
        "road": whole,
        "road / encode": whole / encode,
        "road / bound": whole / bound,
    }


def _prepared(services: Services, products: list[Product]) -> list[PreparedItem]:
    preparer = services.preparer
    with ThreadPoolExecutor(2) as pool:
        return list(
            pool.map(lambda product: preparer.prepare(preparer.identify(product)), products)
        )


def _encoded(services: Services, items: list[PreparedItem], batch: int = 64) -> None:
    for start in range(0, len(items), batch):
        part = items[start : start + batch]
        services.encoder.encode_texts([item.text for item in part if item.text])
        services.encoder.encode_images([item.picture.load() for item in part if item.picture])


@contextmanager
def _stages(services: Services) -> Iterator[dict[str, float]]:
    """Seconds that the main thread spends in each stage of the road."""
    spent: dict[str, float] = defaultdict(float)

    def watch(owner: object, method: str, name: str) -> None:
        inner = getattr(owner, method)

        def timed(*given: object, **named: object) -> object:
            started = time.perf_counter()
            try:
                return inner(*given, **named)
            finally:
                spent[name] += time.perf_counter() - started

        setattr(owner, method, timed)

    watch(services.encoder, "encode_images", "encode images")
    watch(services.encoder, "encode_texts", "encode texts")
    watch(services.cache, "put", "keep embeddings")
    watch(services.store, "upsert", "store")
    watch(services.store, "find", "find (beside)")
    watch(services.preparer, "identify", "hash (beside, all threads)")
    watch(services.preparer, "prepare", "decode (beside, all threads)")
    watch(services.generations, "publish", "publish")
    yield spent


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feed")
    parser.add_argument("--map", action="append", default=[])
    parser.add_argument("--currency")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--encoder", default="compact")
    return parser.parse_args()


def _show_machine(n_products: int, encoder: str) -> None:
    print(
        f"{n_products} products, encoder {encoder}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}"
    )


def _show(rates: dict[str, list[float]]) -> None:
    for name, values in rates.items():
        unit = "" if "/" in name else " products/s"
        print(
            f"{name:>14}: median {statistics.median(values):8.2f}{unit}   "
            f"({min(values):.2f} to {max(values):.2f} over {len(values)})"
        )


if __name__ == "__main__":
    main()
