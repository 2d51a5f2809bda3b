"""A workforce that sends contents out: what the cache lacks goes to workers, what they make is kept
here.

This process alone opens files, database and network. A run that was killed is therefore resumed by
what the cache has, wherever its workers were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, Self

from shopsearch.distributed.parcels import (
    EncodedParcel,
    EncodedPicture,
    Outcome,
    Parcel,
    ParcelLost,
)
from shopsearch.domain import ProductRecord
from shopsearch.embedding import ContentHashes, EncodedCount, Row
from shopsearch.errors import ProductRejected
from shopsearch.preprocessing.items import told_at
from shopsearch.preprocessing.making import GivenPicture, MadeFiles
from shopsearch.preprocessing.text import compose
from shopsearch.store import EmbeddingCache
from shopsearch.workforce import Batch, Readied, Records

BYTES_AHEAD = 256_000_000  # of parcels under way, above which no further one is sent
BATCHES_AHEAD = 512  # that wait behind one under way, having nothing to send themselves
_READERS = 8


class Crew(Protocol):
    """Workers that take parcels."""

    @property
    def capacity(self) -> int:
        """How many parcels keep all of them busy."""

    def submit(self, parcel: Parcel) -> Any:
        """Hand a parcel over; gives what `result` is asked with."""

    def result(self, task: Any) -> EncodedParcel:
        """What became of it, when it is done. Raises `ParcelLost`."""


class PictureSource(Protocol):
    """What is needed of the preprocessing room."""

    def given(self, record: ProductRecord) -> GivenPicture | None:
        """See `ItemPreparer.given`."""

    def keep(self, image_hash: str, files: MadeFiles) -> None:
        """See `ItemPreparer.keep`."""


@dataclass(frozen=True, slots=True)
class _Sent(Generic[Batch]):
    """A batch that waits for what was sent of it."""

    batch: Batch
    records: Sequence[ProductRecord]
    texts: Sequence[str] = ()  # content hashes of what was sent
    pictures: Sequence[str] = ()
    copies: frozenset[str] = frozenset()  # those of the pictures that were working copies
    n_bytes: int = 0
    task: Any = None  # None where there was nothing to send


class SentOut:
    """A `Workforce` over a crew, which is hired when there is something to send. Close it."""

    def __init__(
        self,
        hire: Callable[[], AbstractContextManager[Crew]],
        *,
        encoder_id: str,
        cache: EmbeddingCache,
        pictures: PictureSource,
    ) -> None:
        self._hire = hire
        self._encoder_id = encoder_id
        self._cache = cache
        self._pictures = pictures
        self._hired: Crew | None = None
        self._under_way: set[str] = set()  # content hashes
        self._bytes_ahead = 0
        self._n_ahead = 0
        self._refused: dict[str, str] = {}  # content hash -> why
        self._open = ExitStack()
        self._readers = self._open.enter_context(ThreadPoolExecutor(_READERS, "send"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def ready(
        self, batches: Iterable[Batch], records: Records[Batch]
    ) -> Iterator[tuple[Batch, Readied]]:
        """See `Workforce.ready`."""
        waiting: deque[_Sent[Batch]] = deque()
        source = iter(batches)
        broken: Exception | None = None
        while broken is None:
            try:
                batch = next(source)
            except StopIteration:
                break
            except Exception as error:  # noqa: BLE001 - raised below, after what came before
                broken = error
            else:
                waiting.append(self._send(batch, records(batch)))
            while waiting and self._is_time_to_take(waiting):
                yield self._take(waiting.popleft())
        while waiting:
            yield self._take(waiting.popleft())
        if broken is not None:
            raise broken

    @property
    def _crew(self) -> Crew:
        if self._hired is None:
            self._hired = self._open.enter_context(self._hire())
        return self._hired

    def _is_time_to_take(self, waiting: deque[_Sent[Batch]]) -> bool:
        return (
            waiting[0].task is None
            or len(waiting) > BATCHES_AHEAD
            or self._bytes_ahead > BYTES_AHEAD
            or self._n_ahead >= self._crew.capacity
        )

    def _send(self, batch: Batch, records: Sequence[ProductRecord]) -> _Sent[Batch]:
        """Hand over what neither the cache has nor a batch before this one has sent."""
        texts: dict[str, str] = {}
        pictures: dict[str, ProductRecord] = {}
        for record in records:
            hashes = ContentHashes.of(record)
            if hashes.text is not None:
                texts[hashes.text] = compose(record.product)
            if hashes.image is not None:
                pictures[hashes.image] = record
        missing = self._missing([*texts, *pictures])
        given = self._given({h: record for h, record in pictures.items() if h in missing})
        parcel = Parcel(tuple(t for h, t in texts.items() if h in missing), tuple(given.values()))
        if not (parcel.texts or parcel.pictures):
            return _Sent(batch, records)
        sent = _Sent(
            batch,
            records,
            texts=[h for h in texts if h in missing],
            pictures=list(given),
            copies=frozenset(h for h, one in given.items() if one.is_working_copy),
            n_bytes=parcel.n_bytes,
            task=self._crew.submit(parcel),
        )
        self._under_way.update(sent.texts, sent.pictures)
        self._bytes_ahead += sent.n_bytes
        self._n_ahead += 1
        return sent

    def _missing(self, hashes: Sequence[str]) -> set[str]:
        if not hashes:
            return set()
        known = self._cache.get(self._encoder_id, hashes)
        return {
            h
            for h in hashes
            if h not in known and h not in self._under_way and h not in self._refused
        }

    def _given(self, pictures: Mapping[str, ProductRecord]) -> dict[str, GivenPicture]:
        """The bytes of pictures. One that cannot be had is left to the run, which says why."""

        def read(record: ProductRecord) -> GivenPicture | None:
            try:
                return self._pictures.given(record)
            except (ProductRejected, OSError):
                return None

        read_all = zip(pictures, self._readers.map(read, pictures.values()), strict=True)
        return {content_hash: given for content_hash, given in read_all if given is not None}

    def _take(self, sent: _Sent[Batch]) -> tuple[Batch, Readied]:
        """Keep what workers made of a batch, as soon as they have."""
        made: set[str] = set() if sent.task is None else self._kept(sent)
        refused = {
            record.product.product_id: reason
            for record in sent.records
            if (reason := self._why_not(record)) is not None
        }
        usable = [one for one in sent.records if one.product.product_id not in refused]
        hashes = [ContentHashes.of(record) for record in usable]
        encoded = EncodedCount(
            texts=len(made & {one.text for one in hashes}),
            images=len(made & {one.image for one in hashes}),
        )
        return sent.batch, Readied(encoded, refused)

    def _kept(self, sent: _Sent[Batch]) -> set[str]:
        rows: dict[str, Row] = {}
        hashes = [*sent.texts, *sent.pictures]
        for content_hash, outcome in zip(hashes, self._outcomes(sent.task), strict=True):
            if isinstance(outcome, EncodedPicture):
                if outcome.files is not None:
                    self._pictures.keep(content_hash, outcome.files)
                rows[content_hash] = outcome.row
            elif not isinstance(outcome, str):
                rows[content_hash] = outcome
            elif content_hash not in sent.copies:  # a damaged copy is the run's own affair
                self._refused[content_hash] = outcome
        self._cache.put(self._encoder_id, rows)
        self._under_way.difference_update(hashes)
        self._bytes_ahead -= sent.n_bytes
        self._n_ahead -= 1
        return set(rows)

    def _outcomes(self, task: Any) -> Sequence[Outcome]:
        try:
            return self._crew.result(task).outcomes
        except ParcelLost as lost:  # one content may be to blame: each of them alone
            return [self._alone(single) for single in lost.parcel.singles()]

    def _alone(self, parcel: Parcel) -> Outcome:
        try:
            return self._crew.result(self._crew.submit(parcel)).outcomes[0]
        except ParcelLost as lost:
            return str(lost)

    def _why_not(self, record: ProductRecord) -> str | None:
        if not self._refused:
            return None
        hashes = ContentHashes.of(record)
        if hashes.image is not None and (reason := self._refused.get(hashes.image)):
            return told_at(record.product.images[0], reason)
        return None if hashes.text is None else self._refused.get(hashes.text)
