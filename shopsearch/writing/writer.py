"""Group commit: whatever waits is written by one run, and whoever asked is told what became of it.

A run costs about the same for one change as for a hundred: the index is copied, written to disk and
swapped in. So changes that come while a run is under way wait together for the next one.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

import structlog

from shopsearch.catalog import CatalogFeed
from shopsearch.domain import IndexReport, Product, ProductRecord
from shopsearch.errors import HomeBusy, ProductRejected, WriterBusy, WriteUnfinished
from shopsearch.store import ProductStore
from shopsearch.writing.changes import Change, Outcome, Precondition, Removal, WriteStatus, Written
from shopsearch.writing.group import Waiting, WriteGroup

MAX_TOGETHER = 1_000  # changes of one run, unless one caller has more
TIMEOUT_S = 30.0
PATIENCE_S = 5.0  # for another process that indexes
FETCHING_THREADS = 8

_log = structlog.get_logger(__name__)


class AppliesChanges(Protocol):
    """What is needed of an indexer."""

    def apply(self, feeds: Iterable[CatalogFeed], *, patience_s: float) -> IndexReport:
        """Small feeds, one after another, live at the end. Raises `HomeBusy`."""


class Identifies(Protocol):
    """What is needed of the preprocessing room."""

    def identify(self, product: Product) -> ProductRecord:
        """Read or fetch its main picture. Raises `ProductRejected`."""


class CatalogWriter:
    """Writes changes of the catalog. Threads share it; close it at the end.

    `renew` makes this process answer from what is live. `max_callers` may wait at a time, so that
    writes never take all the threads of a server.
    """

    def __init__(
        self,
        *,
        indexer: Callable[[], AppliesChanges],
        preparer: Identifies,
        store: ProductStore,
        renew: Callable[[], None],
        max_callers: int = 64,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._indexer = indexer
        self._preparer = preparer
        self._store = store
        self._renew = renew
        self._max_callers = max_callers
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._n_callers = 0
        self._queue: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def write(self, changes: Sequence[Change], condition: Precondition | None = None) -> Written:
        """Make changes, in their order; when it returns they are durable, and live here.

        A change whose `condition` does not hold is refused, and changes nothing. Raises
        `WriterBusy`, `HomeBusy` and `WriteUnfinished`, and what a run over a feed raises.
        """
        deadline = time.monotonic() + self._timeout_s
        with self._changed:
            if self._is_closed or self._n_callers >= self._max_callers:
                raise WriterBusy(
                    f"{self._n_callers} writes are waiting already, and no more may; send this "
                    "one again in some seconds, and many products at once by a bulk request"
                )
            self._n_callers += 1
        try:
            return self._written(changes, condition, deadline)
        finally:
            with self._changed:
                self._n_callers -= 1

    def close(self) -> None:
        """Take no more writes; those that wait are finished."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _written(
        self, changes: Sequence[Change], condition: Precondition | None, deadline: float
    ) -> Written:
        bad = self._without_pictures(changes, deadline)
        good = [change for place, change in enumerate(changes) if place not in bad]
        made = self._made(Waiting(good, condition), deadline)
        outcomes = iter(made.outcomes)
        whole = (bad[n] if n in bad else next(outcomes) for n in range(len(changes)))
        return replace(made, outcomes=tuple(whole))

    def _without_pictures(self, changes: Sequence[Change], deadline: float) -> dict[int, Outcome]:
        """The changes whose picture cannot be had, by place.

        Pictures are fetched before a write waits for its turn: a slow host must not keep others
        from writing.
        """
        pictured = [
            (place, change.product)
            for place, change in enumerate(changes)
            if not isinstance(change, Removal) and change.product.images
        ]
        if len(pictured) == 1:  # needs no threads, and its fetch has a time limit of its own
            found = [self._fault(pictured[0][1])]
        else:
            found = self._faults([product for _, product in pictured], deadline)
        faults = zip(pictured, found, strict=True)
        return {place: fault for (place, _), fault in faults if fault is not None}

    def _faults(self, products: Sequence[Product], deadline: float) -> list[Outcome | None]:
        pool = ThreadPoolExecutor(FETCHING_THREADS, thread_name_prefix="fetch")
        try:
            left_s = max(0.0, deadline - time.monotonic())
            return list(pool.map(self._fault, products, timeout=left_s))
        except TimeoutError:
            raise self._unfinished(
                "its pictures were not fetched, and nothing is written"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _fault(self, product: Product) -> Outcome | None:
        try:
            self._preparer.identify(product)
        except ProductRejected as error:
            field = error.field or "image_link"
            return Outcome(product.product_id, WriteStatus.REJECTED, str(error), field)
        return None

    def _made(self, waiting: Waiting, deadline: float) -> Written:
        with self._changed:
            self._queue.append(waiting)
            self._begin()
            self._changed.notify_all()
        with suppress(TimeoutError):
            return waiting.answer.result(timeout=max(0.0, deadline - time.monotonic()))
        if waiting.answer.cancel():
            raise self._unfinished("its turn did not come, and nothing is written")
        with suppress(CancelledError, TimeoutError):
            return waiting.answer.result(timeout=0)
        raise self._unfinished("it is being made; ask for the product to see whether it is there")

    def _unfinished(self, why: str) -> WriteUnfinished:
        return WriteUnfinished(
            f"the write was not finished within {self._timeout_s:g} s: {why}; "
            "send it again in some seconds"
        )

    def _begin(self) -> None:
        """Start the thread with the first write; whoever calls holds the lock."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (waiting := self._taken()) is not None:
            if waiting:
                self._make(WriteGroup(waiting, self._store))

    def _taken(self) -> list[Waiting] | None:
        """All that waits, as far as it goes together; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed)
            if not self._queue:
                return None
            taken: list[Waiting] = []
            n_changes = 0
            while self._queue and (
                not taken or n_changes + len(self._queue[0].changes) <= MAX_TOGETHER
            ):
                one = self._queue.popleft()
                if one.answer.set_running_or_notify_cancel():
                    taken.append(one)
                    n_changes += len(one.changes)
            return taken

    def _make(self, group: WriteGroup) -> None:
        try:
            report = self._indexer().apply(group.feeds(), patience_s=self._patience_s)
            self._renew()
        except HomeBusy as error:
            _log.warning("a write found the catalog locked", reason=str(error))
            group.fail(
                HomeBusy(
                    "the catalog is being indexed at this moment, and nothing is written; "
                    "send the write again when that is done"
                )
            )
        except Exception as error:  # noqa: BLE001 - whoever waits for the write raises it
            group.fail(error)
        else:
            group.answer(report)
