"""An orderly end of work that would go on for ever, at Ctrl-C or SIGTERM."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether the end was asked for.

    An indexing run catches Ctrl-C itself, and ends after the batch at hand; a second one, which
    reaches this, interrupts. SIGTERM is passed on to it as such a Ctrl-C.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._is_at_work = False

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Work that catches the first Ctrl-C itself."""
        self._is_at_work = True
        try:
            yield
        finally:
            self._is_at_work = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to the signals until the block ends; only the main thread can."""
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, self._on_interrupt),
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._on_terminate),
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_at_work:
            raise KeyboardInterrupt
        self.is_asked = True

    def _on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        self.is_asked = True
        if signal.getsignal(signal.SIGINT) != self._on_interrupt:
            signal.raise_signal(signal.SIGINT)  # to the run, which listens at this moment
