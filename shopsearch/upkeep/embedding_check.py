"""The rows of the embedding cache: whole, finite, of length one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsearch.store import KeptEmbedding, StoreUpkeep
from shopsearch.upkeep.faults import REPAIR, Count, Cure, Fault, Faults

UNIT_TOLERANCE = 1e-3  # how far a length may be from one
AT_REST = np.dtype("<f4")


def embedding_faults(store: StoreUpkeep, count: Count) -> Faults:
    """Each row that no encoder can have made."""
    for batch in store.embeddings():
        for kept in batch:
            if what := _what_is_wrong(kept):
                yield Fault(
                    subject=f"embedding {kept.content_hash[:16]}... of {kept.encoder_id}",
                    what=what,
                    remedy=f"{REPAIR} deletes the row and encodes the content again",
                    cure=Cure.FORGET,
                    embeddings=((kept.encoder_id, kept.content_hash),),
                )
        count.add(len(batch))


def _what_is_wrong(kept: KeptEmbedding) -> str | None:
    expected = kept.dimension * AT_REST.itemsize
    if len(kept.vector) != expected or not expected:
        return f"it has {len(kept.vector)} bytes, not 4 for each of {kept.dimension} numbers"
    return unlike_a_unit_row(np.frombuffer(kept.vector, dtype=AT_REST))


def unlike_a_unit_row(row: NDArray[np.float32]) -> str | None:
    """How a (D,) vector is no unit row; None where it is one."""
    if not np.isfinite(row).all():
        return "it holds numbers that are not finite"
    length = float(np.linalg.norm(row.astype(np.float64)))
    if abs(length - 1.0) > UNIT_TOLERANCE:
        return f"its length is {length:.6g}, not 1"
    return None
