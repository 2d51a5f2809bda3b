"""How long a whole search takes, words in and a page of 24 with facets out, split by stage.

    python benchmarks/search.py --home scratch [--data FOLDER] [--products N ...] [--queries N]
        [--kind KIND]

The products are those of all catalogs in `--data` (unpacked, or as zip files) in one order drawn by
chance; beyond their number further ones are made of them, with a word of the title, the brand, the
colour and the price of another. Their words are written to the store as always. Their vectors are
those of a sample of them, as the compact encoder makes them from texts, each with some noise of its
own: so cosines lie as they do in a real catalog, and nothing is encoded for an hour. Each size is a
home folder of its own under `--home`; a second run starts at once.

A query is one to six words in a row out of a product's title, drawn by chance: half of them begin a
title, as a shopper would, half of them are cut out of it. Every query is asked once, so nothing of
an answer can be remembered, and the first 20 are not counted. The facets are those of the page.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scale_engines import memory_mb

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import FeedRow, PreparedItem, Product, ProductRecord, Query
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.kinds import FAISS_KINDS, FaissKind
from shopsearch.lexical.word_index import WordIndex
from shopsearch.preprocessing.text import compose
from shopsearch.settings import Settings

FEEDS = (
    "catalog-flipkart/products.csv",
    "catalog-luma/products.csv",
    "catalog-oro/products.csv",
    "catalog-tailwind/products.csv",
    "judgments-esci-dev/products.jsonl",
    "train-fashion-60x80/products.csv",
)
FACETS = ("category", "brand", "color", "price")
PAGE = 24
N_ENCODED = 1500
NOISE = 0.4  # length of what is added to a unit row
AT_ONCE = 1000
WARM_UP = 20
ENCODING = "encode"


def products(data: Path) -> list[Product]:
    return [product for feed in FEEDS for product in products_of(data, feed)]


def products_of(data: Path, feed: str) -> Iterator[Product]:
    """Ids get the name of their catalog, so that none comes twice."""
    name, _, file = feed.partition("/")
    with tempfile.TemporaryDirectory() as scratch:
        place = data / name
        if not place.is_dir():
            with zipfile.ZipFile(data / f"{name}.zip") as archive:
                place = Path(archive.extract(file, scratch)).parent
        for row in open_feed(place / file):
            if isinstance(row, FeedRow):
                yield replace(row.product, product_id=f"{name}-{row.product.product_id}", images=())


def grown(base: Sequence[Product], n: int, chance: random.Random) -> list[Product]:
    """The first n, and beyond them crossings of two."""
    made = [one for one in base[:n] if one.title]
    while len(made) < n:
        made.append(crossed(base[len(made) % len(base)], chance.choice(base), len(made), chance))
    return made


def crossed(one: Product, other: Product, number: int, chance: random.Random) -> Product:
    words = one.title.split() or ["thing"]
    words[chance.randrange(len(words))] = chance.choice(other.title.split() or ["new"])
    return replace(
        one,
        product_id=f"{one.product_id}-{number}",
        title=" ".join(words),
        brand=other.brand or one.brand,
        color=other.color or one.color,
        price=other.price or one.price,
    )


def build(
    services: Services,
    made: Sequence[Product],
    chance: random.Random,
    kind: FaissKind = "auto",
) -> None:
    """The catalog in the store, and an index generation over it."""
    some = chance.sample(made, min(N_ENCODED, len(made)))
    items = [PreparedItem(text=compose(one)) for one in some]
    sample, _ = services.embedder.embed(items)  # (S, D)
    index, words = FaissIndex(sample.shape[1], kind), WordIndex()
    for start in range(0, len(made), AT_ONCE):
        some = made[start : start + AT_ONCE]
        keys = services.store.upsert([ProductRecord(one, "", None) for one in some])
        vectors = resampled(sample, len(some), seed=start)
        index.upsert(keys, vectors, [one.filter_row() for one in some])
        words.upsert(keys, some)
    services.generations.publish(
        index,
        words,
        encoder_id=services.embedder.encoder_id,
        fusion_id=services.embedder.fusion_id,
        store_revision=services.store.revision(),
    )


def resampled(sample: NDArray[np.float32], n: int, seed: int = 0) -> NDArray[np.float32]:
    """(n, D) unit rows near those of a (S, D) sample."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, sample.shape[1])) * NOISE / np.sqrt(sample.shape[1])
    rows = sample[rng.integers(len(sample), size=n)] + noise
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def queries(made: Sequence[Product], n: int, chance: random.Random) -> list[str]:
    asked = []
    while len(asked) < n:
        words = chance.choice(made).title.split()
        length = chance.randint(1, min(6, len(words)))
        start = 0 if len(asked) % 2 else chance.randint(0, len(words) - length)
        asked.append(" ".join(words[start : start + length]))
    return asked


def timed(
    services: Services, asked: Sequence[str], clock: Callable[[], float]
) -> dict[str, NDArray[np.float64]]:
    """Milliseconds of each search by stage, and of the whole."""
    search, rows = services.search, []
    search._clock = clock
    for text in asked:
        page = search.search(Query(text=text, k=PAGE, facets=FACETS, cutoff=True))
        rows.append({**page.stages_ms, "whole": page.took_ms})
    counted = rows[WARM_UP:]
    names = dict.fromkeys(name for row in counted for name in row)
    return {name: np.array([row.get(name, 0.0) for row in counted]) for name in names}


def show(n_products: int, times: dict[str, NDArray[np.float64]]) -> None:
    print(f"\n{n_products:,} products, {len(times['whole'])} queries: ms p50, p99")
    for name, values in times.items():
        print(f"  {name:<12} {np.median(values):7.2f} {np.percentile(values, 99):7.2f}")
    others = times["whole"] - times[ENCODING]
    ratio = np.median(others) / np.median(times[ENCODING])
    print(f"  {'all but it':<12} {np.median(others):7.2f} {np.percentile(others, 99):7.2f}", end="")
    print(f"   {ratio:.2f} times the text encoder")


def main(options: argparse.Namespace) -> None:
    import torch

    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    print(f"{torch.get_num_threads()} torch threads, load {os.getloadavg()[0]:.1f}")
    clock = time.perf_counter
    if options.cpu:
        torch.set_num_threads(1)
        clock = time.thread_time
    base: list[Product] = []
    for n in options.products:
        with Services.open(Settings(home=options.home / str(n))) as services:
            chance = random.Random(n)
            if not services.generations.ids():
                base = base or products(options.data)
                random.Random(0).shuffle(base)
                build(services, grown(base, n, chance), chance, options.kind)
            some = services.store.fetch(chance.sample(range(1, n + 1), min(n, 5 * options.queries)))
            titled = [one.product for one in some.values()]
            services.encoder.load()
            asked = queries(titled, options.queries + WARM_UP, chance)
            show(n, timed(services, asked, clock))
            print(f"  {memory_mb()['anonymous']:,.0f} MB of this process alone in memory")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--products", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--kind", choices=FAISS_KINDS, default="auto", help="of new indexes")
    parser.add_argument(
        "--cpu", action="store_true", help="one thread, and its processor time: for busy machines"
    )
    main(parser.parse_args())
