"""Combined queries: a reference (a picture, a product) and words about it make one query vector.

"This, but in blue": the words change the reference. A weighted sum of both vectors finds what is a
little like each; a learned combiner takes out of the reference what the words replace.

Letters: N queries, D the length of a fused vector, H hidden units.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]


class Combiner(Protocol):
    """Makes one query vector of a reference and of words about it."""

    def combine(self, reference: Rows, words: Rows, text_weight: Rows) -> Rows:
        """(N, D) unit rows of (N, D) fused vectors of references and of words.

        `text_weight` is (N,) in 0..1; 0 is the reference alone, 1 the words alone.
        """


class WeightedSum:
    """q = (w t + (1 - w) r) / |w t + (1 - w) r|; the reference where nothing is left of it."""

    def combine(self, reference: Rows, words: Rows, text_weight: Rows) -> Rows:
        """See `Combiner.combine`."""
        weight = text_weight[:, None].astype(np.float32)  # (N, 1)
        mixed = weight * words + (1.0 - weight) * reference  # (N, D)
        length = np.linalg.norm(mixed, axis=1, keepdims=True)  # (N, 1)
        mixed = np.where(length > 1e-6, mixed / np.maximum(length, 1e-6), reference)
        return np.ascontiguousarray(mixed, dtype=np.float32)
