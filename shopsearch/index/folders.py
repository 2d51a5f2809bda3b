"""The folders of index generations on this machine, made and removed so that none is ever half."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import structlog

from shopsearch.errors import IndexFault
from shopsearch.index.current import CURRENT
from shopsearch.index.generation_ids import GENERATION_ID
from shopsearch.index.manifest import Manifest
from shopsearch.storage.synced import fsync

FOLDER = "generations"
BUILDING = ".building-"
REMOVING = ".removing-"
LEFT_BEHIND_AFTER_S = 24 * 3600  # a build takes hours at most

_log = structlog.get_logger(__name__)


class GenerationFolders:
    """The folders below `generations/` of a home folder."""

    # of all in this process: one that clears leftovers must spare what another is building
    _building: ClassVar[set[Path]] = set()

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root.absolute() / FOLDER

    def of(self, generation_id: str) -> Path:
        """Where a generation lies, or would."""
        return self.path / generation_id

    def ids(self) -> list[str]:
        """The generations that are there, newest first."""
        if not self.path.is_dir():
            return []
        names = (path.name for path in self.path.iterdir())
        return sorted((name for name in names if GENERATION_ID.fullmatch(name)), reverse=True)

    @contextmanager
    def built_beside(self, generation_id: str) -> Iterator[Path]:
        """An empty folder, which is gone afterwards unless it was put in place."""
        self.path.mkdir(parents=True, exist_ok=True)
        building = self.path / f"{BUILDING}{os.getpid()}-{generation_id}"
        self._building.add(building)
        try:
            building.mkdir()
            yield building
        finally:
            shutil.rmtree(building, ignore_errors=True)
            self._building.discard(building)

    def put_in_place(self, building: Path, generation_id: str) -> None:
        """Make a built folder a generation, once all of it is on the disk."""
        for path in building.iterdir():
            fsync(path)
        fsync(building)
        building.rename(self.of(generation_id))
        fsync(self.path)

    def remove(self, generation_id: str) -> None:
        """Delete a generation."""
        # renamed first: half a generation must not look like a damaged one
        doomed = self.path / f"{REMOVING}{generation_id}"
        self.of(generation_id).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def forget(self, generation_id: str) -> None:
        """Delete what was fetched of a storage; another process may do the same at this moment."""
        with suppress(OSError):
            self.remove(generation_id)

    def files(self) -> dict[str, Path]:
        """The files of all generations that are there, by their checksums."""
        found: dict[str, Path] = {}
        for folder in map(self.of, self.ids()):
            with suppress(IndexFault):
                manifest = Manifest.read(folder)
                found.update({sha: folder / name for name, sha in manifest.files.items()})
        return found

    def leftovers(self) -> list[Path]:
        """What killed builds, interrupted removals and swaps left behind; safe to delete."""
        beside = [path for path in self._root.glob(f"{CURRENT}.*.new") if _is_left_behind(path)]
        builds = [path for path in self.path.glob(f"{BUILDING}*") if _is_left_behind(path)]
        half_gone = self.path.glob(f"{REMOVING}*")
        return sorted([*beside, *half_gone, *(set(builds) - self._building)])

    def clear_leftovers(self) -> None:
        """Delete them."""
        for path in self.leftovers():
            _log.info("cleared what a killed run left behind", name=path.name)
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_left_behind(building: Path) -> bool:
    pid = re.split(r"[-.]", building.name.removeprefix(BUILDING).removeprefix(f"{CURRENT}."))[0]
    try:
        if not pid.isdigit() or int(pid) == os.getpid():
            return True
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it lives, as another user
    try:
        return time.time() - building.stat().st_mtime > LEFT_BEHIND_AFTER_S
    except FileNotFoundError:
        return False
