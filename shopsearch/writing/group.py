"""Changes of several callers that are made together: one run, one generation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from shopsearch.domain import (
    FeedRecord,
    FeedRow,
    IndexReport,
    Rejection,
    RemovalRow,
    StoredProduct,
)
from shopsearch.store import ProductStore
from shopsearch.writing.changes import Change, Outcome, Precondition, Removal, WriteStatus, Written


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """What one caller asks for, and where the answer goes."""

    changes: Sequence[Change]
    condition: Precondition | None = None  # of each product, before it is changed
    answer: Future[Written] = field(default_factory=Future)


class ChangeFeed:
    """Changes as a feed; each id comes once."""

    def __init__(self, records: Sequence[FeedRecord]) -> None:
        self._records = records

    def __iter__(self) -> Iterator[FeedRecord]:
        return iter(self._records)

    def size_hint(self) -> int | None:
        """How many changes there are."""
        return len(self._records)


@dataclass(slots=True)
class _Step:
    """One change of one caller; `row` is its number in the group, from 1."""

    row: int
    change: Change
    condition: Precondition | None
    outcome: Outcome | None = None

    def record(self) -> FeedRecord:
        if isinstance(self.change, Removal):
            return RemovalRow(self.row, self.change.product_id)
        return FeedRow(self.row, self.change.product)

    def note(self, fingerprint: str | None, after: StoredProduct | None) -> None:
        """What became of it, from what the store held before and holds now."""
        if isinstance(self.change, Removal):
            status = WriteStatus.UNCHANGED if fingerprint is None else WriteStatus.REMOVED
        elif after is not None and after.record.fingerprint == fingerprint:
            status = WriteStatus.UNCHANGED
        else:
            status = WriteStatus.INDEXED
        self.outcome = Outcome(self.change.product_id, status, stored=after)


class WriteGroup:
    """The changes of several callers, in the order in which they came.

    Changes of one product are made one after another, in passes: a later one wins, and where it is
    bad the earlier one stays, as if each had been made alone. Products do not know each other, so
    all others go together.
    """

    def __init__(self, waiting: Sequence[Waiting], store: ProductStore) -> None:
        self._waiting = waiting
        self._store = store
        changes = [(change, one.condition) for one in waiting for change in one.changes]
        self._steps = [_Step(n, *one) for n, one in enumerate(changes, start=1)]

    def feeds(self) -> Iterator[ChangeFeed]:
        """A feed for each pass; the one before is in the store when the next is asked for."""
        for steps in self._passes():
            held = [step for step in steps if step.condition is not None]
            stored = self._store.find([step.change.product_id for step in held])
            allowed = [step for step in steps if _is_allowed(step, stored)]
            ids = [step.change.product_id for step in allowed]
            before = self._store.fingerprints(ids)
            yield ChangeFeed([step.record() for step in allowed])
            after = self._store.find(ids)
            for step, product_id in zip(allowed, ids, strict=True):
                step.note(before.get(product_id), after.get(product_id))

    def answer(self, report: IndexReport) -> None:
        """Tell every caller what became of the changes."""
        rejected = {one.row: one for one in report.rejected}
        outcomes = iter([_outcome(step, rejected.get(step.row)) for step in self._steps])
        for one in self._waiting:
            own = tuple(next(outcomes) for _ in one.changes)
            one.answer.set_result(Written(own, report.generation))

    def fail(self, error: Exception) -> None:
        """Tell every caller that the changes were not finished."""
        for one in self._waiting:
            one.answer.set_exception(error)

    def _passes(self) -> list[list[_Step]]:
        passes: list[list[_Step]] = []
        times: Counter[str] = Counter()
        for step in self._steps:
            n = times[step.change.product_id]
            times[step.change.product_id] += 1
            if n == len(passes):
                passes.append([])
            passes[n].append(step)
        return passes


def _is_allowed(step: _Step, stored: Mapping[str, StoredProduct]) -> bool:
    """Whether the condition holds; where it does not, the step is over."""
    product_id = step.change.product_id
    if step.condition is None or step.condition(stored.get(product_id)):
        return True
    step.outcome = Outcome(product_id, WriteStatus.REFUSED, stored=stored.get(product_id))
    return False


def _outcome(step: _Step, rejection: Rejection | None) -> Outcome:
    assert step.outcome is not None  # noqa: S101 - all passes are over
    if rejection is None:
        return step.outcome
    rejected = Outcome(rejection.product_id, WriteStatus.REJECTED)
    return replace(rejected, reason=rejection.reason, field=rejection.field)
