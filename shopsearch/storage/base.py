"""The port: files by name, somewhere that all nodes reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredName:
    """A file in a storage."""

    name: str
    n_bytes: int
    written_at: float | None  # seconds since 1970; None where the storage does not tell


class Storage(Protocol):
    """Keeps files. Threads may share it.

    A name has parts of letters, digits, `_`, `-` and `.`, joined by `/`; any other raises
    `ValueError`. A file is there whole or not at all, whatever happens while it is written. What
    cannot be done raises `StorageUnavailable`, within a time that is bounded.
    """

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None where there is none."""

    def fetch(self, name: str, target: Path) -> bool:
        """Write a file into a local one, which is half written where this raises; False, and
        nothing is written, where there is none.
        """

    def write(self, name: str, content: bytes) -> None:
        """Keep these bytes, in place of what was there."""

    def upload(self, name: str, source: Path) -> None:
        """Keep the bytes of a local file, in place of what was there."""

    def names(self, prefix: str) -> Iterator[StoredName]:
        """The files below a folder, in the order of their names; none where there is none."""

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; those that are not there are passed over."""
