"""What PostgreSQL takes to be filled and asked, against SQLite where both can do it.

    python benchmarks/postgresql.py [--products 20000] [--url URL]

Products have words by Zipf's law: 7 in the title, 40 in the description. What is written costs
processor time of this process and, on PostgreSQL, of the server's one for it: other work on the
machine does not distort that. PostgreSQL is measured twice, without COPY and with it. Without --url
a server of the tests' own is started, which does not wait for the disk; the database of --url is
wiped.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy import text

from shopsearch.domain import Price, Product, ProductRecord
from shopsearch.store import bulk
from shopsearch.store.sql import Database, SqlEmbeddingCache, SqlLexicalIndex, SqlProductStore
from tests.postgresql import server

BATCH = 256
DIMENSION = 512
N_WORDS = 30_000
BRANDS = [f"Brand{n}" for n in range(200)]
COLORS = ["red", "green", "blue", "black", "white", "brown", "grey", "yellow"]
TYPES = [f"Clothing > Kind{n // 10} > Sort{n}" for n in range(100)]


def drawn(n_products: int, seed: int = 0) -> Iterator[Product]:
    rng = np.random.default_rng(seed)
    spelling = rng.integers(97, 123, size=(N_WORDS, 9))
    lengths = rng.integers(3, 10, size=N_WORDS)
    words = np.array(
        [bytes(s[:n].tolist()).decode() for s, n in zip(spelling, lengths, strict=True)]
    )
    shares = 1 / np.arange(1, N_WORDS + 1)
    shares /= shares.sum()
    for start in range(0, n_products, 1000):
        texts = words[rng.choice(N_WORDS, size=(1000, 47), p=shares)]
        for n, row in enumerate(texts[: n_products - start], start):
            yield Product(
                product_id=f"p{n}",
                title=" ".join(row[:7]),
                description=" ".join(row[7:]),
                brand=BRANDS[int(rng.integers(len(BRANDS)))],
                product_type=TYPES[int(rng.integers(len(TYPES)))],
                color=COLORS[int(rng.integers(len(COLORS)))],
                images=(f"images/{n}.jpg", f"images/{n}-2.jpg"),
                attributes={"fit": "slim", "season": "winter"},
                price=Price(int(rng.integers(500, 50_000)), "EUR"),
            )


def batches(products: Sequence[Product], size: int = BATCH) -> Iterator[list[ProductRecord]]:
    rest = iter(products)
    while some := list(islice(rest, size)):
        yield [ProductRecord(p, f"{hash(p.title):x}", f"{p.product_id:0>64}") for p in some]


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


class Costs:
    """Processor time of this process and of the one that serves it."""

    def __init__(self, database: Database) -> None:
        self._server: Path | None = None
        if database.is_shared:
            with database.reading() as connection:  # the pool gives the same one again and again
                pid = connection.scalar(text("SELECT pg_backend_pid()"))
            stat = Path(f"/proc/{pid}/stat")  # there is none where the server is elsewhere
            self._server = stat if stat.exists() else None

    def of(self, call: Callable[[], object]) -> tuple[float, float]:
        here, there = time.process_time(), self._of_server()
        call()
        return time.process_time() - here, self._of_server() - there

    def _of_server(self) -> float:
        if self._server is None:
            return 0.0
        fields = self._server.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def filled(database: Database, products: Sequence[Product]) -> None:
    store, cache, costs = SqlProductStore(database), SqlEmbeddingCache(database), Costs(database)

    def upsert() -> None:
        for batch in batches(products):
            store.upsert(batch)

    def keep() -> None:
        rng = np.random.default_rng(1)
        for batch in batches(products):
            vectors = rng.standard_normal((len(batch), DIMENSION)).astype(np.float32)
            hashes = (record.image_hash or "" for record in batch)
            cache.put("e", dict(zip(hashes, vectors, strict=True)))

    for what, call in (("new", upsert), ("changed", upsert), ("embeddings", keep)):
        here, there = costs.of(call)
        per_thousand = 1000 / len(products)
        print(
            f"  {what:10}  {here * per_thousand:6.3f} s here, {there * per_thousand:6.3f} s in the "
            "server, for 1,000 products"
        )


def asked(database: Database, products: Sequence[Product], n_queries: int) -> None:
    words = SqlLexicalIndex(database)
    rng = np.random.default_rng(2)
    for kind, n_terms in (("one word", 1), ("three words", 3), ("six words", 6)):
        took = []
        for n in rng.integers(len(products), size=n_queries).tolist():
            terms = products[n].title.split()[:n_terms]
            took.append(timed(lambda t=terms: words.search(t, 200)) * 1000)
        print(
            f"  search, {kind:12} p50 {statistics.median(took):7.1f} ms  "
            f"p99 {np.percentile(took, 99):7.1f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--url")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    products = list(drawn(options.products))
    with ExitStack() as running:
        for kind in ("sqlite", "postgresql", "postgresql with COPY"):
            if options.only not in (None, kind.split()[0]):
                continue
            bulk.COPY_FROM = BATCH // 8 if kind.endswith("COPY") else len(products) + 1
            if kind == "sqlite":
                folder = running.enter_context(tempfile.TemporaryDirectory())
                url = f"sqlite:///{Path(folder) / 'catalog.db'}"
            else:
                url = options.url or running.enter_context(server())
            database = Database(url)
            if kind != "sqlite":
                with database.writing() as connection:
                    connection.execute(text("DROP SCHEMA public CASCADE"))
                    connection.execute(text("CREATE SCHEMA public"))
            database.migrate()
            print(f"{kind}, {len(products):,} products")
            filled(database, products)
            asked(database, products, options.queries)
            database.close()


if __name__ == "__main__":
    main()
