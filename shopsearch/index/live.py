"""The generation that a long-running process answers from; follows the swap by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from shopsearch.errors import GenerationDamaged, IndexFault, ShopsearchError, StoreError
from shopsearch.index.generations import Generation, Generations
from shopsearch.index.manifest import REMEDY, Manifest

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 30.0


class LiveGeneration:
    """The live generation, kept in memory and replaced when another one is published.

    Only the very first call waits for a load. Later, one caller loads the new generation while all
    others go on with the old one; or none does, see `in_background`. A generation that cannot be
    loaded is logged and passed over: the one at hand stays, and a process that has none yet takes
    the newest good one before it of those that `fits` lets through (another encoder's could not
    answer). `trouble` says so meanwhile.
    """

    def __init__(
        self,
        generations: Generations,
        check_every_s: float = 0.5,
        fits: Callable[[Manifest], bool] = lambda _: True,
    ) -> None:
        self._generations = generations
        self._check_every_s = check_every_s
        self._fits = fits
        self._loading = threading.Lock()
        self._generation: Generation | None = None
        self._next_check = 0.0
        self._failed_id: str | None = None  # what was named when it could not be loaded
        self._retry_at = 0.0
        self._trouble = ""
        self._of_thread = threading.local()
        self._prepare: Callable[[Generation], None] | None = None

    @property
    def trouble(self) -> str:
        """Why this is not the generation that should be live; "" where it is."""
        return self._trouble

    def get(self) -> Generation:
        """The generation to answer from. Raises what `Generations.load` raises at first, where no
        older generation can stand in.
        """
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

    def renew(self) -> None:
        """Answer from what is live at this moment: for whoever has published and shall see it."""
        with self._loading:
            if self._generation is not None:
                self._refreshed(self._generation)

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
                return self._generation or self._first()
        if self._prepare is not None:
            return generation
        if time.monotonic() >= self._next_check and self._loading.acquire(blocking=False):
            try:
                return self._refreshed(self._generation or generation)
            finally:
                self._loading.release()
        return generation

    def _first(self) -> Generation:
        try:
            return self._load()
        except IndexFault as error:
            stand_in = newest_good(self._generations, self._fits)
            if stand_in is None:
                raise
            self._generation = stand_in
            self._note_failure(self._named(), stand_in, error)
            return stand_in

    def _refreshed(self, generation: Generation) -> Generation:
        self._next_check = time.monotonic() + self._check_every_s
        try:
            current = self._generations.current_id()
        except (IndexFault, StoreError, OSError) as error:
            self._note_unknown(generation, error)
            return generation
        if current is None:
            self._trouble = f"{self._generations.current} is gone: {REMEDY}"
            return generation
        if current == generation.manifest.generation_id:
            self._trouble, self._failed_id = "", None
            return generation
        if current == self._failed_id and time.monotonic() < self._retry_at:
            return generation
        try:
            return self._load()
        except (IndexFault, OSError) as error:
            self._note_failure(current, generation, error)
            return generation

    def _load(self) -> Generation:
        generation = self._generations.load()
        if self._prepare is not None and self._generation is not None:
            self._made_ready(generation, self._prepare)
        self._generation = generation
        self._next_check = time.monotonic() + self._check_every_s
        self._trouble, self._failed_id = "", None
        log.info("answering from an index generation", generation=generation.manifest.generation_id)
        return generation

    def _made_ready(self, generation: Generation, prepare: Callable[[Generation], None]) -> None:
        try:
            with self._held(generation):
                prepare(generation)
        except ShopsearchError as error:  # its first search will say so
            log.warning("a generation could not be made ready", error=str(error))

    def _note_failure(self, failed_id: str | None, staying: Generation, error: Exception) -> None:
        self._failed_id = failed_id
        self._retry_at = time.monotonic() + RETRY_AFTER_S
        self._trouble = (
            f"the index generation that should be live cannot be loaded, so searches answer from "
            f"{staying.manifest.generation_id}, of {staying.manifest.created_at}: {error}"
        )
        log.error(
            "the live index generation cannot be loaded; another one answers",
            answering=staying.manifest.generation_id,
            error=str(error),
        )

    def _note_unknown(self, staying: Generation, error: Exception) -> None:
        if not isinstance(error, StoreError):
            self._note_failure(None, staying, error)
            self._next_check = self._retry_at
            return
        # a database comes back by itself, so the next look asks it again
        staying_id = staying.manifest.generation_id
        trouble = (
            f"it is not known which index generation is live, so searches go on to answer from "
            f"{staying_id}: {error}"
        )
        if trouble != self._trouble:
            log.error("it is not known which index generation is live", error=str(error))
        self._trouble = trouble

    def _named(self) -> str | None:
        try:
            return self._generations.current_id()
        except (GenerationDamaged, StoreError):
            return None


def newest_good(generations: Generations, fits: Callable[[Manifest], bool]) -> Generation | None:
    """The newest generation before the live one that fits and is whole; None where there is none.

    Where its name is damaged, any may be the newest. Where none is named, there is none: nothing
    was made live yet, or a restore has just taken the name away.
    """
    try:
        current = generations.current_id()
        if current is None:
            return None
    except GenerationDamaged:
        current = None
    for generation_id in generations.ids():
        if current is not None and generation_id >= current:
            continue
        try:
            if fits(generations.manifest(generation_id)):
                return generations.load(generation_id)
        except IndexFault as error:
            log.warning("an older index generation cannot stand in", error=str(error))
    return None
