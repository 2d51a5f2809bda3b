"""Copies of shared pictures that one machine has at hand, of bounded size."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from shopsearch.preprocessing.atomic import KeptFiles

SAFE_S = 300.0  # whoever was given a path has so long to read it
_NOTE_USE_AFTER_S = 60.0  # a use is noted no more often
_LOOK_AFTER = 0.02  # of the size: so much is written between two looks at how large it is
_SHRINK_TO = 0.9  # of the size


class PictureCache:
    """Files by name, those used last. Processes of a machine share the folder, threads this.

    The time a file was used last is its modification time, so that all processes know it. Beyond
    `max_bytes` the files that were not used for longest go, but none that was used within the last
    five minutes; so for that long it may be larger.
    """

    def __init__(
        self, folder: Path, max_bytes: int, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._clock = clock
        self._files = KeptFiles()
        self._shrinking = threading.Lock()
        self._n_written = max_bytes  # how large it is at the start is not known

    def get(self, name: str) -> Path | None:
        """Where the copy lies; None where there is none."""
        path = self._folder / name
        try:
            used_at = path.stat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
        now = self._clock()
        if now - used_at > _NOTE_USE_AFTER_S:
            try:
                os.utime(path, (now, now))
            except FileNotFoundError:  # another process made room at this moment
                return None
            except PermissionError:
                pass
        return path

    def put(self, name: str, content: bytes) -> Path:
        """Keep a copy. Raises `Unwritable`."""
        path = self._folder / name
        self._files.keep(path, content)
        self._n_written += len(content)
        if self._n_written > self._max_bytes * _LOOK_AFTER and self._shrinking.acquire(False):
            try:
                self._n_written = 0
                self._shrink()
            finally:
                self._shrinking.release()
        return path

    def drop(self, name: str) -> None:
        """Keep a copy no longer."""
        (self._folder / name).unlink(missing_ok=True)

    def _shrink(self) -> None:
        files = sorted(self._all())  # those used longest ago first
        too_many = sum(n_bytes for _, n_bytes, _ in files) - self._max_bytes
        if too_many <= 0:
            return
        too_many += int(self._max_bytes * (1.0 - _SHRINK_TO))
        safe_from = self._clock() - SAFE_S
        for used_at, n_bytes, path in files:
            if too_many <= 0 or used_at > safe_from:
                break
            Path(path).unlink(missing_ok=True)
            too_many -= n_bytes

    def _all(self) -> Iterator[tuple[float, int, str]]:
        """When each file was used last, its bytes, and where it is."""
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = f"{folder}/{name}"
                with suppress(FileNotFoundError):
                    told = os.stat(path)  # noqa: PTH116 - of as many files as the cache holds
                    yield told.st_mtime, told.st_size, path
