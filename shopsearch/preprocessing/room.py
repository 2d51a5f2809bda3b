"""How many pixels may be decoded at a time, however many threads decode."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

SMALL_PIXELS = 4_000_000  # 16 MB decoded: not waited for


class DecodingRoom:
    """Room for pixels: decoding a large picture takes up to 12 bytes for each. Threads share it.

    A picture that finds no room waits until others are done, in the order in which they came.
    """

    def __init__(self, n_pixels: int) -> None:
        self._size = n_pixels
        self._free = n_pixels
        self._changed = threading.Condition()
        self._next = threading.Lock()

    @contextmanager
    def taken(self, n_pixels: int) -> Iterator[None]:
        """Hold the room of a picture; one larger than all of it has it for itself."""
        if n_pixels <= SMALL_PIXELS:
            yield
            return
        n_pixels = min(n_pixels, self._size)
        with (
            self._next,
            self._changed,
        ):  # the others stand behind, so that a large one gets its turn
            self._changed.wait_for(lambda: self._free >= n_pixels)
            self._free -= n_pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += n_pixels
                self._changed.notify()
