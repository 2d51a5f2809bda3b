"""A file system of some megabytes that a test can fill up, empty, and make read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PAGE = 4096


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A tmpfs of its own."""

    folder: Path

    @property
    def free_bytes(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def fill(self, *, leave: int) -> None:
        """Leave so many bytes for everybody."""
        with (self.folder / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, max(self.free_bytes - leave, 1))

    def make_room(self) -> None:
        (self.folder / "ballast").unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nothing can be written to it within the block."""
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


@contextmanager
def mounted(folder: Path, *, megabytes: int) -> Iterator[SmallDisk | None]:
    """The disk, or None where this user may not mount."""
    folder.mkdir()
    size = f"size={megabytes}m"
    mount = ["mount", "-t", "tmpfs", "-o", size, "shopsearch-test", str(folder)]
    try:
        is_mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        is_mounted = False
    try:
        yield SmallDisk(folder) if is_mounted else None
    finally:
        if is_mounted:
            # lazy: an index that a test has read is mapped into memory until Python collects it
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
            folder.rmdir()
