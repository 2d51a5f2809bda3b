"""A search in a collection that many generations share, for the nearest that one of them knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from shopsearch.index.column import Mask
from shopsearch.index.milvus_filters import from_to
from shopsearch.index.milvus_rows import COARSE, MAX_FOUND, Hits, MilvusRows
from shopsearch.index.vectors import best, cosines

log = structlog.get_logger(__name__)

SPARE = 16  # hits beside those wanted, for rows of other generations among them
WIDER = 8  # times as many hits, where too few were left
OVERSAMPLED = 2  # times as many hits, where scores are not exact
QUERIES_AT_ONCE = 64
COMPARED_AT_ONCE = 4096  # vectors
NARROW = 1024  # matches, all of which are asked for: so it shows whether some are not found
PIECE = MAX_FOUND // 2  # matches of a search that wants more than Milvus gives at once

Nearest = tuple[NDArray[np.int64], NDArray[np.float32]]  # keys and cosines


class Known(Protocol):
    """What a search asks of the index."""

    def vectors_at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N, D) the vectors at positions, each named once; NaN where Milvus lacks the row."""


class MilvusSearch:
    """Searches under one filter: `expression` lets through all of the mask, and perhaps more.

    `keys` and `numbers` are those of all positions; `mask` says which positions match.
    """

    def __init__(
        self,
        known: Known,
        rows: MilvusRows,
        *,
        keys: NDArray[np.int64],
        numbers: NDArray[np.int64],
        mask: Mask,
        expression: str,
    ) -> None:
        self._known = known
        self._rows = rows
        self._keys = keys
        self._numbers = numbers
        self._mask = mask
        self._n_matches = int(np.count_nonzero(mask))
        self._expression = expression
        self._is_coarse = rows.kind in COARSE
        self._asks_for_all = self._n_matches <= NARROW and not rows.finds_all

    def nearest(self, queries: NDArray[np.float32], k: int) -> Iterator[Nearest]:
        """The nearest min(k, matches) of each query, best first, equal ones in ascending order of
        keys.
        """
        wanted = min(k, self._n_matches)
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            some = queries[start : start + QUERIES_AT_ONCE]
            if wanted + SPARE > MAX_FOUND:
                yield from (self._deep(query, wanted) for query in some)
            else:
                yield from self._of_some(some, wanted)

    def _of_some(self, queries: NDArray[np.float32], wanted: int) -> list[Nearest]:
        answers: list[Nearest | None] = [None] * len(queries)
        for limit, strongly in self._tries(wanted):
            left = [row for row, answer in enumerate(answers) if answer is None]
            if not left:
                break
            found = self._rows.search(queries[left], limit, self._expression, strongly=strongly)
            for row, hits in zip(left, found, strict=True):
                answers[row] = self._answer(queries[row], hits, wanted, limit)
        matches = np.flatnonzero(self._mask)
        return [
            self._compared(queries[row], matches, wanted) if answer is None else answer
            for row, answer in enumerate(answers)
        ]

    def _tries(self, wanted: int) -> Iterator[tuple[int, bool]]:
        """How many hits to ask for, and whether Milvus shall look for what came just now."""
        if self._asks_for_all:
            wanted = self._n_matches
        limit = wanted * (OVERSAMPLED if self._is_coarse else 1) + SPARE
        yield min(limit, MAX_FOUND), False
        yield min(WIDER * limit, MAX_FOUND), True

    def _answer(
        self, query: NDArray[np.float32], hits: Hits, wanted: int, limit: int
    ) -> Nearest | None:
        """What the hits tell; None where they do not tell all."""
        places, scores = self._matching(hits)
        is_all = len(places) == self._n_matches
        if len(places) < wanted or (self._asks_for_all and not is_all):
            return None
        if self._is_coarse:
            scores = self._known.vectors_at(places) @ query
        scores = cosines(scores)
        nearest = best(scores, self._keys[places], wanted)
        is_cut = len(hits.rows) >= limit and not is_all and not self._is_coarse
        if is_cut and nearest[1][-1] <= scores.min():
            return None  # some with the last score may be missing
        return nearest

    def _matching(self, hits: Hits) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The positions of the hits that match, and their scores."""
        places = np.searchsorted(self._numbers, hits.rows)
        places = np.minimum(places, len(self._numbers) - 1)
        matches = (self._numbers[places] == hits.rows) & self._mask[places]
        return places[matches], hits.scores[matches]

    def _deep(self, query: NDArray[np.float32], wanted: int) -> Nearest:
        """More than Milvus gives at once: piece by piece of all rows."""
        matches = np.flatnonzero(self._mask)
        keys, scores = [], []
        for start in range(0, len(matches), PIECE):
            piece = matches[start : start + PIECE]
            within = from_to(int(self._numbers[piece[0]]), int(self._numbers[piece[-1]]))
            expression = f"{within} and {self._expression}"
            hits = self._rows.search(query[None, :], MAX_FOUND, expression)[0]
            places, found = self._matching(hits)
            if len(places) < len(piece) or self._is_coarse:
                of_piece = self._compared(query, piece, len(piece))
            else:
                of_piece = self._keys[places], cosines(found)
            keys.append(of_piece[0])
            scores.append(of_piece[1])
        return best(np.concatenate(scores), np.concatenate(keys), wanted)

    def _compared(
        self, query: NDArray[np.float32], positions: NDArray[np.int64], wanted: int
    ) -> Nearest:
        """The nearest of some positions, as their own vectors say."""
        scores = np.empty(len(positions), dtype=np.float32)
        for start in range(0, len(positions), COMPARED_AT_ONCE):
            vectors = self._known.vectors_at(positions[start : start + COMPARED_AT_ONCE])
            scores[start : start + COMPARED_AT_ONCE] = np.einsum("md,d->m", vectors, query)
        there = ~np.isnan(scores)
        if not there.all():
            log.error(
                "rows of the index are missing in Milvus: run `shopsearch reindex`",
                collection=self._rows.collection,
                missing=int(np.count_nonzero(~there)),
            )
        return best(cosines(scores[there]), self._keys[positions[there]], wanted)
