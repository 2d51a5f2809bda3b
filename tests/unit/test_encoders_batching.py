"""Joining what several threads want encoded at the same time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from shopsearch.encoders import LazyEncoder
from shopsearch.encoders.batching import Batcher, BatchingEncoder
from shopsearch.encoders.hashing import HashingEncoder
from shopsearch.errors import RegionsUnavailable

TIMEOUT_S = 10


class Slow:
    """Encodes a number as itself, batch by batch, each when it is let through."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.begun = threading.Semaphore(0)
        self.let_through = threading.Semaphore(0)

    def __call__(self, contents: Sequence[float]) -> np.ndarray:
        self.batches.append(list(contents))
        self.begun.release()
        assert self.let_through.acquire(timeout=TIMEOUT_S)
        if any(content < 0 for content in contents):
            raise ValueError(f"below zero: {min(contents)}")
        return np.array(contents, dtype=np.float32)[:, None]


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def queued(
    pool: ThreadPoolExecutor, batcher: Batcher[float], *groups: Sequence[float]
) -> list[Future[np.ndarray]]:
    """A call for each group, each one in the queue before the next comes."""
    calls = []
    for group in groups:
        before = len(batcher._waiting)
        calls.append(pool.submit(batcher.rows, group))
        while len(batcher._waiting) == before:
            pass
    return calls


def running(pool: ThreadPoolExecutor, batcher: Batcher[float], slow: Slow) -> Future[np.ndarray]:
    """A call that is being encoded, so that all others queue up."""
    first = pool.submit(batcher.rows, [0.0])
    assert slow.begun.acquire(timeout=TIMEOUT_S)
    return first


def test_what_comes_while_a_batch_runs_is_one_batch_in_the_order_it_came(pool) -> None:
    slow = Slow()
    batcher = Batcher(slow, max_size=8)
    first = running(pool, batcher, slow)
    calls = queued(pool, batcher, [1.0], [2.0, 3.0], [4.0])
    slow.let_through.release(2)
    assert first.result(TIMEOUT_S).tolist() == [[0.0]]
    assert [c.result(TIMEOUT_S).tolist() for c in calls] == [[[1.0]], [[2.0], [3.0]], [[4.0]]]
    assert slow.batches == [[0.0], [1.0, 2.0, 3.0, 4.0]]
    assert (batcher.n_runs, batcher.n_calls) == (2, 4)


def test_a_batch_has_as_many_members_as_it_may_and_the_rest_comes_next(pool) -> None:
    slow = Slow()
    batcher = Batcher(slow, max_size=3)
    first = running(pool, batcher, slow)
    calls = queued(pool, batcher, [1.0], [2.0], [3.0, 4.0], [5.0] * 7, [6.0])
    slow.let_through.release(5)
    for call in (first, *calls):
        call.result(TIMEOUT_S)
    assert slow.batches == [[0.0], [1.0, 2.0], [3.0, 4.0], [5.0] * 7, [6.0]]


def test_nobody_waits_where_nothing_runs() -> None:
    batcher = Batcher(lambda some: np.zeros((len(some), 1), np.float32), max_size=8)
    for _ in range(3):
        assert batcher.rows(["a"]).shape == (1, 1)
    assert (batcher.n_runs, batcher.n_calls) == (3, 3)


def test_the_first_of_a_batch_waits_for_others_where_it_shall(pool) -> None:
    gate = threading.Barrier(4)
    sizes = []

    def encode(some: Sequence[int]) -> np.ndarray:
        sizes.append(len(some))
        return np.zeros((len(some), 1), np.float32)

    batcher = Batcher(encode, max_size=8, wait_s=0.2)

    def call() -> None:
        gate.wait(TIMEOUT_S)
        batcher.rows([1])

    for done in [pool.submit(call) for _ in range(4)]:
        done.result(TIMEOUT_S)
    assert sizes == [4]


def test_an_error_of_one_member_does_not_fail_the_others(pool) -> None:
    slow = Slow()
    batcher = Batcher(slow, max_size=8)
    first = running(pool, batcher, slow)
    calls = queued(pool, batcher, [1.0], [-1.0], [2.0], [-2.0])
    slow.let_through.release(6)
    first.result(TIMEOUT_S)
    assert calls[0].result(TIMEOUT_S).tolist() == [[1.0]]
    assert calls[2].result(TIMEOUT_S).tolist() == [[2.0]]
    with pytest.raises(ValueError, match=r"-1\.0"):
        calls[1].result(TIMEOUT_S)
    with pytest.raises(ValueError, match=r"-2\.0"):
        calls[3].result(TIMEOUT_S)


def test_after_an_error_it_goes_on(pool) -> None:
    slow = Slow()
    batcher = Batcher(slow, max_size=8)
    slow.let_through.release(2)
    with pytest.raises(ValueError, match="below zero"):
        batcher.rows([-1.0])
    assert batcher.rows([1.0]).tolist() == [[1.0]]


def test_a_thread_that_is_stopped_while_it_encodes_leaves_nobody_waiting(pool) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def encode(some: Sequence[int]) -> np.ndarray:
        if 0 in some:
            begun.set()
            assert go_on.wait(TIMEOUT_S)
            raise SystemExit
        return np.array(some, dtype=np.float32)[:, None]

    batcher = Batcher(encode, max_size=8)
    stopped = pool.submit(batcher.rows, [0])
    assert begun.wait(TIMEOUT_S)
    (other,) = queued(pool, batcher, [7])
    go_on.set()
    assert other.result(TIMEOUT_S).tolist() == [[7.0]]
    with pytest.raises(SystemExit):
        stopped.result(TIMEOUT_S)


def test_rows_can_be_written_into_without_changing_those_of_others(pool) -> None:
    slow = Slow()
    batcher = Batcher(slow, max_size=8)
    first = running(pool, batcher, slow)
    one, other = queued(pool, batcher, [1.0], [2.0])
    slow.let_through.release(2)
    first.result(TIMEOUT_S)
    one.result(TIMEOUT_S)[:] = 9.0
    assert other.result(TIMEOUT_S).tolist() == [[2.0]]
    assert one.result().base is None  # a row that is kept keeps no batch


class TestBatchingEncoder:
    def test_it_passes_on_what_the_lazy_encoder_knows(self) -> None:
        inner = LazyEncoder("hashing-48", lambda: HashingEncoder(48))
        encoder = BatchingEncoder(inner)
        assert (encoder.encoder_id, encoder.is_loaded) == ("hashing-48", False)
        encoder.warm_up()
        assert (encoder.is_loaded, inner.is_loaded) == (True, True)
        assert encoder.load() is inner.load()
        assert (encoder.texts.n_calls, encoder.pictures.n_calls) == (1, 1)

    def test_it_says_as_the_lazy_encoder_does_that_there_are_no_regions(self) -> None:
        encoder = BatchingEncoder(LazyEncoder("hashing-48", lambda: HashingEncoder(48)))
        with pytest.raises(RegionsUnavailable):
            encoder.relevance(None, np.zeros(48, np.float32))  # type: ignore[arg-type]
