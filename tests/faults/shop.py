"""What the fault tests index, the homes they start from, and the truth they compare with."""

from __future__ import annotations

import csv
import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.bootstrap import Services
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import EVERYTHING, Query
from shopsearch.settings import Settings

from .launcher import Launcher

N_PRODUCTS = int(os.environ.get("SHOPSEARCH_TEST_PRODUCTS", "20"))
N_REJECTED = 2
FOUND_AT = 10
KEPT = {"catalog.db", "catalog.db-wal", "catalog.db-shm", "CURRENT", "indexing.lock"}
KEPT_FOLDERS = {"generations", "images"}


@dataclass(frozen=True, slots=True)
class Shop:
    """Two versions of a feed: today's has new, changed and missing products, and bad rows."""

    yesterday: Path
    today: Path

    @property
    def n_today(self) -> int:
        """Rows of today's feed, the bad ones included."""
        with self.today.open(encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.DictReader(file))


def draw_two_versions(folder: Path) -> Shop:
    """Draw the shop and write both feeds beside its pictures."""
    folder.mkdir()
    drawn = draw_shop(folder, n_products=N_PRODUCTS)
    with drawn.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    n_new = max(2, len(rows) // 3)
    today = [dict(row) for row in rows[2:]]  # the first two are gone
    for row in today[:3]:
        row["title"] = f"Better {row['title']}"
    for row in today[3:5]:
        row["price"] = "1.00 USD"
    for row, broken in zip(rows[:N_REJECTED], ("no-such.png", "products.csv"), strict=True):
        today.append({**row, "id": f"bad-{row['id']}", "image_link": broken})
    return Shop(
        yesterday=_write(folder / "yesterday.csv", rows[:-n_new]),
        today=_write(folder / "today.csv", today),
    )


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass(frozen=True, slots=True)
class Truth:
    """What a home must hold in the end: what a fresh build of the same feed holds."""

    vectors: Mapping[str, NDArray[np.float32]]  # by product id
    fingerprints: Mapping[str, str]
    contents: frozenset[str]  # hashes of what is encoded

    @classmethod
    def of(cls, home: Path) -> Truth:
        with opened(home) as services:
            stored = stored_products(services)
            keys = np.array(list(stored.values()), dtype=np.int64)
            vectors = services.generations.load().index.fetch(keys)
            fingerprints = services.store.fingerprints(list(stored))
        return cls(dict(zip(stored, vectors, strict=True)), fingerprints, encoded_in(home))

    def without(self, product_ids: Sequence[str]) -> Truth:
        left = {id_: row for id_, row in self.vectors.items() if id_ not in product_ids}
        return Truth(left, {id_: self.fingerprints[id_] for id_ in left}, self.contents)


@dataclass(frozen=True, slots=True)
class Homes:
    """Homes that tests copy, and what they must end as."""

    empty: Path
    yesterday: Path  # two generations, so that the next one prunes
    today: Path
    truth: Truth  # of today

    @classmethod
    def made(cls, scratch: Path, shop: Shop, launcher: Launcher) -> Homes:
        empty, yesterday, today = (
            scratch / f"home-{name}" for name in ("empty", "yesterday", "today")
        )
        with opened(empty):
            pass
        for home, feed in ((yesterday, shop.yesterday), (today, shop.today)):
            shutil.copytree(empty, home)
            assert launcher.start("index", feed, home=home).wait() in (0, 3)
            assert launcher.start("reindex", home=home).wait() == 0
        return cls(empty, yesterday, today, Truth.of(today))

    def copy(self, home: Path, to: Path) -> Path:
        shutil.copytree(home, to)
        return to


def opened(home: Path) -> Services:
    """The services over a home, set up as its children are."""
    return Services.open(settings(home))


def settings(home: Path) -> Settings:
    """Small batches, few generations, an encoder without weights."""
    return Settings(home=home, encoder="hashing", batch_size=5, keep_generations=2)


def stored_products(services: Services) -> dict[str, int]:
    """The keys of all products by the shop's ids, oldest first; read write by write."""
    held: dict[str, int] = {}
    revision = 0
    while (changes := services.store.changes_since(revision, 500)).revision != revision:
        held |= {one.product.product_id: one.key for one in changes.upserted}
        revision = changes.revision
    return held


def encoded_in(home: Path) -> frozenset[str]:
    """The hashes of the contents whose embeddings are kept."""
    with closing(sqlite3.connect(home / "catalog.db")) as database:
        rows = database.execute("SELECT content_hash FROM embeddings")
        return frozenset(row[0] for row in rows)


def leftovers(home: Path) -> list[str]:
    """What lies in a home that nothing leads to: temporary files, half-made generations."""
    strange = [
        path
        for path in home.iterdir()
        if path.name not in (KEPT_FOLDERS if path.is_dir() else KEPT)
    ]
    strange += home.glob("generations/.*")
    strange += home.glob("images/**/.*")
    return sorted(str(path.relative_to(home)) for path in strange)


def check_answers(services: Services) -> None:
    """The live generation can be searched, and shows nothing that the store does not hold."""
    held = stored_products(services)
    page = services.search.search(Query(text="red mug", k=FOUND_AT, facets=("brand",)))
    assert page.hits
    assert {hit.product.product_id for hit in page.hits} <= set(held)


def check_acknowledged(services: Services, trace: Sequence[dict[str, Any]]) -> None:
    """Every write that returned is in the store."""
    upserted: set[str] = set()
    for one in trace:
        if one["when"] == "after":
            upserted = (upserted | set(one.get("upserted", ()))) - set(one.get("removed", ()))
    removed = {id_ for one in trace for id_ in one.get("removed", ())}
    held = set(stored_products(services))
    assert upserted <= held
    assert not removed & held


def check_whole(services: Services, truth: Truth) -> None:
    """Store and index hold exactly the truth, and each product is found by its own vector."""
    held = stored_products(services)
    assert set(held) == set(truth.vectors)
    assert services.store.count() == len(held)
    assert services.store.fingerprints(list(held)) == truth.fingerprints
    generation = services.live.get()
    index = generation.index
    assert generation.manifest.store_revision == services.store.revision()
    assert index.fields.matching(EVERYTHING).tolist() == sorted(held.values())
    assert generation.words is not None
    assert len(generation.words) == len(held)
    ids = list(truth.vectors)
    keys = np.array([held[id_] for id_ in ids], dtype=np.int64)  # (N,)
    vectors = np.stack([truth.vectors[id_] for id_ in ids])  # (N, D)
    np.testing.assert_allclose(index.fetch(keys), vectors, atol=1e-6)
    check_recall(services, keys, vectors)


def check_recall(services: Services, keys: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """Every product is nearest to its own vector, and recall@10 is that of comparing all."""
    k = min(FOUND_AT, len(keys))
    found = services.live.get().index.search(vectors, k)
    cosines = vectors @ vectors.T  # (N, N)
    for row, key in enumerate(keys):
        best = found.keys[row][found.scores[row] >= found.scores[row].max() - 1e-5]
        assert key in best, "a product is not found by its own vector"
        kth = np.sort(cosines[row])[-k]
        theirs = cosines[row][np.isin(keys, found.keys[row])]
        assert len(theirs) == k
        assert theirs.min() >= kth - 1e-5, "recall@10 is below that of a fresh build"


def remarks(services: Services) -> list[str]:
    """What is said of the vectors of the live generation, where they are outside of its folder."""
    outside, live = services.outside, services.generations.current_id()
    assert outside is not None
    assert live is not None
    kept = services.generations.kept()
    return [one.what for one in outside.remarks(services.generations.folder(live), kept)]
