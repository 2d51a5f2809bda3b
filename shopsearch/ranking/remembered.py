"""What was read out of products, kept for the next search."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from shopsearch.domain import StoredProduct

Made = TypeVar("Made")


class Remembered(Generic[Made]):
    """Makes something of a product once, for as long as the product stays as it is.

    The least recently asked for are forgotten beyond `n_most`. Threads may share it; two that ask
    for the same at once may both make it.
    """

    def __init__(self, make: Callable[[StoredProduct], Made], n_most: int) -> None:
        self._make = make
        self._n_most = n_most
        self._made: OrderedDict[tuple[int, int], Made] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many it holds."""
        return len(self._made)

    def of(self, stored: StoredProduct) -> Made:
        """What was made of this revision of the product."""
        place = (stored.key, stored.revision)  # a later write has another revision
        with self._lock:
            if place in self._made:
                self._made.move_to_end(place)
                return self._made[place]
        made = self._make(stored)
        with self._lock:
            self._made[place] = made
            if len(self._made) > self._n_most:
                self._made.popitem(last=False)
        return made
