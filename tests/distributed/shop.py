"""A small shop with what makes encoding elsewhere hard, and what a home holds after indexing it."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import IndexReport
from shopsearch.indexing import Indexer

NO_PICTURE = "no-picture"
MISSING = "missing"


def hard_shop(folder: Path, *, n_products: int) -> Path:
    """Drawn products; five more: two have no readable picture, one no file, two repeat another."""
    feed = draw_shop(folder, n_products=n_products)
    with feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nthis is no picture")
    shutil.copyfile(folder / rows[0]["image_link"], folder / "again.webp")
    more = [
        {**rows[0], "id": f"{NO_PICTURE}-1", "image_link": "broken.png"},
        {**rows[1], "id": f"{NO_PICTURE}-2", "image_link": "broken.png"},
        {**rows[2], "id": MISSING, "image_link": "no-such.png"},
        {**rows[3], "id": "same-words"},
        {**rows[4], "id": "same-picture", "image_link": "again.webp"},
    ]
    with feed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows([*rows[:3], *more, *rows[3:]])
    return feed


@dataclass(frozen=True, slots=True)
class Held:
    """What a home holds."""

    vectors: Mapping[str, NDArray[np.float32]]  # by product id
    files: Mapping[str, bytes]  # of the picture library, by their places in it

    @classmethod
    def by(cls, services: Services) -> Held:
        changes = services.store.changes_since(0, 10_000)
        keys = np.array([one.key for one in changes.upserted], dtype=np.int64)
        rows = services.generations.load().index.fetch(keys)
        ids = [one.product.product_id for one in changes.upserted]
        root = services.settings.home / "images"
        files = {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }
        return cls(dict(zip(ids, rows, strict=True)), files)

    def assert_same(self, other: Held) -> None:
        assert self.vectors.keys() == other.vectors.keys()
        for product_id, row in self.vectors.items():
            np.testing.assert_allclose(row, other.vectors[product_id], atol=1e-5)
        assert self.files == other.files


def run(indexer: Indexer, feed: Path, **options: Any) -> IndexReport:
    """Index a feed under one name."""
    return indexer.run(open_feed(feed), feed_name="shop", **options)


def counts(report: IndexReport) -> dict[str, Any]:
    """All of a report but what differs from run to run."""
    return {
        name: getattr(report, name)
        for name in (
            "read",
            "indexed",
            "unchanged",
            "removed",
            "rejected",
            "texts_encoded",
            "images_encoded",
            "interrupted",
            "not_pruned",
        )
    }
