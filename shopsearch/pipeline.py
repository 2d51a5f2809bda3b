"""How long runs work: a bounded look-ahead, and an orderly stop at Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def look_ahead(
    given: Iterable[Given], make: Callable[[Given], Made], *, depth: int = 2
) -> Iterator[Made]:
    """Yield `make(x)` for each x, in order, made in one thread while the caller uses the last one.

    At most `depth` results wait to be used, so memory stays bounded. What `make` or the iteration
    raises reaches the caller where its result would have been.
    """
    waiting: deque[Future[Made]] = deque()
    source = iter(given)
    broken: Exception | None = None
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="look-ahead") as pool:
        try:
            while broken is None:
                try:
                    waiting.append(pool.submit(make, next(source)))
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001  # raised below, after what came before
                    broken = error
                if len(waiting) >= depth:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
    if broken is not None:
        raise broken


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C only asks to stop; the second one interrupts as usual.

    Yields a function that tells whether a stop was asked for. Outside the main thread, where
    signals cannot be handled, Ctrl-C is left as it is.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    before = signal.getsignal(signal.SIGINT)

    def ask(_signal_number: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
