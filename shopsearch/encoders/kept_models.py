"""Model files that shopsearch makes once and keeps: written whole, checked whenever they are read.

Beside each file stands its SHA-256. A file that is damaged, or whose checksum is not there yet, is
made again; two processes that make the same one at the same time write the same. The folder may be
deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)
SUFFIX = ".onnx"
_CHECKSUM = ".sha256"
_KEPT_OF_A_KIND = 3  # so that set-ups that share a home do not make each other's files anew


class KeptModels:
    """The models in a folder; without one, each is made whenever it is asked for."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, kind: str, version: str, make: Callable[[], bytes]) -> Path | bytes:
        """The file of a model, made where it is not there; its content, where it cannot be kept.

        `version` names all that the content depends on; old versions of a kind are forgotten.
        """
        if self._folder is None:
            return make()
        path = self._folder / f"{kind}-{version}{SUFFIX}"
        if _is_whole(path):
            return path
        content = make()
        try:
            _write(path, content)
        except OSError as error:
            _log.warning("a model cannot be kept, it is made at every start", reason=str(error))
            return content
        _forget_old(self._folder, kind)
        return path


def _is_whole(path: Path) -> bool:
    """Whether a file is there and is what was written."""
    try:
        told = _checksum_file(path).read_text(encoding="ascii")
        with path.open("rb") as file:
            return told == hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, content: bytes) -> None:
    """The file, then its checksum: each old or new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, content)
    _replace(_checksum_file(path), hashlib.sha256(content).hexdigest().encode("ascii"))


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _forget_old(folder: Path, kind: str) -> None:
    """Delete all but the newest few. What another process has deleted already is no fault."""
    made = sorted(folder.glob(f"{kind}-*{SUFFIX}"), key=_made_at, reverse=True)
    for path in made[_KEPT_OF_A_KIND:]:
        path.unlink(missing_ok=True)
        _checksum_file(path).unlink(missing_ok=True)


def _made_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _checksum_file(path: Path) -> Path:
    return path.with_suffix(_CHECKSUM)
