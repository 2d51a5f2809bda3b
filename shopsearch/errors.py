"""Everything that shopsearch raises on purpose, as one tree.

    ShopsearchError
    ├── SettingsError             a setting is missing, malformed or contradicts another
    ├── CatalogError              a feed cannot be read at all
    │   └── FeedFormatError       its header, encoding or format is wrong
    ├── ProductRejected           one product is bad; the run goes on and counts the reason
    │   ├── PictureRejected       its picture is missing, broken, too large or of an unknown format
    │   └── FetchRejected         its picture's address is refused, or does not answer
    │       └── HostUnavailable   the host of the address is out of order: later it may answer
    ├── QueryError                a search that cannot be answered as asked
    │   ├── UnknownProduct        it names a product that the catalog does not hold
    │   └── PictureMissing        it needs the picture of a product that has none
    ├── EventRejected             one event is bad; an import goes on and counts the reason
    ├── EventsBusy                more events wait to be written than there is room for
    ├── SynonymRejected           a rule about synonyms that cannot be read
    ├── EncoderError
    │   ├── EncoderUnavailable    model files or packages are missing, or a hub is out of reach
    │   └── RegionsUnavailable    it cannot say which regions of a picture words speak of
    ├── FusionError
    │   ├── FusionUnavailable     weights of a learned fusion are missing or cannot be read
    │   └── FusionMismatch        they were trained for another encoder
    ├── RuleError                 a merchandising rule that cannot be followed, or is not there
    ├── SignalError               a business signal that cannot be weighed, or is not there
    ├── TrainingError             the training data cannot carry a training run
    ├── EnrichmentError           values of an attribute cannot be proposed as asked
    ├── AuditError                a catalog cannot be audited as asked
    ├── InsightsError             judgments cannot be made of the search log, or not be written
    ├── EvaluationError           queries or judgments cannot be read, or do not fit together
    ├── IndexFault                the vector index
    │   ├── DimensionMismatch     vectors of another length than the index holds
    │   ├── GenerationMissing     there is no such generation, or none at all yet
    │   ├── GenerationUnreachable the storage that it lies in cannot be reached now
    │   ├── GenerationDamaged     a file differs from the manifest's checksum, or is gone
    │   ├── GenerationMismatch    the manifest disagrees with the settings
    │   └── IndexUnavailable      the server that holds the vectors cannot be reached
    ├── StoreError                the product database
    │   ├── StoreUnavailable      it cannot be opened or reached
    │   ├── SchemaOutdated        its tables are older or newer than this version
    │   └── LanguageMismatch      its words are kept in another language than the settings say
    ├── AccessError               a request, or a command, that is not let in as it comes
    │   ├── KeyMissing            what is asked needs a key, and none was given
    │   ├── KeyRefused            the key that was given opens nothing
    │   ├── ScopeMissing          the key is good, and not for this
    │   ├── RateLimited           too many requests for now
    │   └── KeyUnknown            there is no key of that id, or it was revoked
    ├── BackupError               a backup cannot be made, read or restored
    ├── ExportError               the catalog cannot be written as a feed
    ├── WriteError                a single change of the catalog
    │   ├── WriterBusy            too many wait already
    │   ├── WriteUnfinished       it took too long
    │   ├── ProductChanged        the product is not what the writer thinks it is
    │   ├── IdempotencyKeyReused  the key came with another request before
    │   └── IdempotencyKeyInUse   the request of that key is under way
    ├── WorkersUnavailable        no workers of a cluster can be had, or they cannot encode
    ├── HomeBusy                  another process is indexing into the same home
    ├── IndexingLockLost          the database no longer keeps other machines from indexing
    ├── Overloaded                a server has more to do than it can do in time
    ├── Unwritable                a file or folder cannot be written: no room, or no permission
    ├── StorageUnavailable        the storage that nodes share cannot be reached, or refuses
    └── DemoUnavailable           the demo catalog cannot be had

Each message says what happened, with which value, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self


class ShopsearchError(Exception):
    """The root: whoever catches this catches everything that shopsearch raises on purpose."""


class SettingsError(ShopsearchError):
    """A setting is missing, malformed or contradicts another one."""


class CatalogError(ShopsearchError):
    """A feed cannot be read at all."""


class FeedFormatError(CatalogError):
    """The header, the encoding or the format of a feed is wrong."""


class ProductRejected(ShopsearchError):
    """One product is bad. The run goes on and counts the message as its reason.

    `field`, `column` and `value` say where in its record, "" where it is no single one.
    """

    field = ""
    column = ""
    value = ""

    def about(self, field: str, column: str = "", value: str = "") -> Self:
        """This error, which now says where it lies; what is said already stays."""
        if not self.field:
            self.field, self.column, self.value = field, column, value
        return self


class PictureRejected(ProductRejected):
    """A picture is missing, broken, too large or of a format that is not understood."""


class FetchRejected(ProductRejected):
    """A picture's address is refused, or does not answer as it should."""


class HostUnavailable(FetchRejected):
    """A picture's host cannot be reached or is out of order; it says nothing about the picture."""

    def __init__(self, message: str, *, is_resting: bool = False) -> None:
        super().__init__(message)
        self.is_resting = is_resting  # it failed before, and was not asked now


class QueryError(ShopsearchError):
    """A search that cannot be answered as asked."""


class EventRejected(ShopsearchError):
    """One event is bad. An import goes on and counts the message as its reason."""


class EventsBusy(ShopsearchError):
    """More events wait to be written than there is room for."""

    def __init__(self, n_events: int, capacity: int) -> None:
        super().__init__(
            f"there is no room for {n_events:,} events now, as up to {capacity:,} wait to be "
            "written; none of them was taken: send them again in some seconds"
        )


class SynonymRejected(ShopsearchError):
    """A rule about synonyms that cannot be read."""


class UnknownProduct(QueryError):
    """A query names a product that the catalog does not hold."""

    def __init__(self, product_id: str) -> None:
        super().__init__(
            f"there is no product {product_id!r} in this catalog; "
            "check the id, or index the feed that holds it"
        )
        self.product_id = product_id


class PictureMissing(QueryError):
    """What is asked needs the picture of a product that has none here."""


class EncoderError(ShopsearchError):
    """An encoder failed."""


class EncoderUnavailable(EncoderError):
    """Model files or packages are missing, or a model hub is out of reach."""


class RegionsUnavailable(EncoderError):
    """The encoder in use cannot say which regions of a picture words speak of."""


class FusionError(ShopsearchError):
    """A fusion failed."""


class FusionUnavailable(FusionError):
    """Weights of a learned fusion are missing, or cannot be read."""


class FusionMismatch(FusionError):
    """Weights of a learned fusion were trained for another encoder."""


class RuleError(ShopsearchError):
    """A merchandising rule that cannot be followed, or is not there."""


class SignalError(ShopsearchError):
    """A business signal that cannot be weighed as asked, or is not there."""


class TrainingError(ShopsearchError):
    """The training data cannot carry a training run."""


class EnrichmentError(ShopsearchError):
    """Values of an attribute cannot be proposed as asked."""


class AuditError(ShopsearchError):
    """A catalog cannot be audited as asked."""


class InsightsError(ShopsearchError):
    """Judgments cannot be made of the search log, or not be written."""


class EvaluationError(ShopsearchError):
    """Queries or judgments cannot be read, or do not fit together."""


class IndexFault(ShopsearchError):
    """The vector index cannot do what was asked."""


class DimensionMismatch(IndexFault):
    """Vectors of another length than the index holds."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(
            f"this index holds {expected}-dimensional vectors but was given {got}-dimensional "
            "ones; it was built with another encoder: run `shopsearch reindex`"
        )
        self.expected = expected
        self.got = got


class GenerationMissing(IndexFault):
    """There is no such index generation, or none at all yet."""


class GenerationUnreachable(IndexFault):
    """The storage that a generation lies in cannot be reached now."""


class GenerationDamaged(IndexFault):
    """A file of a generation is gone or differs from its checksum in the manifest."""


class GenerationMismatch(IndexFault):
    """The manifest of a generation disagrees with the settings in force."""


class IndexUnavailable(IndexFault):
    """The server that holds the vectors cannot be reached, or does not answer in time."""

    retry_after_s = 5


class StoreError(ShopsearchError):
    """The product database cannot do what was asked."""


class StoreUnavailable(StoreError):
    """The product database cannot be opened or reached."""


class SchemaOutdated(StoreError):
    """The tables in the database are older or newer than this version of shopsearch."""


class LanguageMismatch(StoreError):
    """The words in the database are kept in another language than the settings say."""


class AccessError(ShopsearchError):
    """A request, or a command, that is not let in as it comes."""


class KeyMissing(AccessError):
    """What is asked needs a key, and none was given."""


class KeyRefused(AccessError):
    """The key that was given opens nothing. The message never repeats it."""


class ScopeMissing(AccessError):
    """The key that was given is good, and not for what is asked."""

    def __init__(self, needed: str, given: Iterable[str]) -> None:
        has = ", ".join(sorted(given)) or "none"
        super().__init__(
            f"this needs the scope {needed}, and the key has: {has}; "
            f"ask the shop for a key with `--scope {needed}`"
        )
        self.needed = needed


class RateLimited(AccessError):
    """Too many requests for now."""

    def __init__(self, limit: str, retry_after_s: int) -> None:
        super().__init__(
            f"more than {limit} were asked; ask again in {retry_after_s} seconds, "
            "or put several questions into one request"
        )
        self.retry_after_s = retry_after_s


class KeyUnknown(AccessError):
    """There is no key of that id, or it was revoked."""


class BackupError(ShopsearchError):
    """A backup cannot be made, read or restored."""


class ExportError(ShopsearchError):
    """The catalog cannot be written as a feed."""


class WriteError(ShopsearchError):
    """A single change of the catalog was not made."""


class WriterBusy(WriteError):
    """Too many writes are waiting already."""


class WriteUnfinished(WriteError):
    """A write was not finished in time."""


class ProductChanged(WriteError):
    """The product is not what the condition of the write says."""


class IdempotencyKeyReused(WriteError):
    """An idempotency key came with another request before."""


class IdempotencyKeyInUse(WriteError):
    """The request that came first with an idempotency key is under way."""


class WorkersUnavailable(ShopsearchError):
    """No workers of a cluster can be had, or they cannot encode."""


class HomeBusy(ShopsearchError):
    """Another process is indexing into the same home folder."""


class IndexingLockLost(ShopsearchError):
    """The connection that kept other machines from indexing is gone, in the middle of a run."""


class Overloaded(ShopsearchError):
    """A server has more to do than it can do in time: later it may answer."""

    def __init__(self) -> None:
        super().__init__(
            "there are more searches than can be answered in time; ask again in some seconds"
        )


class Unwritable(ShopsearchError):
    """A file or a folder cannot be written: the disk is full, or permission is missing."""


class StorageUnavailable(ShopsearchError):
    """The storage that nodes share cannot be reached, or refuses to read or write."""


class DemoUnavailable(ShopsearchError):
    """The demo catalog cannot be had."""
