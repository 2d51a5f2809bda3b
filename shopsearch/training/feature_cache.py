"""Features of pictures and embeddings of texts, kept on disk so that a second run starts at once.

Both are kept in half precision, in shards that are written as soon as they are full: a run that was
stopped goes on where it was. What they were made from is part of a shard's name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SHARD_ROWS = 1024

Source = TypeVar("Source")
Report = Callable[[int, int], None]  # rows ready, rows in all


def cached_rows(
    folder: Path,
    name: str,
    keys: Sequence[str],
    sources: Sequence[Source],
    compute: Callable[[Sequence[Source]], Tensor],
    *,
    report: Report,
) -> Tensor:
    """(N, D) rows, one per source; a shard whose keys are unchanged is read instead of computed."""
    shards = []
    for start in range(0, len(sources), SHARD_ROWS):
        end = min(start + SHARD_ROWS, len(sources))
        path = folder / f"{name}-{_digest(keys[start:end])}.npy"
        rows = _read(path, end - start)
        if rows is None:
            rows = compute(sources[start:end]).numpy().astype(np.float16)
            _write(path, rows)
        shards.append(torch.from_numpy(rows))
        report(end, len(sources))
    return torch.cat(shards) if shards else torch.zeros(0, 0, dtype=torch.float16)


def picture_key(path: Path) -> str:
    """Changes when the picture does: its name, size and time of change."""
    status = path.stat()
    return f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"


def _digest(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:20]


def _read(path: Path, n_rows: int) -> NDArray[np.float16] | None:
    try:
        rows: NDArray[np.float16] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None  # not there yet, or cut short: it is computed again
    return rows if len(rows) == n_rows else None


def _write(path: Path, rows: NDArray[np.float16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    with beside.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    beside.replace(path)
