"""Rows that were made lately."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from shopsearch.encoders.remembering import RowMemory


def row(value: float) -> np.ndarray:
    return np.array([value, 1.0], dtype=np.float32)


def never() -> np.ndarray:
    raise AssertionError("it was remembered")


def test_a_row_is_made_once_and_counted() -> None:
    memory = RowMemory(4)
    first = memory.row("a", lambda: row(1.0))
    assert memory.row("a", never) is first
    assert (memory.hits, memory.misses, len(memory)) == (1, 1, 1)


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    memory = RowMemory(2)
    for key in ("a", "b", "a", "c"):
        memory.row(key, lambda: row(0.0))
    memory.row("a", never)
    memory.row("c", never)
    assert memory.row("b", lambda: row(5.0))[0] == 5.0
    assert len(memory) == 2


def test_with_no_size_nothing_is_remembered() -> None:
    memory = RowMemory(0)
    memory.row("a", lambda: row(1.0))
    assert memory.row("a", lambda: row(2.0))[0] == 2.0
    assert len(memory) == 0


def test_a_row_is_shared_and_cannot_be_written_into() -> None:
    memory = RowMemory(2)
    batch = np.ones((30, 2), dtype=np.float32)
    kept = memory.row("a", lambda: batch[3])
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 2.0
    assert kept.base is None  # it keeps no batch


def test_equal_keys_at_the_same_time_are_made_once() -> None:
    memory, made = RowMemory(4), []
    start = threading.Barrier(8)

    def make() -> np.ndarray:
        time.sleep(0.05)  # long enough for every thread to arrive
        made.append(1)
        return row(3.0)

    def ask(_: int) -> float:
        start.wait(10)
        return float(memory.row("a", make)[0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [3.0] * 8
    assert (len(made), memory.hits, memory.misses) == (1, 7, 1)


def test_an_error_reaches_all_who_wait_and_is_not_remembered() -> None:
    memory = RowMemory(4)
    begun, go_on = threading.Event(), threading.Event()

    def fail() -> np.ndarray:
        begun.set()
        assert go_on.wait(10)
        raise OSError("no room")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(memory.row, "a", fail)
        assert begun.wait(10)
        second = pool.submit(memory.row, "a", never)
        while memory.hits == 0:
            pass
        go_on.set()
        for waiting in (first, second):
            with pytest.raises(OSError, match="no room"):
                waiting.result(10)
    assert memory.row("a", lambda: row(1.0))[0] == 1.0
