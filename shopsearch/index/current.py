"""Which generation is live: one name in one place, changed at once for all who read it.

The file `CURRENT` in the home folder serves one machine. Where several machines share a database,
a row of it does (`shopsearch.store.live_generation`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from shopsearch.errors import GenerationDamaged
from shopsearch.index.manifest import REMEDY
from shopsearch.storage.synced import fsync

CURRENT = "CURRENT"


class CurrentGeneration(Protocol):
    """Keeps the id of the live generation, and nothing else of it.

    A reader gets the id from before a change or the one from after it. `str()` says where the id is
    kept, for messages.
    """

    def read(self) -> str | None:
        """What is named, None where nothing is. Raises `GenerationDamaged` and `StoreError`."""

    def make_live(self, generation_id: str) -> None:
        """Name another one; it survives a power cut once this returns.

        Raises `OSError` and `StoreError`, and what was named before stays.
        """

    def clear(self) -> None:
        """Name none. Raises `OSError` and `StoreError`."""


class CurrentFile:
    """The file `CURRENT` in a folder, replaced by one rename."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / CURRENT

    def __str__(self) -> str:
        return str(self._path)

    def read(self) -> str | None:
        """See `CurrentGeneration.read`."""
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise GenerationDamaged(f"{self._path} cannot be read ({error}): {REMEDY}") from error

    def make_live(self, generation_id: str) -> None:
        """See `CurrentGeneration.make_live`."""
        beside = self._root / f"{CURRENT}.{os.getpid()}.new"
        beside.write_text(generation_id + "\n", encoding="utf-8")
        fsync(beside)
        beside.replace(self._path)
        fsync(self._root)

    def clear(self) -> None:
        """See `CurrentGeneration.clear`."""
        self._path.unlink(missing_ok=True)
