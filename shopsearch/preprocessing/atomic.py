"""Files that are there whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import fcntl
import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from shopsearch.errors import Unwritable

_BESIDE = re.compile(r"\..+-\d+-\d+")


class KeptFiles:
    """Writes files of the home. Threads may share it.

    What a killed process left beside is removed when a folder is first written to.
    """

    def __init__(self) -> None:
        self._swept: set[Path] = set()

    def keep(self, path: Path, content: bytes, *, survives_crash: bool = True) -> None:
        """See `write_atomically`. Raises `Unwritable`."""
        try:
            write_atomically(path, content, survives_crash=survives_crash)
        except OSError as error:
            raise Unwritable(
                f"{path} cannot be written: {error.strerror or error}; make room on its disk, or "
                "give write permission, and run the command again: what is done already is kept"
            ) from error
        if path.parent not in self._swept:
            self._swept.add(path.parent)
            _sweep(path.parent)


def write_atomically(path: Path, content: bytes, *, survives_crash: bool = True) -> None:
    """Write beside, fsync, then swap: readers see no file or all of it, even after a crash.

    Without `survives_crash` there is no fsync: for what its reader checks and can do without.
    """
    beside = f"{path.parent}/.{path.name}-{os.getpid()}-{threading.get_ident()}"
    try:
        descriptor = _create(beside)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _create(beside)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if survives_crash:
                os.fsync(file.fileno())
            os.replace(beside, path)  # noqa: PTH105 - this is on the hot path of indexing
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _create(name: str) -> int:
    """A file that its writer holds a lock on; one that nobody holds was left behind."""
    while True:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with suppress(OSError):  # a file system without locks: there, nobody can sweep either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # swept between the two steps


def _sweep(folder: Path) -> None:
    """Remove the files beside whose writers are gone: the system freed their locks."""
    with suppress(OSError):
        for path in [one for one in folder.iterdir() if _BESIDE.fullmatch(one.name)]:
            with suppress(OSError):
                _remove_unheld(path)


def _remove_unheld(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):  # it was not swapped in meanwhile
            path.unlink()
    finally:
        os.close(descriptor)
