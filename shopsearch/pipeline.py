"""How long runs work: a bounded look-ahead, and an orderly stop at Ctrl-C or SIGTERM."""

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

STOPPING = (signal.SIGINT, signal.SIGTERM)


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
    """The first Ctrl-C or SIGTERM only asks to stop; the second one, of either, acts as usual.

    SIGTERM is what a supervisor, a container or a shutdown sends. Yields a function that tells
    whether a stop was asked for. Outside the main thread, where signals cannot be handled, they
    are left as they are.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    before = {number: signal.getsignal(number) for number in STOPPING}

    def put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_signal_number: int, _frame: FrameType | None) -> None:
        asked.set()
        put_back()

    for number in STOPPING:
        signal.signal(number, ask)
    try:
        yield asked.is_set
    finally:
        put_back()
