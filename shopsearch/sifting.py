"""What a share of a feed asks for: sorted into changed, removed, unchanged and bad.

Nothing is decoded for that: an unchanged product costs a hash and its part of one look-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Protocol, TypeVar

from shopsearch.domain import (
    FeedRecord,
    FeedRow,
    PreparedItem,
    Product,
    ProductRecord,
    Rejection,
    RemovalRow,
)
from shopsearch.errors import CatalogError, ProductRejected
from shopsearch.store import ProductStore
from shopsearch.tally import SiftedBatch

HANDED_AT_ONCE = 8  # products to a thread; one by one, handing over would cost as much as hashing

Element = TypeVar("Element")


class ProductPreparer(Protocol):
    """What indexing needs of the preprocessing room. Both raise `ProductRejected`."""

    def identify(self, product: Product) -> ProductRecord:
        """Hash all that a product consists of, its main picture's content included."""

    def prepare(self, record: ProductRecord) -> PreparedItem:
        """Compose its text and check its picture."""


class Meets(Protocol):
    """What is needed of `FeedRuns`."""

    def meet(self, run: int, product_ids: Sequence[str]) -> frozenset[str]:
        """See `FeedRuns.meet`."""

    def forget(self, run: int, product_ids: Sequence[str]) -> None:
        """See `FeedRuns.forget`."""


class MetOnce:
    """For a feed whose ids are known to come once each: there is nothing to remember."""

    def meet(self, run: int, product_ids: Sequence[str]) -> frozenset[str]:  # noqa: ARG002 - a port
        """None was met before."""
        return frozenset()

    def forget(self, run: int, product_ids: Sequence[str]) -> None:
        """Nothing is known."""


class Sifter:
    """Sifts the shares of one run over a feed; several products at once, in the threads of a pool.

    A share may be sifted before the removals of an earlier one are done: what they name counts as
    changed when it comes again, whatever the store still says. Memory grows with the ids removed.
    """

    def __init__(
        self,
        preparer: ProductPreparer,
        store: ProductStore,
        runs: Meets,
        run: int,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._preparer = preparer
        self._store = store
        self._runs = runs
        self._run = run
        self._pool = pool
        self._removed: set[str] = set()

    def sift(self, records: Sequence[FeedRecord]) -> SiftedBatch:
        """Sort a share; none of its ids is both a product and a removal, see `shares`."""
        rows = [record for record in records if isinstance(record, FeedRow)]
        removals = [record for record in records if isinstance(record, RemovalRow)]
        rejected = [record for record in records if isinstance(record, Rejection)]
        first, repeated = self._first_of_each(rows)
        handed = [first[at : at + HANDED_AT_ONCE] for at in range(0, len(first), HANDED_AT_ONCE)]
        identified, bad = parted(chain.from_iterable(self._pool.map(self._identified, handed)))
        known = self._store.fingerprints([record.product.product_id for _, record in identified])
        changed = [
            (row, record)
            for row, record in identified
            if known.get(record.product.product_id) != record.fingerprint
            or record.product.product_id in self._removed
        ]
        self._forget(removals)
        n_unchanged = len(identified) - len(changed)
        return SiftedBatch(changed, n_unchanged, [*rejected, *repeated, *bad], removals)

    def _forget(self, removals: Sequence[RemovalRow]) -> None:
        """What is removed may come again later in the feed."""
        ids = [removal.product_id for removal in removals]
        self._removed.update(ids)
        self._runs.forget(self._run, ids)

    def _first_of_each(self, rows: Sequence[FeedRow]) -> tuple[list[FeedRow], list[Rejection]]:
        """The rows whose id this run meets for the first time, and the others."""
        first: dict[str, FeedRow] = {}
        for row in rows:
            first.setdefault(row.product.product_id, row)
        met = self._runs.meet(self._run, list(first))
        fresh = [row for product_id, row in first.items() if product_id not in met]
        places = {row.row for row in fresh}
        return fresh, [
            rejection(
                row,
                f"the id {row.product.product_id!r} came earlier in this feed; "
                "ids must be unique: remove or rename one of the two",
            )
            for row in rows
            if row.row not in places
        ]

    def _identified(
        self, rows: Sequence[FeedRow]
    ) -> list[tuple[FeedRow, ProductRecord] | Rejection]:
        return [self._identify(row) for row in rows]

    def _identify(self, row: FeedRow) -> tuple[FeedRow, ProductRecord] | Rejection:
        try:
            return row, self._preparer.identify(row.product)
        except ProductRejected as error:
            return rejection(row, str(error))


def shares(records: Iterable[FeedRecord], size: int) -> Iterator[list[FeedRecord]]:
    """The records of a feed, at most `size` at once; no id is both put in and removed in one share.

    Where the feed breaks, what it gave before comes out first.
    """
    share: list[FeedRecord] = []
    asked: dict[str, type] = {}
    try:
        for record in records:
            product_id = _id_of(record)
            if len(share) == size or asked.get(product_id, type(record)) is not type(record):
                yield share
                share, asked = [], {}
            share.append(record)
            if not isinstance(record, Rejection):
                asked[product_id] = type(record)
    except CatalogError:
        if share:
            yield share
        raise
    if share:
        yield share


def parted(outcomes: Iterable[Element | Rejection]) -> tuple[list[Element], list[Rejection]]:
    """What came out well, and what did not."""
    good: list[Element] = []
    bad: list[Rejection] = []
    for outcome in outcomes:
        if isinstance(outcome, Rejection):
            bad.append(outcome)
        else:
            good.append(outcome)
    return good, bad


def rejection(row: FeedRow, reason: str) -> Rejection:
    """That the product of a row was not indexed, and why."""
    return Rejection(row.row, row.product.product_id, reason)


def _id_of(record: FeedRecord) -> str:
    return record.product.product_id if isinstance(record, FeedRow) else record.product_id
