"""The SQL adapters of the store room, under one name."""

from shopsearch.store.database import Database
from shopsearch.store.embeddings import SqlEmbeddingCache
from shopsearch.store.lexical import SqlLexicalIndex
from shopsearch.store.products import SqlProductStore
from shopsearch.store.runs import SqlFeedRuns

__all__ = ["Database", "SqlEmbeddingCache", "SqlFeedRuns", "SqlLexicalIndex", "SqlProductStore"]
