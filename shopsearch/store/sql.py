"""The SQL adapters of the store room, under one name."""

from shopsearch.store.audit_log import SqlAuditLog
from shopsearch.store.database import Database
from shopsearch.store.embeddings import SqlEmbeddingCache
from shopsearch.store.events import SqlEventStore
from shopsearch.store.idempotency import SqlIdempotencyKeys
from shopsearch.store.indexing_lock import SqlIndexingLock
from shopsearch.store.keys import SqlKeyStore
from shopsearch.store.lexical import SqlLexicalIndex
from shopsearch.store.live_generation import SqlCurrentGeneration
from shopsearch.store.products import SqlProductStore
from shopsearch.store.rules import SqlRuleStore
from shopsearch.store.runs import SqlFeedRuns
from shopsearch.store.search_log import SqlSearchLog
from shopsearch.store.signals import SqlSignalStore
from shopsearch.store.synonyms import SqlSynonymStore
from shopsearch.store.upkeep import SqlUpkeep
from shopsearch.store.write_times import SqlWriteTimes

__all__ = [
    "Database",
    "SqlAuditLog",
    "SqlCurrentGeneration",
    "SqlEmbeddingCache",
    "SqlEventStore",
    "SqlFeedRuns",
    "SqlIdempotencyKeys",
    "SqlIndexingLock",
    "SqlKeyStore",
    "SqlLexicalIndex",
    "SqlProductStore",
    "SqlRuleStore",
    "SqlSearchLog",
    "SqlSignalStore",
    "SqlSynonymStore",
    "SqlUpkeep",
    "SqlWriteTimes",
]
