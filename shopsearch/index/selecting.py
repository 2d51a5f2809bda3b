"""What FAISS is told of a filter, and of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faiss
import numpy as np

from shopsearch.index.column import Mask


class Selection:
    """A mask as FAISS understands it; it must be kept for as long as a search goes on."""

    def __init__(self, mask: Mask) -> None:
        self._bits = np.packbits(mask, bitorder="little")
        self.selector: Any = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(self._bits))


@contextmanager
def threads_for(n_queries: int) -> Iterator[None]:
    """A single query is answered by the thread that asks, a batch by as many as FAISS may use.

    A scan of codes would else start all threads, and wait for each of them, for one query. The
    number is the calling thread's own.
    """
    before = faiss.omp_get_max_threads()
    if n_queries == 1:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
