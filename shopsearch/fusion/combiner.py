"""Combined queries: a reference (a picture, a product) and words about it make one query vector.

"This, but in blue": the words change the reference. A weighted sum of both finds what is a little
like each; a learned combiner takes out of the reference what the words replace.

Torch is not needed here. Letters: N queries, D the length of a fused vector.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SHIPPED_COMBINER = Path(__file__).parent / "query_weights" / "combiner.safetensors"
WEIGHTED_SUM = "weighted-sum"  # what a setting may name instead
METHOD = "combiner"  # what the card of its weights says
REMEDY = "train one with `shopsearch train combiner`, or set SHOPSEARCH_COMBINER=weighted-sum"

Rows = NDArray[np.float32]


class Combiner(Protocol):
    """Makes one query vector of a reference and of words about it."""

    def combine(self, reference: Rows, words: Rows, text_weight: Rows) -> Rows:
        """(N, D) unit rows of (N, D) fused vectors of references and of words.

        `text_weight` is (N,) in 0..1; 0 is the reference alone, 1 the words alone.
        """


class LazyCombiner:
    """A combiner whose weights are loaded by its first use."""

    def __init__(self, build: Callable[[], Combiner]) -> None:
        self._build = build
        self._built: Combiner | None = None
        self._lock = threading.Lock()

    def combine(self, reference: Rows, words: Rows, text_weight: Rows) -> Rows:
        """See `Combiner.combine`; loads the weights once, even when many threads ask."""
        with self._lock:
            if self._built is None:
                self._built = self._build()
        return self._built.combine(reference, words, text_weight)
