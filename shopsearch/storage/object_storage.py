"""A storage that fsspec reaches: a folder, memory, S3 and what speaks like it, Google's."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from shopsearch.errors import StorageUnavailable
from shopsearch.storage.address import StorageAddress, file_system
from shopsearch.storage.base import StoredName
from shopsearch.storage.synced import fsync

BESIDE = ".part-"  # what a killed writer leaves in a folder is never named otherwise
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")

Got = TypeVar("Got")


class ObjectStorage:
    """See `Storage`. The file system is made when it is first needed, once in each process."""

    def __init__(
        self,
        address: StorageAddress,
        make: Callable[[StorageAddress], Any] = file_system,
    ) -> None:
        self._address = address
        self._make = make
        self._made: tuple[int, Any] | None = None
        self._making = threading.Lock()

    def __str__(self) -> str:
        return str(self._address)

    def read(self, name: str) -> bytes | None:
        """See `Storage.read`."""

        def read() -> bytes:
            content: bytes = self._files.cat_file(self._path(name))
            return content

        return self._unless_missing("read", name, read)

    def fetch(self, name: str, target: Path) -> bool:
        """See `Storage.fetch`."""

        def fetch() -> bool:
            with self._files.open(self._path(name), "rb") as stored, target.open("wb") as local:
                shutil.copyfileobj(stored, local, 1 << 20)
            return True

        return self._unless_missing("read", name, fetch) or False

    def write(self, name: str, content: bytes) -> None:
        """See `Storage.write`."""
        path = self._path(name)
        if self._address.is_swapped_in:
            self._swap_in(name, path, lambda file: file.write(content))
        else:
            self._tried("written", name, lambda: self._files.pipe_file(path, content))

    def upload(self, name: str, source: Path) -> None:
        """See `Storage.upload`."""
        path = self._path(name)
        if self._address.is_swapped_in:
            with source.open("rb") as local:
                self._swap_in(name, path, lambda file: shutil.copyfileobj(local, file, 1 << 20))
        else:
            self._tried("written", name, lambda: self._files.put_file(str(source), path))

    def names(self, prefix: str) -> Iterator[StoredName]:
        """See `Storage.names`."""
        folder = self._path(prefix)

        def find() -> dict[str, dict[str, Any]]:
            self._files.invalidate_cache()
            found: dict[str, dict[str, Any]] = self._files.find(folder, detail=True)
            return found

        found = self._unless_missing("listed", prefix, find) or {}
        for path, told in sorted(found.items()):
            name = f"{prefix}/{path.rpartition(f'{folder}/')[2]}"
            yield StoredName(name, int(told.get("size") or 0), _written_at(told))

    def delete(self, names: Iterable[str]) -> None:
        """See `Storage.delete`."""
        for name in names:
            path = f"{self._address.root}/{name}" if _is_beside(name) else self._path(name)
            self._unless_missing("removed", name, partial(self._files.rm_file, path))

    def _swap_in(self, name: str, path: str, write: Callable[[Any], Any]) -> None:
        folder, _, last = path.rpartition("/")
        beside = f"{folder}/{BESIDE}{last}-{os.getpid()}-{secrets.token_hex(4)}"

        def swap() -> None:
            try:
                with self._files.open(beside, "wb") as file:
                    write(file)
                    file.flush()
                    os.fsync(file.fileno())
                Path(beside).replace(path)
                fsync(Path(folder))  # a row of the database may name it
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise

        self._tried("written", name, swap)

    def _path(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot be the name of a stored file")
        return f"{self._address.root}/{name}"

    @property
    def _files(self) -> Any:
        made = self._made
        if made is None or made[0] != os.getpid():  # what asynchronous ones hold dies by a fork
            with self._making:
                made = self._made
                if made is None or made[0] != os.getpid():
                    made = self._made = (os.getpid(), self._make(self._address))
        return made[1]

    def _unless_missing(self, done: str, name: str, do: Callable[[], Got]) -> Got | None:
        try:
            return self._tried(done, name, do)
        except FileNotFoundError:
            return None

    def _tried(self, done: str, name: str, do: Callable[[], Got]) -> Got:
        try:
            return do()
        except (FileNotFoundError, ValueError):
            raise
        except Exception as error:
            raise StorageUnavailable(
                f"{name} cannot be {done} in {self._address}: "
                f"{str(error) or type(error).__name__}; see that it can be reached, that the "
                "credentials open it and that it has room"
            ) from error


def _is_beside(name: str) -> bool:
    return (
        name.rpartition("/")[2].startswith(BESIDE)
        and _NAME.fullmatch(name.replace(BESIDE, "part-", 1)) is not None
    )


def _written_at(told: dict[str, Any]) -> float | None:
    for key in ("mtime", "LastModified", "created", "updated"):
        value = told.get(key)
        if isinstance(value, datetime):
            return value.timestamp()
        if isinstance(value, int | float):
            return float(value)
    return None
