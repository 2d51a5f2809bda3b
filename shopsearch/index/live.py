"""The generation that a long-running process answers from; follows the swap by itself."""

from __future__ import annotations

import threading
import time

import structlog

from shopsearch.errors import IndexFault
from shopsearch.index.generations import Generation, Generations

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 30.0


class LiveGeneration:
    """The live generation, kept in memory and replaced when another one is published.

    Only the very first call waits for a load. Later, one caller loads the new generation while all
    others go on with the old one. A new generation that cannot be loaded is logged and passed over.
    """

    def __init__(self, generations: Generations, check_every_s: float = 0.5) -> None:
        self._generations = generations
        self._check_every_s = check_every_s
        self._loading = threading.Lock()
        self._generation: Generation | None = None
        self._next_check = 0.0

    def get(self) -> Generation:
        """The generation to answer from. Raises what `Generations.load` raises at first."""
        generation = self._generation
        if generation is None:
            with self._loading:
                return self._generation or self._load()
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
        self._generation = generation
        self._next_check = time.monotonic() + self._check_every_s
        log.info("answering from an index generation", generation=generation.manifest.generation_id)
        return generation
