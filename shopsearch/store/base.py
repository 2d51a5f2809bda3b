"""The ports of the store room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    ApiKey,
    AskedText,
    AuditEntry,
    Changes,
    ClickedSearch,
    Event,
    EventKind,
    IndexReport,
    KeptAnswer,
    LoggedClick,
    LoggedSearch,
    Popular,
    ProductRecord,
    Signal,
    StoredProduct,
    Together,
    WordMatches,
    Writes,
)
from shopsearch.rules import KeptRule, Rule, RuleVersion

KEY_LASTS = timedelta(hours=24)  # of idempotency
CLAIM_LASTS = timedelta(minutes=2)  # a write takes less; whoever claimed it before has died


class Baskets(NamedTuple):
    """What was bought, as far as one product is concerned."""

    n_all: int  # baskets of anything
    n_baskets: int  # of these, with the product
    together: Sequence[Together]


class ProductStore(Protocol):
    """Keeps the products. What a method has written is durable when it returns.

    A product gets its key with its first upsert and keeps it for as long as it is in the store; a
    key is never given to another product. Each write gets a higher revision than all before.
    """

    def upsert(self, records: Sequence[ProductRecord]) -> NDArray[np.int64]:
        """Insert or replace, in one transaction; the keys, in the order given."""

    def remove(self, product_ids: Sequence[str]) -> tuple[str, ...]:
        """Take products out; the ids that were there."""

    def fingerprints(self, product_ids: Sequence[str]) -> Mapping[str, str]:
        """The fingerprints of products by the shop's ids; much cheaper than the products."""

    def keys(self, product_ids: Sequence[str]) -> Mapping[str, int]:
        """The keys of products by the shop's ids; much cheaper than the products."""

    def find(self, product_ids: Sequence[str]) -> Mapping[str, StoredProduct]:
        """Products by the shop's ids; those that are not there are absent."""

    def fetch(self, keys: Sequence[int]) -> Mapping[int, StoredProduct]:
        """Products by key; those that are not there are absent."""

    def changes_since(self, revision: int, limit: int) -> Changes:
        """The next at most `limit` writes after a revision, oldest first; revision 0 is the start.

        Nothing is left when the answer's revision equals the revision asked for.
        """

    def removed_since(self, revision: int) -> NDArray[np.int64]:
        """The keys that were removed after a revision; much cheaper than `changes_since`."""

    def revision(self) -> int:
        """The revision of the latest write; 0 before the first."""

    def count(self) -> int:
        """How many products there are."""


class FeedRuns(Protocol):
    """Remembers which products a run over a feed has met, so that memory does not grow with it."""

    def begin(self, feed: str) -> int:
        """Start a run; its number."""

    def meet(self, run: int, product_ids: Sequence[str]) -> frozenset[str]:
        """Note ids as met; those that this run had met before, or that repeat in the call."""

    def forget(self, run: int, product_ids: Sequence[str]) -> None:
        """Take ids for not met again."""

    def count_unmet(self, run: int) -> int:
        """How many stored products the run has not met."""

    def unmet(self, run: int, limit: int) -> Iterator[Sequence[str]]:
        """Ids of stored products that the run has not met, in batches of at most `limit`."""

    def finish(self, run: int, report: IndexReport) -> None:
        """Keep the report, forget the ids."""


class EmbeddingCache(Protocol):
    """Keeps the embedding of a content under an encoder, so that nothing is encoded twice."""

    def get(
        self, encoder_id: str, content_hashes: Sequence[str]
    ) -> Mapping[str, NDArray[np.float32]]:
        """The (D,) embeddings that are there, by content hash."""

    def put(self, encoder_id: str, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep (D,) embeddings, durably."""


class LexicalIndex(Protocol):
    """What a database knows of the words of products; see `Lexicon`, of which it is all but
    `sketches`. The store keeps it in step, in the transaction of each write.

    Words are kept in one language; all but `renew` raise `LanguageMismatch` where it is another
    than this index asks in.
    """

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """See `Lexicon.search`."""

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """See `Lexicon.frequencies`."""

    def count(self) -> int:
        """See `Lexicon.count`: as many as the store."""

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """See `Lexicon.holding`."""

    def renew(self) -> int:
        """Write all words anew in the language of this index where they are kept in another; how
        many products that were. All at once: readers see the old words or the new ones.
        """


class SynonymStore(Protocol):
    """Keeps a shop's synonyms, each a rule in one canonical spelling (see `ranking.synonyms`)."""

    def add(self, rule: str) -> bool:
        """Keep a rule; False where it was there before."""

    def remove(self, rule: str) -> bool:
        """Forget a rule; False where it was not there."""

    def rules(self) -> Sequence[str]:
        """All rules, in the order in which they came."""

    def revision(self) -> int:
        """Grows with every rule that is added or removed; 0 before the first."""


class RuleStore(Protocol):
    """Keeps the merchandising rules of a shop, and every version that each of them had.

    A call changes all that it names, or nothing. A rule keeps its number through all changes; one
    that is removed and added again gets a new number, and goes on with its versions.
    """

    def put(self, rules: Sequence[Rule], *, replace: bool = False) -> Sequence[KeptRule]:
        """Keep rules, in the order given; one that is there as it is gets no new version.

        Raises `RuleError` where a name is there already, unless it may be replaced, and where it
        repeats in the call.
        """

    def remove(self, names: Sequence[str]) -> Sequence[str]:
        """Take rules out; the names that were there."""

    def rules(self) -> Sequence[KeptRule]:
        """All rules, oldest first."""

    def history(self, name: str) -> Sequence[RuleVersion]:
        """Every version of a rule, oldest first, whether it is still there or not."""

    def revision(self) -> int:
        """Grows with every change to any rule; 0 before the first."""


class SearchLog(Protocol):
    """Remembers searches and clicks without who made them. Each call is one transaction, but for
    `prune`, which lets others write in between.
    """

    def salt(self, day: date) -> bytes | None:
        """The salt of session hashes of a day (UTC), the same for all who ask; it is made when it
        is first asked for, and every other day's is gone from then on. None where a later day's is
        there already.
        """

    def write(self, searches: Sequence[LoggedSearch], clicks: Sequence[LoggedClick]) -> int:
        """Keep searches and clicks; how many clicks are new.

        A click is passed over where the log holds no such search, where that search did not show
        the product at that rank, and where it is there already.
        """

    def read(self, since: datetime, until: datetime) -> Iterator[ClickedSearch]:
        """The searches from one moment until before another, oldest first, with their clicks."""

    def asked(self, since: datetime, *, min_sessions: int, limit: int) -> Sequence[AskedText]:
        """The words alone that were searched for in at least so many sessions since then and found
        something as they are, without a filter; those of most sessions first. Withheld ones, and
        those of searches whose session is not known, do not count.
        """

    def prune(self, before: datetime) -> int:
        """Forget the searches from before a moment, with their clicks; how many there were."""


class EventStore(Protocol):
    """Remembers what visitors did with products. Each call is one transaction, but for `prune`,
    which lets others write in between.

    The pseudonym of a visitor is kept as a keyed hash: who reads the events cannot tell it, and
    `of_visitor` and `erase` take it as the shop gave it. So is the number of an order, whoever
    ordered: one shop has each number once. No one is no visitor: "" did nothing.

    A basket is the purchases of an order, or of a visitor on a day (UTC) where no order is named,
    or else the one purchase; a product counts once in it.
    """

    def write(self, events: Sequence[Event]) -> int:
        """Keep events; how many are new. One whose id is there already is passed over, and so is
        one with a product id that no product can have.
        """

    def of_visitor(self, visitor: str, *, limit: int) -> Sequence[Event]:
        """What a visitor did, the newest first; `visitor` is as it was asked for. Purchases have
        the hash of their basket as `order_id`.
        """

    def together(self, product_id: str, since: datetime, *, limit: int) -> Baskets:
        """What was bought with a product since a moment, the most frequent first; earlier
        purchases do not count, be their basket ever so new.
        """

    def popular(
        self, since: datetime, until: datetime, kinds: Sequence[EventKind], *, limit: int
    ) -> Sequence[Popular]:
        """The products with most events of these kinds from one moment until before another."""

    def prune(self, before: datetime) -> int:
        """Forget the events from before a moment; how many there were."""

    def erase(self, visitor: str) -> int:
        """Forget all that a visitor did; how many events that were."""


class KeyStore(Protocol):
    """Keeps the keys of the API. Each call is one transaction; a change is seen by all at once."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises `StoreError` where there is one of this id."""

    def find(self, key_id: str) -> ApiKey | None:
        """A key by its id, whatever its state."""

    def kept(self) -> Sequence[ApiKey]:
        """All keys, the oldest first; revoked ones stay."""

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Close a key for good; False where there is none, or it is closed already."""

    def rotate(self, key_id: str, secret_sha256: bytes, previous_until: datetime) -> bool:
        """Give a key another secret; the one before is good until a moment, one before that no
        longer. False where there is no such key, or it is revoked.
        """

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """When keys were used last, by id; an earlier moment than is known changes nothing."""


class AuditLog(Protocol):
    """Remembers who wrote to the shop. Each call is one transaction, but for `prune`, which lets
    others write in between.
    """

    def write(self, entries: Sequence[AuditEntry]) -> None:
        """Keep entries, in this order."""

    def read(self, since: datetime, *, limit: int) -> Sequence[AuditEntry]:
        """The latest entries from a moment on, the newest first."""

    def prune(self, before: datetime) -> int:
        """Forget the entries from before a moment; how many there were."""


class SignalStore(Protocol):
    """Keeps the business signals of a shop, one of each name."""

    def put(self, signals: Sequence[Signal]) -> None:
        """Keep signals, all or none; those of the same names are replaced."""

    def remove(self, names: Sequence[str]) -> Sequence[str]:
        """Take signals out; the names that were there."""

    def signals(self) -> Sequence[Signal]:
        """All signals, by name."""

    def revision(self) -> int:
        """Grows with every call that changes something; 0 before the first."""


class IdempotencyKeys(Protocol):
    """Remembers for `KEY_LASTS` what was answered to a write that carried a key.

    A key is the writer's own: two writers may use the same one. `writer` and `key` are printable.
    """

    def claim(
        self, writer: str, key: str, request_hash: str, *, now: datetime
    ) -> KeptAnswer | None:
        """Take a key for a request: None to exactly one of all who ask, what is kept to the others.

        A claim without an answer is free again after `CLAIM_LASTS`.
        """

    def answer(self, writer: str, key: str, status: int, body: str) -> None:
        """Keep what was answered to the request that claimed the key."""

    def release(self, writer: str, key: str) -> None:
        """Give a claim back that nothing was answered to."""


class WriteTimes(Protocol):
    """Tells when products came and were written last, so that a list can be sorted by it."""

    def written_after(self, revision: int) -> Writes:
        """The products whose latest write came after a revision, oldest write first.

        One that was removed is in none; revision 0 is the start.
        """


class KeptEmbedding(NamedTuple):
    """A row of the embedding cache as it lies in the database, sound or not."""

    encoder_id: str
    content_hash: str
    dimension: int
    vector: bytes  # float32, little-endian


class StoreUpkeep(Protocol):
    """The store as a whole: what checking, repairing and exporting ask of it.

    The iterators need constant memory. `products` and `pictures` show the store as it was when
    they began, whatever is written meanwhile.
    """

    def faults(self) -> Iterator[str]:
        """What contradicts itself in the database, in words; nothing where all is well.

        Raises `StoreUnavailable` and `SchemaOutdated` where it cannot be read on.
        """

    def products(self) -> Iterator[Sequence[StoredProduct]]:
        """All products by key, in batches."""

    def pictures(self) -> Iterator[tuple[str, str]]:
        """The content hash of every picture that is kept, each once, ascending, and a product of
        it.
        """

    def embeddings(self) -> Iterator[Sequence[KeptEmbedding]]:
        """All rows of the embedding cache, in batches."""

    def forget(self, encoder_id: str, content_hashes: Sequence[str]) -> int:
        """Take embeddings out of the cache; how many there were."""
