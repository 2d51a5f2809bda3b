"""What generations keep in Milvus: the alias of the live one, and what none of them needs."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from shopsearch.errors import IndexFault, IndexUnavailable
from shopsearch.index.milvus import ARGUMENTS_FILE, ROWS_FILE, MilvusOptions
from shopsearch.index.milvus_connection import MilvusConnection, connection_to
from shopsearch.index.milvus_rows import MilvusRows
from shopsearch.index.outside import Remark

log = structlog.get_logger(__name__)

GRACE_S = 60.0  # a collection stays so long after its last generation went: who still reads it?
SWEPT_FROM = 1000  # rows that nobody needs, or
SWEPT_SHARE = 0.2  # so many as a part of those that are needed
REINDEX = "run `shopsearch reindex`, which writes all rows anew"

_ID_TIME = "%Y%m%dT%H%M%S"


class MilvusUpkeep:
    """An `Outside` on Milvus."""

    def __init__(self, options: MilvusOptions) -> None:
        self._options = options
        self._alias_at: str | None = None  # where this process has seen it lead
        self._tidied_at = -math.inf

    @property
    def trouble(self) -> str:
        """See `Outside.trouble`."""
        return self._connection.trouble

    def went_live(self, folder: Path, kept: Sequence[Path]) -> None:
        """See `Outside.went_live`; an alias of another installation stays as it is."""
        collection = _collection_of(folder)
        if collection is None or collection == self._alias_at:
            return
        self._alias_at = None
        self._lead_to(collection, kept)
        self._alias_at = collection

    def _lead_to(self, collection: str, kept: Sequence[Path]) -> None:
        alias, before = self._options.alias, self._aliased()
        if before == collection:
            return
        if before is None:
            self._connection.write(
                lambda client, s: client.create_alias(collection, alias, timeout=s)
            )
            return
        own = {_collection_of(one) for one in kept}
        if not before.startswith(self._options.family) and before not in own:
            raise IndexFault(_of_another(alias, before))
        self._connection.write(lambda client, s: client.alter_alias(collection, alias, timeout=s))

    def tidy(self, kept: Sequence[Path]) -> None:
        """See `Outside.tidy`: drop collections, and sweep rows out where they are many.

        Where a process publishes often, once in a while: it takes as long as publishing does, and
        nothing goes sooner than that anyway.
        """
        if time.monotonic() - self._tidied_at < GRACE_S:
            return
        needed = _needed_by(kept)
        for collection in self._own_collections():
            if collection not in needed:
                if self._is_forgotten(collection, kept):
                    self._drop(collection)
            elif collection.startswith(self._options.family):
                self._sweep(collection, needed[collection])
        self._tidied_at = time.monotonic()

    def about(self) -> str:
        """See `Outside.about`."""
        connection = self._connection
        own = self._own_collections()
        n_rows = sum(self._rows(name).count() for name in own)
        return (
            f"{connection.place}, version {connection.version()}; {len(own)} collections of this "
            f"catalog with {n_rows} rows, read at the consistency {self._options.consistency}"
        )

    def remarks(self, live: Path, kept: Sequence[Path]) -> Iterator[Remark]:
        """See `Outside.remarks`."""
        try:
            yield from self._remarks(live, kept)
        except IndexUnavailable as error:
            yield Remark(str(error), "searches answer by words alone until it is back")

    def _remarks(self, live: Path, kept: Sequence[Path]) -> Iterator[Remark]:
        collection, needed = _collection_of(live), _needed_by(kept)
        there = self._connection.read(lambda client, s: client.list_collections(timeout=s))
        for gone in sorted(set(needed) - set(there)):
            is_live = gone == collection
            yield Remark(
                f"the collection {gone} is not there any more, but "
                f"{'the live generation needs it' if is_live else 'an older generation needs it'}",
                REINDEX if is_live else "`shopsearch generations remove ID` removes that one",
                is_fault=is_live,
            )
        if collection is not None and collection in there:
            yield from self._row_remarks(collection, _rows_of(live), needed[collection])
            if (aliased := self._aliased()) != collection:
                yield Remark(
                    f"the alias {self._options.alias} leads to {aliased or 'nothing'}, the live "
                    f"generation is in {collection}",
                    "the next run of `shopsearch index FEED` that changes anything puts it right",
                    is_fault=False,
                )
        for forgotten in sorted(set(self._own_collections()) - set(needed)):
            yield Remark(
                f"the collection {forgotten} is of no generation",
                "the next run of `shopsearch index FEED` that changes anything drops it",
                is_fault=False,
            )

    def _row_remarks(
        self, collection: str, own: NDArray[np.int64], needed: NDArray[np.int64]
    ) -> Iterator[Remark]:
        rows = self._rows(collection)
        missing = rows.n_missing(own)
        if missing:
            yield Remark(
                f"{missing} of {len(own)} rows of the live generation are missing in {collection}",
                REINDEX,
            )
        if (n_spare := rows.count() - len(needed)) > 0:
            yield Remark(
                f"{n_spare} rows of {collection} are of no generation, beside {len(needed)} that "
                "are",
                "they are swept out when they are many",
                is_fault=False,
            )

    @property
    def _connection(self) -> MilvusConnection:
        return connection_to(self._options.place)

    def _rows(self, collection: str) -> MilvusRows:
        return MilvusRows(self._connection, collection, "auto")

    def _own_collections(self) -> list[str]:
        """Those that this installation has made."""
        names = self._connection.read(lambda client, s: client.list_collections(timeout=s))
        pattern = re.compile(re.escape(self._options.family) + r"\d{13}_[0-9a-f]{4}")
        return sorted(name for name in names if pattern.fullmatch(name))

    def _aliased(self) -> str | None:
        """The collection that the alias leads to."""
        try:
            told = self._connection.read(
                lambda client, s: client.describe_alias(self._options.alias, timeout=s)
            )
        except IndexUnavailable:
            raise
        except IndexFault:
            return None
        return str(told["collection_name"])

    def _is_forgotten(self, collection: str, kept: Sequence[Path]) -> bool:
        """Whether nobody can be reading it: a reader changes over within seconds."""
        made_at = int(collection.removeprefix(self._options.family)[:13]) / 1000
        later = [at for at in map(_published_at, kept) if at > made_at]
        return not later or time.time() - min(later) > GRACE_S

    def _drop(self, collection: str) -> None:
        self._connection.write(lambda client, s: client.drop_collection(collection, timeout=s))
        log.info("dropped a collection that no generation needs", collection=collection)

    def _sweep(self, collection: str, needed: NDArray[np.int64]) -> None:
        rows = self._rows(collection)
        n_spare = rows.count() - len(needed)
        if n_spare >= min(SWEPT_FROM, max(1.0, SWEPT_SHARE * len(needed))):
            n_gone = rows.sweep(needed)
            log.info("swept rows out that no generation needs", collection=collection, rows=n_gone)


def _arguments(folder: Path) -> Mapping[str, Any]:
    path = folder / ARGUMENTS_FILE
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return told if isinstance(told, dict) else {}


def _collection_of(folder: Path) -> str | None:
    """The collection of a generation; None where it has none, or is of another kind."""
    collection = _arguments(folder).get("collection")
    return None if collection is None else str(collection)


def _rows_of(folder: Path) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = np.load(folder / ROWS_FILE, allow_pickle=False)
    return rows


def _needed_by(folders: Sequence[Path]) -> dict[str, NDArray[np.int64]]:
    """The rows that generations need, by collection, ascending."""
    needed: dict[str, NDArray[np.int64]] = {}
    for folder in folders:
        collection = _collection_of(folder)
        if collection is not None:
            before = needed.get(collection, np.empty(0, dtype=np.int64))
            needed[collection] = np.union1d(before, _rows_of(folder))
    return needed


def _published_at(folder: Path) -> float:
    stamp = datetime.strptime(folder.name[:15], _ID_TIME).replace(tzinfo=UTC)
    return stamp.timestamp()


def _of_another(alias: str, collection: str) -> str:
    return (
        f"the alias {alias} belongs to another installation (it leads to {collection}), and stays; "
        "give this one a SHOPSEARCH_MILVUS_COLLECTION of its own"
    )
