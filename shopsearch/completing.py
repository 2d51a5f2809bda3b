"""An index that a killed run has left behind the store is completed by whoever serves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import structlog

from shopsearch.domain import IndexReport
from shopsearch.errors import HomeBusy
from shopsearch.index.generations import Generations
from shopsearch.index.live import LiveGeneration
from shopsearch.store import ProductStore

_log = structlog.get_logger(__name__)

PATIENCE_S = 30.0  # for whoever was killed to be started again, and complete it himself


class CatchesUp(Protocol):
    """What is needed of an indexer."""

    def catch_up(self) -> IndexReport:
        """Bring the index to what the store holds. Raises `HomeBusy`."""


class Completion:
    """Brings into the index what a run has written to the store before it was killed.

    At once when it looks for the first time, which is at a start; later after some patience. After
    a rollback the index is behind on purpose, and stays so.
    """

    def __init__(
        self,
        live: LiveGeneration,
        generations: Generations,
        store: ProductStore,
        indexer: Callable[[], CatchesUp],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._generations = generations
        self._store = store
        self._indexer = indexer
        self._clock = clock
        self._due = clock()
        self._is_behind = True  # for all that is known

    def look(self) -> None:
        """Complete the index where it has been behind for long enough and nobody indexes."""
        was_behind, self._is_behind = self._is_behind, self._falls_short()
        if not self._is_behind:
            return
        if not was_behind:
            self._due = self._clock() + PATIENCE_S
        if self._clock() >= self._due:
            self._complete()

    def _falls_short(self) -> bool:
        if self._generations.current_id() is None:
            return self._store.revision() > 0  # the very first run was killed
        manifest = self._live.get().manifest
        is_newest = self._generations.ids()[:1] == [manifest.generation_id]
        return is_newest and manifest.store_revision < self._store.revision()

    def _complete(self) -> None:
        try:
            report = self._indexer().catch_up()
        except HomeBusy:  # whoever indexes at this moment is not dead, and will publish it
            self._due = self._clock() + PATIENCE_S
        else:
            _log.info("brought the index up to the store", generation=report.generation)
