"""How many pixels may be decoded at a time: what bounds the memory of many uploads at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

SMALL_PIXELS = 4_000_000  # some 30 MB while it is decoded: these never wait


class PixelBudget:
    """Lets large pictures be decoded as long as they have at most `pixels` together.

    A picture of more than that is decoded alone. Threads wait for their turn.
    """

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._changed = threading.Condition()

    @contextmanager
    def share(self, pixels: int) -> Iterator[None]:
        """Hold so many pixels until the end of the block."""
        if pixels <= SMALL_PIXELS:
            yield
            return
        wanted = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()
