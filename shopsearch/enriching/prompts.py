"""The names of values as vectors: how zero-shot says what it looks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import CATEGORY_SEPARATOR, PreparedItem
from shopsearch.embedding import Embedder

N_KINDS = 12  # each value is said of so many kinds of products


def embed_names(
    embedder: Embedder,
    values: Sequence[str],
    kinds: Sequence[str],
    report: Callable[[int, int | None], None],
) -> NDArray[np.float32]:
    """(C, D) unit rows: the mean of the queries "{value} {kind}" over the kinds of a shop.

    "Blue Shirts" is nearer to products than "Blue" alone, and a mean over several wordings is
    steadier than each (prompt ensembling, Radford et al. 2021, section 3.1.4). Without kinds, the
    name alone.
    """
    rows = []
    for done, words in enumerate(value_words(values), start=1):
        said = [f"{words} {kind}" for kind in kinds] or [words]
        queries = [embedder.embed_query(PreparedItem(text), text_weight=1.0) for text in said]
        rows.append(np.mean(queries, axis=0))  # (D,)
        report(done, len(values))
    named = np.stack(rows)  # (C, D)
    length = np.maximum(np.linalg.norm(named, axis=1, keepdims=True), 1e-6)  # (C, 1)
    unit: NDArray[np.float32] = (named / length).astype(np.float32)
    return unit


def value_words(values: Sequence[str]) -> list[str]:
    """How each value is said: a category by its last level, from the last up where two share it."""
    paths = [value.split(CATEGORY_SEPARATOR) for value in values]
    leaves = Counter(path[-1].casefold() for path in paths)
    return [
        path[-1] if leaves[path[-1].casefold()] == 1 else " ".join(reversed(path)) for path in paths
    ]
