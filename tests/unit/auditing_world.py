"""Small catalogs whose faults are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopsearch.auditing import CatalogSnapshot
from shopsearch.auditing.neighbours import Nearest, nearest
from shopsearch.auditing.snapshot import Rows, unit
from shopsearch.domain import Product
from shopsearch.index.base import VectorIndex
from shopsearch.index.exact import ExactIndex

DIMENSION = 32


def new_index(dimension: int, _n: int) -> VectorIndex:
    return ExactIndex(dimension)


def silent(*_: object) -> None: ...


def near(rows: Rows, k: int = 12) -> Nearest:
    return nearest(rows, new_index, silent, k)


def snapshot_of(
    products: Sequence[Product],
    *,
    image_hashes: Sequence[str | None] | None = None,
    sizes: Sequence[tuple[int, int] | None] | None = None,
    words: Rows | None = None,
    sights: Rows | None = None,
    looks: Rows | None = None,
    vectors: Rows | None = None,
) -> CatalogSnapshot:
    """A snapshot; rows that are not given are zero, as of products that are not embedded."""
    nothing = np.zeros((len(products), DIMENSION), dtype=np.float32)
    hashes = [None] * len(products) if image_hashes is None else image_hashes
    return CatalogSnapshot(
        generation="g",
        products=products,
        image_hashes=hashes,
        sizes=[None] * len(products) if sizes is None else sizes,
        words=nothing if words is None else words,
        sights=nothing if sights is None else sights,
        looks=nothing if looks is None else looks,
        vectors=nothing if vectors is None else vectors,
    )


def kinds_of_things(
    n: int, n_kinds: int = 6, seed: int = 0
) -> tuple[list[Product], Rows, Rows, Rows]:
    """Products, words, sights and looks. Words and sights of a product share what it is and what is
    its own, with noise of their own; looks know the same in other dimensions.
    """
    chance = np.random.default_rng(seed)
    kinds = chance.integers(0, n_kinds, n)
    middles, own = chance.normal(size=(n_kinds, DIMENSION)), chance.normal(size=(n, DIMENSION))
    turn = np.linalg.qr(chance.normal(size=(DIMENSION, DIMENSION)))[0]
    meant = 2.0 * middles[kinds] + own

    def seen(noise: float) -> np.ndarray:
        return meant + noise * chance.normal(size=meant.shape)

    products = [
        Product(
            product_id=f"p{place}",
            title=f"Thing {place} of kind {kind}",
            product_type=f"Things > Kind {kind}",
        )
        for place, kind in enumerate(kinds.tolist())
    ]
    rows = (unit(rows.astype(np.float32)) for rows in (seen(0.7), seen(0.7), seen(0.3) @ turn))
    words, sights, looks = rows
    return products, words, sights, looks
