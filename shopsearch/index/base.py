"""The port of the index room."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    EVERYTHING,
    FieldCounts,
    FilterRow,
    Lexicon,
    Neighbours,
    Product,
    ProductFilter,
)


class Fields(Protocol):
    """What a `ProductFilter` can ask of the products of an index, and what they have, by field."""

    def matching(self, where: ProductFilter) -> NDArray[np.int64]:
        """All keys that pass a filter, ascending."""

    def counts(
        self,
        field: str,
        where: ProductFilter = EVERYTHING,
        *,
        limit: int,
        named: Sequence[str] = (),
        except_key: int | None = None,
        once_per: str | None = None,
        containing: str = "",
    ) -> FieldCounts:
        """What the products that pass a filter have in one field, but for one product.

        Lists the `limit` most frequent words, and beyond these the `named` ones (case-folded) that
        any product ever had. With `containing` (case-folded) only words that contain it count, but
        for the named ones. Products that have the same word in the field `once_per` count once
        for each word or number that any of them has.
        """

    def numbers(self, field: str, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) the number that each key has in one field; NaN where it has none, or is not there.

        Words that are plain decimal numbers count as numbers, as they do in filters; of several,
        the first.
        """

    def names(self) -> tuple[str, ...]:
        """The fields of the filter rows that it holds; those of deleted keys may be among them."""

    def groups(self, field: str, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) a number that keys share which have the same word in one field; -1 without one."""


class VectorIndex(Protocol):
    """Finds the keys whose vectors are nearest to a query's, among those that pass a filter.

    Scores are cosines in [-1, 1]. A search returns min(k, matches) neighbours at every selectivity
    of the filter, equal scores in ascending order of keys. Searches may run from several threads
    at once; changes need exclusive use. An unknown filter field matches nothing (and `Exists(...,
    present=False)` and negated conditions match everything).
    """

    @property
    def kind(self) -> str:
        """Which structure it is, such as "exact" or "faiss-hnsw"; part of the manifest."""

    @property
    def dimension(self) -> int:
        """D, the length of every vector."""

    @property
    def fields(self) -> Fields:
        """What it knows of the fields of its keys, and filters by."""

    def __len__(self) -> int:
        """How many keys it holds."""

    def upsert(
        self, keys: NDArray[np.int64], vectors: NDArray[np.float32], rows: Sequence[FilterRow]
    ) -> None:
        """Add (N, D) unit rows under their keys; a key that is there already is replaced.

        Raises `DimensionMismatch`.
        """

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Take keys out; a key that is not there is no error."""

    def search(
        self, queries: NDArray[np.float32], k: int, where: ProductFilter = EVERYTHING
    ) -> Neighbours:
        """The nearest neighbours of each of (Q, D) unit rows.

        The result has K = min(k, len(self)) columns, padded with key -1 and score -inf where the
        filter lets fewer through. Raises `DimensionMismatch`.
        """

    def fetch(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """The (N, D) vectors of keys; a row of NaN where a key is not there."""

    def save(self, folder: Path) -> None:
        """Write everything into an empty folder; `load` of the same adapter reads it back."""


class KeptWords(Lexicon, Protocol):
    """The words of the products of a generation, which lie beside their vectors."""

    def __len__(self) -> int:
        """How many products it knows."""

    def upsert(self, keys: NDArray[np.int64], products: Sequence[Product]) -> None:
        """Take in N products under their keys; what was there under a key is replaced."""

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Take keys out; a key that is not there is no error."""

    def save(self, folder: Path) -> None:
        """Write everything into a folder, beside the files of a vector index."""
