"""Where the files of the picture library lie: in a folder, or in a storage that nodes share."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from shopsearch.preprocessing.atomic import KeptFiles
from shopsearch.preprocessing.picture_cache import PictureCache
from shopsearch.storage import Storage

PICTURES = "pictures"  # the folder of a storage


class PictureFiles(Protocol):
    """Files by name, such as `ab/abcd.jpg`; what is under a name never changes. Threads share it.

    A path that is given out can be read for some minutes, see `PictureCache`.
    """

    def here(self, name: str) -> Path | None:
        """The file, where it is at hand without asking anybody."""

    def find(self, name: str) -> Path | None:
        """The file, brought here where it has to be. Raises `StorageUnavailable`."""

    def keep(self, name: str, content: bytes) -> Path:
        """Keep a file for all nodes. Raises `Unwritable` and `StorageUnavailable`."""

    def keep_here(self, name: str, content: bytes) -> Path:
        """Keep a file that each node can make for itself. Raises `Unwritable`."""

    def forget(self, name: str) -> None:
        """Fetch the file again when it is looked for next, where it is shared."""


class FolderFiles:
    """All of them in one folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = KeptFiles()

    def here(self, name: str) -> Path | None:
        """See `PictureFiles.here`."""
        path = self._root / name
        return path if path.is_file() else None

    def find(self, name: str) -> Path | None:
        """See `PictureFiles.find`."""
        return self.here(name)

    def keep(self, name: str, content: bytes) -> Path:
        """See `PictureFiles.keep`."""
        path = self._root / name
        self._files.keep(path, content)
        return path

    def keep_here(self, name: str, content: bytes) -> Path:
        """See `PictureFiles.keep_here`."""
        return self.keep(name, content)

    def forget(self, name: str) -> None:
        """See `PictureFiles.forget`."""


class SharedFiles:
    """All of them in a storage, and those that were asked for lately in a cache of this machine."""

    def __init__(self, storage: Storage, cache: PictureCache) -> None:
        self._storage = storage
        self._cache = cache

    def here(self, name: str) -> Path | None:
        """See `PictureFiles.here`."""
        return self._cache.get(name)

    def find(self, name: str) -> Path | None:
        """See `PictureFiles.find`."""
        if (path := self._cache.get(name)) is not None:
            return path
        content = self._storage.read(f"{PICTURES}/{name}")
        return None if content is None else self._cache.put(name, content)

    def keep(self, name: str, content: bytes) -> Path:
        """See `PictureFiles.keep`."""
        self._storage.write(f"{PICTURES}/{name}", content)
        return self._cache.put(name, content)

    def keep_here(self, name: str, content: bytes) -> Path:
        """See `PictureFiles.keep_here`."""
        return self._cache.put(name, content)

    def forget(self, name: str) -> None:
        """See `PictureFiles.forget`."""
        self._cache.drop(name)
