"""Store room: products in, rows and stable keys out. The store is the truth; the index is derived.

In:    `ProductRecord`s, content hashes and embeddings; the words of a query.
Out:   int64 keys, `StoredProduct`s, the changes since a revision, and `WordMatches`.
Fails: `StoreUnavailable`, `SchemaOutdated`.
More:  implement the ports of `base.py` in a file of its own, name it in `shopsearch/parts.py`,
       and add it to the contract suites in tests/contracts/.
"""

from shopsearch.store.base import (
    AuditLog,
    Baskets,
    EmbeddingCache,
    EventStore,
    FeedRuns,
    IdempotencyKeys,
    KeptEmbedding,
    KeyStore,
    LexicalIndex,
    ProductStore,
    RuleStore,
    SearchLog,
    SignalStore,
    StoreUpkeep,
    SynonymStore,
    WriteTimes,
)

__all__ = [
    "AuditLog",
    "Baskets",
    "EmbeddingCache",
    "EventStore",
    "FeedRuns",
    "IdempotencyKeys",
    "KeptEmbedding",
    "KeyStore",
    "LexicalIndex",
    "ProductStore",
    "RuleStore",
    "SearchLog",
    "SignalStore",
    "StoreUpkeep",
    "SynonymStore",
    "WriteTimes",
]
