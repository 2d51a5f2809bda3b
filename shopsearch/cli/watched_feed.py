"""A feed file that is looked at again and again: whether it has changed, and is written to."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import NamedTuple

from shopsearch.catalog import find_feed
from shopsearch.errors import CatalogError

STILL_S = 3.0  # without a write: then whoever writes the feed is taken to be done


class _Look(NamedTuple):
    """What a look at a file tells without reading it."""

    path: Path
    inode: int
    n_bytes: int
    modified_ns: int
    changed_ns: int


class WatchedFeed:
    """The feed at a place, a file or a folder with one; it may not be there."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._noted: _Look | None = None
        self._noted_hash = ""
        self._last: _Look | None = None
        self._last_at = 0.0

    def note(self) -> None:
        """Remember the feed as it is, which is what a run begins to read now."""
        self._noted, self._noted_hash = self._look(), self._hash()

    def has_changed(self) -> bool:
        """Whether the content differs from what was noted last; a feed that is gone has not."""
        look = self._look()
        if look is None or look == self._noted:
            return False
        if self._hash() != self._noted_hash:
            return True
        self._noted = look  # it was touched, or copied over itself
        return False

    def is_still(self) -> bool:
        """Whether nothing has been written for some seconds; a feed that is gone is still."""
        look, now = self._look(), time.monotonic()
        if look != self._last:
            self._last, self._last_at = look, now
        if look is None:
            return True
        age_s = time.time() - look.modified_ns / 1e9
        return age_s >= STILL_S or now - self._last_at >= STILL_S

    def _look(self) -> _Look | None:
        try:
            path = find_feed(self._place)
            told = path.stat()
        except (CatalogError, OSError):
            return None
        return _Look(path, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns)

    def _hash(self) -> str:
        try:
            with find_feed(self._place).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (CatalogError, OSError):
            return ""
