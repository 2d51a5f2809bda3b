"""Files that are there whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside, fsync, then swap: readers see no file or all of it, even after a crash."""
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
            os.fsync(file.fileno())
        os.replace(beside, path)  # noqa: PTH105 - this is on the hot path of indexing
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _create(name: str) -> int:
    return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
