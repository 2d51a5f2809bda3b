"""The embedding cache in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import select

from shopsearch.store.database import Database
from shopsearch.store.statements import chunks, insert_or_replace
from shopsearch.store.tables import EMBEDDINGS

log = structlog.get_logger(__name__)

AT_REST = np.dtype("<f4")  # the same on every machine


class SqlEmbeddingCache:
    """The `EmbeddingCache` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(
        self, encoder_id: str, content_hashes: Sequence[str]
    ) -> Mapping[str, NDArray[np.float32]]:
        """See `EmbeddingCache.get`; a row that is damaged counts as absent."""
        found: dict[str, NDArray[np.float32]] = {}
        columns = EMBEDDINGS.c
        with self._database.reading() as connection:
            for hashes in chunks(list(dict.fromkeys(content_hashes))):
                statement = select(columns.content_hash, columns.dimension, columns.vector).where(
                    columns.encoder_id == encoder_id, columns.content_hash.in_(hashes)
                )
                for row in connection.execute(statement):
                    if (vector := _vector(*row)) is not None:
                        found[row.content_hash] = vector
        return found

    def put(self, encoder_id: str, embeddings: Mapping[str, NDArray[np.float32]]) -> None:
        """See `EmbeddingCache.put`."""
        rows = [
            {
                "encoder_id": encoder_id,
                "content_hash": content_hash,
                "dimension": embedding.size,
                "vector": np.ascontiguousarray(embedding, dtype=AT_REST).tobytes(),
            }
            # one order for all writers: else two of them could lock each other's rows for ever
            for content_hash, embedding in sorted(embeddings.items(), key=lambda pair: pair[0])
        ]
        if not rows:
            return
        with self._database.writing() as connection:
            statement = insert_or_replace(
                connection, EMBEDDINGS, unique=["encoder_id", "content_hash"]
            )
            connection.execute(statement, rows)


def _vector(content_hash: str, dimension: int, vector: bytes) -> NDArray[np.float32] | None:
    if len(vector) != dimension * AT_REST.itemsize:
        log.warning("a cached embedding is damaged; it is made anew", content=content_hash)
        return None
    return np.frombuffer(vector, dtype=AT_REST).astype(np.float32, copy=False)
