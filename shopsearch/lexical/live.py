"""The words of whichever generation is live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Lexicon, Sketches, WordMatches
from shopsearch.errors import GenerationMissing
from shopsearch.index.live import LiveGeneration


class LiveWords:
    """A `Lexicon` for those who do not hold a generation: each call asks the live one.

    `otherwise` answers where that has no words of its own, or nothing is indexed yet.
    """

    def __init__(self, live: LiveGeneration, otherwise: Lexicon) -> None:
        self._live = live
        self._otherwise = otherwise

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """See `Lexicon.search`."""
        return self._now().search(terms, k, among)

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """See `Lexicon.frequencies`."""
        return self._now().frequencies(terms)

    def count(self) -> int:
        """See `Lexicon.count`."""
        return self._now().count()

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """See `Lexicon.holding`."""
        return self._now().holding(wanted)

    def sketches(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Sketches]:
        """See `Lexicon.sketches`."""
        return self._now().sketches(keys)

    def _now(self) -> Lexicon:
        try:
            words = self._live.get().words
        except GenerationMissing:
            return self._otherwise
        return self._otherwise if words is None else words
