"""Joins what several threads want encoded at the same time into one batch.

A batch of eight short texts takes a network hardly longer than two of them one after the other, and
two runs of it beside each other only take the cores from each other.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from shopsearch.encoders.base import LazyEncoder

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_TEXTS = 32
MAX_PICTURES = 8  # more are no faster, see `compact_onnx.py`

Content = TypeVar("Content")
Rows = NDArray[np.float32]


class Batcher(Generic[Content]):
    """One function over a batch, called by many threads as if each were alone.

    One call runs at a time. While it runs, the contents of other threads queue up; the next run
    takes as many of them as fit. Nobody waits while nothing runs, unless `wait_s` says how long the
    first one shall wait for others. There is no thread of its own: a run is made by the thread of
    one of its members. Where a batch fails, its members are run one by one, so that each gets the
    error that is its own.
    """

    def __init__(
        self, encode: Callable[[Sequence[Content]], Rows], *, max_size: int, wait_s: float = 0.0
    ) -> None:
        self._encode = encode
        self._max_size = max_size
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._waiting: deque[_Call[Content]] = deque()
        self._is_running = False
        self._n_runs = 0
        self._n_calls = 0

    @property
    def n_runs(self) -> int:
        """How many batches have been run."""
        return self._n_runs

    @property
    def n_calls(self) -> int:
        """How many calls were answered by them."""
        return self._n_calls

    def rows(self, contents: Sequence[Content]) -> Rows:
        """(N, D), as `encode` gives them for these contents. Raises what it raises for them."""
        call = _Call(contents)
        with self._lock:
            self._waiting.append(call)
            leads = not self._is_running
            self._is_running = True
        if not leads:
            call.woken.wait()
        if not call.is_done:
            self._lead()
        return call.result()

    def _lead(self) -> None:
        """Run the next batch, which the caller's is the first of, and let the one after it lead."""
        if self._wait_s:
            time.sleep(self._wait_s)
        with self._lock:
            batch = self._next_batch()
        try:
            self._run(batch)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_running = following is not None
            for call in batch:
                call.end()
            if following is not None:
                following.woken.set()

    def _next_batch(self) -> list[_Call[Content]]:
        batch = [self._waiting.popleft()]
        size = len(batch[0].contents)
        while self._waiting and size + len(self._waiting[0].contents) <= self._max_size:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].contents)
        self._n_runs += 1
        self._n_calls += len(batch)
        return batch

    def _run(self, batch: Sequence[_Call[Content]]) -> None:
        try:
            rows = self._encode([content for call in batch for content in call.contents])
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that it belongs to
            if len(batch) == 1:
                batch[0].error = error
                return
            for call in batch:  # whose fault is it?
                self._run([call])
            return
        start = 0
        for call in batch:
            # a copy: rows belong to the caller, who may write into them
            call.rows = rows[start : start + len(call.contents)].copy()
            start += len(call.contents)


class _Call(Generic[Content]):
    """What one thread wants, until it is there."""

    __slots__ = ("contents", "error", "is_done", "rows", "woken")

    def __init__(self, contents: Sequence[Content]) -> None:
        self.contents = contents
        self.rows: Rows | None = None
        self.error: Exception | None = None
        self.is_done = False
        self.woken = threading.Event()  # it is done, or it is its turn to lead

    def end(self) -> None:
        self.is_done = True
        self.woken.set()

    def result(self) -> Rows:
        if self.rows is not None:
            return self.rows
        raise self.error or RuntimeError("the thread that encoded this batch was stopped")


class BatchingEncoder(LazyEncoder):
    """A lazy encoder that joins what is wanted at the same time. For servers: a single thread gains
    nothing by it.
    """

    def __init__(self, encoder: LazyEncoder, *, wait_s: float = 0.0) -> None:
        super().__init__(encoder.encoder_id, encoder.load)
        self.texts = Batcher(super().encode_texts, max_size=MAX_TEXTS, wait_s=wait_s)
        self.pictures = Batcher(super().encode_images, max_size=MAX_PICTURES, wait_s=wait_s)

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """See `Encoder.encode_texts`."""
        return self.texts.rows(texts)

    def encode_images(self, pictures: Sequence[Image]) -> Rows:
        """See `Encoder.encode_images`."""
        return self.pictures.rows(pictures)
