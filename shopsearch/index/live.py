"""The generation that a long-running process answers from; follows the swap by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from shopsearch.errors import IndexFault, ShopsearchError
from shopsearch.index.generations import Generation, Generations

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 30.0


class LiveGeneration:
    """The live generation, kept in memory and replaced when another one is published.

    Only the very first call waits for a load. Later, one caller loads the new generation while all
    others go on with the old one; or none does, see `in_background`. A new generation that cannot
    be loaded is logged and passed over.
    """

    def __init__(self, generations: Generations, check_every_s: float = 0.5) -> None:
        self._generations = generations
        self._check_every_s = check_every_s
        self._loading = threading.Lock()
        self._generation: Generation | None = None
        self._next_check = 0.0
        self._of_thread = threading.local()
        self._prepare: Callable[[Generation], None] | None = None

    def get(self) -> Generation:
        """The generation to answer from. Raises what `Generations.load` raises at first."""
        held: Generation | None = getattr(self._of_thread, "generation", None)
        return held if held is not None else self._latest()

    @contextmanager
    def one(self) -> Iterator[Generation]:
        """The generation to answer from; in this thread, `get` gives no other until the end."""
        with self._held(self.get()) as generation:
            yield generation

    def in_background(self, prepare: Callable[[Generation], None]) -> Callable[[], None]:
        """What has to be called now and then from here on: no caller of `get` loads what comes.

        `prepare` is given each new generation before anybody answers from it; `get` gives it too.
        """
        self._prepare = prepare
        return self._look

    def _look(self) -> None:
        with self._loading:
            generation = self._generation
            if generation is not None and time.monotonic() >= self._next_check:
                self._refreshed(generation)

    @contextmanager
    def _held(self, generation: Generation) -> Iterator[Generation]:
        before = getattr(self._of_thread, "generation", None)
        self._of_thread.generation = generation
        try:
            yield generation
        finally:
            self._of_thread.generation = before

    def _latest(self) -> Generation:
        generation = self._generation
        if generation is None:
            with self._loading:
                return self._generation or self._load()
        if self._prepare is not None:
            return generation
        if time.monotonic() >= self._next_check and self._loading.acquire(blocking=False):
            try:
                return self._refreshed(self._generation or generation)
            finally:
                self._loading.release()
        return generation

    def _refreshed(self, generation: Generation) -> Generation:
        self._next_check = time.monotonic() + self._check_every_s
        try:
            current = self._generations.current_id()
            if current is None or current == generation.manifest.generation_id:
                return generation
            return self._load()
        except (IndexFault, OSError) as error:
            self._next_check = time.monotonic() + RETRY_AFTER_S
            log.error(
                "the new index generation cannot be loaded; the old one stays",
                staying=generation.manifest.generation_id,
                error=str(error),
            )
            return generation

    def _load(self) -> Generation:
        generation = self._generations.load()
        if self._prepare is not None and self._generation is not None:
            self._made_ready(generation, self._prepare)
        self._generation = generation
        self._next_check = time.monotonic() + self._check_every_s
        log.info("answering from an index generation", generation=generation.manifest.generation_id)
        return generation

    def _made_ready(self, generation: Generation, prepare: Callable[[Generation], None]) -> None:
        try:
            with self._held(generation):
                prepare(generation)
        except ShopsearchError as error:  # its first search will say so
            log.warning("a generation could not be made ready", error=str(error))
