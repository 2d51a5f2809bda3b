"""A collection of Milvus: rows that are written once, and never changed.

A row has a number that is used once, the vector, and what a filter can ask (`milvus_filters`).
Which rows are whose, only the generations know: a row that none knows of is never seen.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from shopsearch.domain import FilterRow
from shopsearch.errors import IndexFault
from shopsearch.index.kinds import Consistency, MilvusKind
from shopsearch.index.milvus_connection import MilvusConnection
from shopsearch.index.milvus_filters import (
    MAX_ROWS,
    MAX_TAGS,
    NUMBERS,
    ROW,
    TAGS,
    VECTOR,
    from_to,
    is_row,
    numbers_of,
    tags_of,
)

log = structlog.get_logger(__name__)

METRIC = "IP"  # of unit vectors: the cosine, as it is
LAST_ROW = (1 << 63) - 1
MAX_FOUND = 16384  # of one search; Milvus gives no more
FETCHED_AT_ONCE = 1024  # vectors
BATCH_BYTES = 4 << 20  # of one insert, about; servers refuse more than 64 MB
MADE_WITHIN_S = 60.0  # a collection, its index, and loading it: seconds on an idle server
FLUSHED_FROM = 10_000  # rows of one run; fewer stay in the log, which is as safe
STUCK_AFTER_S = 3600.0  # without any row that was indexed: nobody waits longer than that
LOOKED_EVERY_S, TOLD_EVERY_S = 1.0, 30.0  # whether it is

_HNSW = {"M": 30, "efConstruction": 360}
_SINCE = {"hnsw-sq8": (2, 5)}  # of a server; milvus-lite has it
_STRUCTURES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "flat": ("FLAT", {}),
    "hnsw": ("HNSW", _HNSW),
    "hnsw-sq8": ("HNSW_SQ", {**_HNSW, "sq_type": "SQ8"}),
    "ivf-flat": ("IVF_FLAT", {"nlist": 1024}),
    "ivf-sq8": ("IVF_SQ8", {"nlist": 1024}),
    "scann": ("SCANN", {"nlist": 1024, "with_raw_data": True}),
    "diskann": ("DISKANN", {}),
    "autoindex": ("AUTOINDEX", {}),
}
COARSE = frozenset({"hnsw-sq8", "ivf-sq8", "scann", "autoindex"})  # their scores are not exact


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search of one query found, best first."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


class MilvusRows:
    """The rows of one collection."""

    def __init__(
        self,
        connection: MilvusConnection,
        collection: str,
        kind: MilvusKind,
        consistency: Consistency = "Session",
        written_at: int = 0,
    ) -> None:
        self.connection = connection
        self.collection = collection
        self.kind: MilvusKind = kind
        self._consistency = consistency
        self._written_at = written_at  # in the time of Milvus
        self._n_written = 0

    @property
    def written_at(self) -> int:
        """What a reader has to wait for, who shall see all that was written."""
        return self._written_at

    @property
    def finds_all(self) -> bool:
        """Whether a search compares all rows at all times: a server has those that it has not
        indexed yet in other structures.
        """
        return self.kind == "flat" and self.connection.place.is_lite

    @classmethod
    def made(
        cls,
        connection: MilvusConnection,
        collection: str,
        dimension: int,
        kind: MilvusKind,
        consistency: Consistency = "Session",
    ) -> MilvusRows:
        """A new collection, empty and ready. Raises `IndexFault` where the server lacks the kind,
        and `IndexUnavailable`.
        """
        chosen = chosen_kind(connection, kind)
        structure, build = _STRUCTURES[chosen]

        def make(client: Any, timeout_s: float) -> None:
            schema = _schema(client, dimension)
            index = client.prepare_index_params()
            index.add_index(VECTOR, index_type=structure, metric_type=METRIC, params=dict(build))
            if client.has_collection(collection, timeout=timeout_s):
                client.drop_collection(collection, timeout=timeout_s)  # of a call that failed
            within_s = max(timeout_s, MADE_WITHIN_S)
            client.create_collection(
                collection, schema=schema, index_params=index, timeout=within_s
            )

        try:
            connection.write(make)
        except IndexFault as error:
            if "index type" not in str(error):
                raise
            raise IndexFault(_not_offered(connection, chosen)) from error
        return cls(connection, collection, chosen, consistency)

    def insert(
        self, vectors: NDArray[np.float32], rows: Sequence[FilterRow], after: int
    ) -> NDArray[np.int64]:
        """Write rows, in batches, each of which Milvus has taken before the next is sent; gives
        their numbers, ascending and above `after`.

        A batch that is sent again gets new numbers: what may have arrived before, nobody knows of.
        Raises `IndexUnavailable` when patience is over.
        """
        numbers: list[NDArray[np.int64]] = []
        for start, end in _batches(vectors, rows):
            after = self._insert(vectors[start:end], rows[start:end], after)
            numbers.append(np.arange(after - (end - start) + 1, after + 1, dtype=np.int64))
        self._written_at = self.connection.written_at(self.collection) or self._written_at
        self._n_written += len(rows)
        return np.concatenate(numbers) if numbers else np.empty(0, dtype=np.int64)

    def search(
        self,
        queries: NDArray[np.float32],
        limit: int,
        expression: str,
        *,
        strongly: bool = False,
    ) -> list[Hits]:
        """The nearest of each query among the rows that an expression lets through."""

        def search(client: Any, timeout_s: float) -> Any:
            return client.search(
                self.collection,
                data=list(queries),
                anns_field=VECTOR,
                limit=limit,
                filter=expression,
                output_fields=[ROW],
                search_params={"metric_type": METRIC, "params": self._width(limit)},
                timeout=timeout_s,
                **self._seeing(strongly=strongly),
            )

        found = self.connection.read(search, self.collection)
        return [
            Hits(
                np.array([_row_of(hit) for hit in hits], dtype=np.int64),
                np.array([hit["distance"] for hit in hits], dtype=np.float32),
            )
            for hits in found
        ]

    def vectors(
        self, rows: NDArray[np.int64], dimension: int, *, strongly: bool = False
    ) -> NDArray[np.float32]:
        """(N, D) the vectors of rows, each named once; NaN where one is not there."""
        vectors = np.full((len(rows), dimension), np.nan, dtype=np.float32)
        place_of = {row: place for place, row in enumerate(rows.tolist())}
        for start in range(0, len(rows), FETCHED_AT_ONCE):
            some = rows[start : start + FETCHED_AT_ONCE]
            for one in self._queried(is_row(some) or "", [VECTOR], strongly=strongly):
                vectors[place_of[int(one[ROW])]] = one[VECTOR]
        return vectors

    def found(self, expression: str) -> NDArray[np.int64]:
        """The numbers of the rows that an expression lets through, ascending; not of too many."""
        there = self._queried(expression, [ROW], strongly=True, limit=MAX_FOUND)
        return np.sort(np.array([int(one[ROW]) for one in there], dtype=np.int64))

    def count(self) -> int:
        """How many rows there are, those that nobody knows of included."""
        counted = self._queried("", ["count(*)"], strongly=True)
        return int(counted[0]["count(*)"])

    def n_missing(self, rows: NDArray[np.int64]) -> int:
        """How many of some rows, each named once, are not there."""
        n_there = 0
        for start in range(0, len(rows), MAX_ROWS):
            named = is_row(rows[start : start + MAX_ROWS]) or ""
            n_there += int(self._queried(named, ["count(*)"], strongly=True)[0]["count(*)"])
        return len(rows) - n_there

    def sweep(self, needed: NDArray[np.int64]) -> int:
        """Delete all rows but these (ascending); gives how many. Only for who alone writes."""
        n_gone, begins = 0, [0]
        for some in (needed[start : start + MAX_ROWS] for start in range(0, len(needed), MAX_ROWS)):
            n_gone += self._swept(begins[-1], int(some[-1]), some)
            begins.append(int(some[-1]) + 1)
        return n_gone + self._swept(begins[-1], LAST_ROW, np.empty(0, dtype=np.int64))

    def delete(self, rows: NDArray[np.int64]) -> None:
        """Take rows out for good."""
        for start in range(0, len(rows), FETCHED_AT_ONCE):
            expression = is_row(rows[start : start + FETCHED_AT_ONCE]) or ""
            self.connection.write(
                lambda client, s, said=expression: client.delete(  # type: ignore[misc]
                    self.collection, filter=said, timeout=s
                ),
                self.collection,
            )

    def _swept(self, lowest: int, highest: int, needed: NDArray[np.int64]) -> int:
        within, n_gone = from_to(lowest, highest), 0
        expression = f"{within} and {is_row(needed, among=False)}"
        while len(found := self.found(expression)):
            self.delete(found)
            n_gone += len(found)
        return n_gone

    def settle(self) -> None:
        """After a large run: have what was written put into files, and wait until it is indexed,
        for as long as it goes on.

        Until then Milvus looks through a part of it alone, and finds half of what a filter lets
        through. Raises `IndexUnavailable`.
        """
        if self._n_written >= FLUSHED_FROM:
            self.connection.write(lambda client, s: client.flush(self.collection, timeout=s))
            self._await_index()
        self._n_written = 0

    def _await_index(self) -> None:
        least, since, told = math.inf, 0.0, time.monotonic()
        while n_left := self._n_pending():
            now = time.monotonic()
            if n_left < least:
                least, since = n_left, now
            if now > since + STUCK_AFTER_S:
                log.warning("Milvus is still indexing: filters find less", rows=n_left)
                return
            if now > told + TOLD_EVERY_S:
                log.info("Milvus is indexing", rows=n_left)
                told = now
            time.sleep(LOOKED_EVERY_S)

    def _n_pending(self) -> int:
        """Rows that the index does not cover yet; files that are only put together anew are covered
        until the new one is.
        """

        def describe(client: Any, timeout_s: float) -> Any:
            return client.describe_index(self.collection, VECTOR, timeout=timeout_s)

        told = self.connection.write(describe, self.collection)
        names = ("pending_index_rows", "total_rows", "indexed_rows")
        pending, total, indexed = (int(told.get(name, 0)) for name in names)
        return max(0, min(pending, total - indexed))

    def _insert(self, vectors: NDArray[np.float32], rows: Sequence[FilterRow], after: int) -> int:
        """Write a batch; gives the highest number."""
        highest = after

        def insert(client: Any, timeout_s: float) -> None:
            nonlocal highest
            first = max(highest + 1, time.time_ns() // 1000)
            highest = first + len(rows) - 1
            data = [
                {ROW: number, TAGS: tags_of(row), NUMBERS: numbers_of(row), VECTOR: vector}
                for number, row, vector in zip(count(first), rows, vectors, strict=False)
            ]
            client.insert(self.collection, data, timeout=timeout_s)

        self.connection.write(insert, self.collection)
        return highest

    def _queried(
        self, expression: str, fields: list[str], *, strongly: bool, limit: int | None = None
    ) -> Any:
        def query(client: Any, timeout_s: float) -> Any:
            return client.query(
                self.collection,
                filter=expression,
                output_fields=fields,
                timeout=timeout_s,
                **({} if limit is None else {"limit": limit}),
                **self._seeing(strongly=strongly),
            )

        return self.connection.read(query, self.collection)

    def _seeing(self, *, strongly: bool) -> dict[str, Any]:
        if strongly or self._consistency == "Strong":
            return {"consistency_level": "Strong"}
        if self._consistency == "Session" and self._written_at:
            # "Session" of pymilvus knows what this process wrote, not what an indexer did
            return {"consistency_level": "Customized", "guarantee_timestamp": self._written_at}
        weaker = "Bounded" if self._consistency == "Session" else self._consistency
        return {"consistency_level": weaker}

    def _width(self, limit: int) -> dict[str, Any]:
        """How far a search looks, for so many hits."""
        if self.kind.startswith("hnsw"):
            return {"ef": max(320, 2 * limit)}
        if self.kind in ("ivf-flat", "ivf-sq8", "scann"):
            return {"nprobe": 128, "reorder_k": max(200, 4 * limit)}
        if self.kind == "diskann":
            return {"search_list": max(100, limit)}
        return {}


def chosen_kind(connection: MilvusConnection, kind: MilvusKind) -> MilvusKind:
    """What "auto" stands for. Raises `IndexFault` where the server is too old for a kind."""
    place = connection.place
    if kind == "auto":
        return "flat" if place.is_lite else "autoindex" if place.is_cloud else "hnsw"
    since = _SINCE.get(kind)
    if since is not None and not place.is_lite:
        told = re.match(r"(\d+)\.(\d+)", connection.version())
        if told and (int(told[1]), int(told[2])) < since:
            raise IndexFault(_not_offered(connection, kind))
    return kind


def _not_offered(connection: MilvusConnection, kind: MilvusKind) -> str:
    since = ".".join(map(str, _SINCE.get(kind, ())))
    known_since = f", which came with version {since}" if since else ""
    return (
        f"{connection.place}, version {connection.version()}, does not offer the index {kind}"
        f"{known_since}: set SHOPSEARCH_MILVUS_INDEX to hnsw, ivf-sq8 or flat, or use a newer "
        "server"
    )


def _schema(client: Any, dimension: int) -> Any:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field(ROW, DataType.INT64, is_primary=True)
    schema.add_field(TAGS, DataType.ARRAY, element_type=DataType.INT64, max_capacity=MAX_TAGS)
    schema.add_field(NUMBERS, DataType.JSON)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=dimension)
    return schema


def _row_of(hit: Any) -> int:
    """Its number, which is called otherwise by servers of different age."""
    return int(hit["id"] if "id" in hit else hit[ROW])


def _batches(vectors: NDArray[np.float32], rows: Sequence[FilterRow]) -> Iterator[tuple[int, int]]:
    """Beginnings and ends of batches of bounded size."""
    start, size = 0, 0
    for place, row in enumerate(rows):
        weight = vectors.shape[1] * 4 + 16 * sum(
            len(value) if isinstance(value, tuple) else 3 for value in row.values()
        )
        if size and size + weight > BATCH_BYTES:
            yield start, place
            start, size = place, 0
        size += weight
    if start < len(rows):
        yield start, len(rows)
