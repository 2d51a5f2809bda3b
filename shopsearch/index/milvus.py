"""The index on Milvus: the vectors are rows of a server, all else stays in this process.

A position of `Slots` is a row of a collection. A product that changes gets a new position and a new
row, and the old row stays for the generations that know it: so many generations share a collection,
and each is a small folder that says which rows are its own. Searches push the filter down, and drop
rows of other generations and what the filter of the process does not let through; where too little
is left they ask for more, and in the end fetch and compare the matches themselves.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, FilterRow, Neighbours, ProductFilter
from shopsearch.errors import IndexFault
from shopsearch.index.column import Mask
from shopsearch.index.growing import Growing
from shopsearch.index.kinds import Consistency, MilvusKind
from shopsearch.index.milvus_connection import MilvusPlace, connection_to
from shopsearch.index.milvus_filters import Expressions, Known, from_to, is_row
from shopsearch.index.milvus_rows import MilvusRows
from shopsearch.index.milvus_search import MilvusSearch
from shopsearch.index.slots import Slots
from shopsearch.index.vector_memory import VectorMemory
from shopsearch.index.vectors import checked_entries, checked_queries, no_neighbours

ROWS_FILE = "rows.npy"
ARGUMENTS_FILE = "index.json"

NAMED_UP_TO = 256  # matches that are asked for by their rows: what is quicker than a filter
NAMED_UP_TO_ON_LITE = 65_536  # it looks at a filter row by row, and at a list of rows all at once
MEMORY_BYTES = 128 << 20

_memory = VectorMemory(MEMORY_BYTES)


@dataclass(frozen=True, slots=True)
class MilvusOptions:
    """How new collections are made, and how all are read."""

    place: MilvusPlace
    owner: str = "shop"  # whose they are, where several installations share a Milvus
    prefix: str = "shopsearch"  # of the names of collections
    kind: MilvusKind = "auto"
    consistency: Consistency = "Session"

    @property
    def family(self) -> str:
        """What the names of all collections of this installation begin with."""
        return f"{self.prefix}_{self.owner}_"

    @property
    def alias(self) -> str:
        """What names the collection of the live generation for whoever else looks at it."""
        return f"{self.prefix}_live"

    def new_name(self) -> str:
        """A name for a new collection; later ones are greater."""
        return f"{self.family}{time.time_ns() // 1_000_000}_{secrets.token_hex(2)}"


class MilvusIndex:
    """A `VectorIndex` on Milvus. Nothing is asked of the server before the first row is written."""

    def __init__(
        self, dimension: int, options: MilvusOptions, rows: MilvusRows | None = None
    ) -> None:
        self._options = options
        self._dimension = dimension
        self._slots = Slots()
        self._numbers = Growing(np.empty(0, dtype=np.int64))  # (n_positions,) ascending
        self._rows = rows  # None: there is no collection yet
        self._expressions = Expressions(Known(self._rows_of, self._slots.words_between))

    @property
    def kind(self) -> str:
        """Such as "milvus-hnsw"; "milvus-auto" as long as nothing was written."""
        return f"milvus-{self._options.kind if self._rows is None else self._rows.kind}"

    @property
    def dimension(self) -> int:
        """See `VectorIndex.dimension`."""
        return self._dimension

    @property
    def fields(self) -> Slots:
        """See `VectorIndex.fields`."""
        return self._slots

    @property
    def rows(self) -> MilvusRows | None:
        """The collection; None where nothing was written."""
        return self._rows

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the rows of all keys, ascending."""
        return self._numbers.rows[self._slots.survivors()]

    def __len__(self) -> int:
        return len(self._slots)

    def upsert(
        self, keys: NDArray[np.int64], vectors: NDArray[np.float32], rows: Sequence[FilterRow]
    ) -> None:
        """See `VectorIndex.upsert`. Raises `IndexFault` for a row that is not of length one, and
        `IndexUnavailable` where Milvus does not take them.
        """
        keys, vectors, rows = checked_entries(keys, vectors, rows, self.dimension)
        if not len(keys):
            return
        if self._rows is None:
            options = self._options
            self._rows = MilvusRows.made(
                connection_to(options.place),
                options.new_name(),
                self.dimension,
                options.kind,
                options.consistency,
            )
        numbers = self._numbers.rows
        last = int(numbers[-1]) if len(numbers) else 0
        self._numbers.extend(self._rows.insert(vectors, rows, last))
        self._slots.extend(keys, rows)

    def delete(self, keys: NDArray[np.int64]) -> None:
        """See `VectorIndex.delete`; the rows stay for other generations."""
        self._slots.delete(keys)

    def search(
        self, queries: NDArray[np.float32], k: int, where: ProductFilter = EVERYTHING
    ) -> Neighbours:
        """See `VectorIndex.search`. Raises `IndexUnavailable`."""
        queries = checked_queries(queries, self.dimension)
        found = no_neighbours(len(queries), min(k, len(self)))
        mask = self._slots.mask(where)
        n_matches = int(np.count_nonzero(mask))
        if self._rows is None or not found.keys.size or not n_matches:
            return found
        search = MilvusSearch(
            self,
            self._rows,
            keys=self._slots.keys,
            numbers=self._numbers.rows,
            mask=mask,
            expression=self._expression(where, mask, n_matches),
        )
        for row, (keys, scores) in enumerate(search.nearest(queries, found.keys.shape[1])):
            found.keys[row, : len(keys)], found.scores[row, : len(keys)] = keys, scores
        return found

    def fetch(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `VectorIndex.fetch`. Raises `IndexUnavailable`."""
        positions = self._slots.positions(keys)
        vectors = np.full((len(positions), self.dimension), np.nan, dtype=np.float32)
        there, of_there = np.unique(positions[positions >= 0], return_inverse=True)
        vectors[positions >= 0] = self.vectors_at(there)[of_there]
        return vectors

    def vectors_at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N, D) the vectors at positions, each named once; NaN where Milvus lacks the row."""
        vectors = np.full((len(positions), self.dimension), np.nan, dtype=np.float32)
        if self._rows is None or not len(positions):
            return vectors
        space, numbers = self._rows.collection, self._numbers.rows[positions]
        missing = np.flatnonzero(~_memory.known(space, numbers, vectors))
        for strongly in (False, True):
            if not len(missing):
                break
            some = self._rows.vectors(numbers[missing], self.dimension, strongly=strongly)
            vectors[missing] = some
            missing = missing[np.isnan(some[:, 0])]
        _memory.keep(space, numbers, vectors)
        return vectors

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`: which rows are whose. They are in Milvus already."""
        alive = self._slots.survivors()
        if self._rows is not None:
            self._rows.settle()
        np.save(folder / ROWS_FILE, self._numbers.rows[alive], allow_pickle=False)
        self._slots.taken(alive).save(folder)
        arguments = {
            "dimension": self.dimension,
            "kind": self._options.kind if self._rows is None else self._rows.kind,
            "collection": None if self._rows is None else self._rows.collection,
            "written_at": 0 if self._rows is None else self._rows.written_at,
        }
        (folder / ARGUMENTS_FILE).write_text(json.dumps(arguments), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, options: MilvusOptions) -> MilvusIndex:
        """Read what `save` wrote; Milvus is not asked."""
        arguments = json.loads((folder / ARGUMENTS_FILE).read_text(encoding="utf-8"))
        rows = None
        if arguments["collection"] is not None:
            rows = MilvusRows(
                connection_to(options.place),
                arguments["collection"],
                arguments["kind"],
                options.consistency,
                arguments["written_at"],
            )
        index = cls(int(arguments["dimension"]), options, rows)
        index._slots = Slots.load(folder)
        index._numbers = Growing(np.load(folder / ROWS_FILE, allow_pickle=False))
        index._expressions = Expressions(Known(index._rows_of, index._slots.words_between))
        if len(index._numbers) != index._slots.n_positions:
            raise IndexFault(
                f"{folder} holds {len(index._numbers)} rows but {index._slots.n_positions} keys: "
                "run `shopsearch reindex`"
            )
        return index

    def _rows_of(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        positions = self._slots.positions(keys)
        return np.sort(self._numbers.rows[positions[positions >= 0]])

    def said(self, where: ProductFilter) -> str:
        """A filter as an expression, see `milvus_filters`; "" where it says nothing."""
        return self._expressions.of(where) if where else ""

    def _expression(self, where: ProductFilter, mask: Mask, n_matches: int) -> str:
        numbers = self._numbers.rows
        at_most = NAMED_UP_TO_ON_LITE if where and self._options.place.is_lite else NAMED_UP_TO
        if n_matches <= at_most:
            return is_row(numbers[mask], at_most=at_most) or ""
        own = from_to(int(numbers[0]), int(numbers[-1]))
        asked = self.said(where)
        return f"{own} and {asked}" if asked else own
