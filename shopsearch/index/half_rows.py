"""Vectors of 16-bit numbers in a file that is mapped into memory, not read.

What of the file is in memory is the system's affair: pages that searches look at stay there as long
as there is room. The file may be removed, or given another name, while it is mapped.

A number of 16 bits has 11 significant ones, so each component is off by at most 2**-11 of itself
and a cosine of two unit rows by at most 2**-11 = 0.0005. Roundings up and down cancel out: with
640 components the error of a cosine is some 0.00001.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.index.growing import Growing
from shopsearch.index.sharing import Shared, link, read_once

AT_ONCE = 512  # rows that are widened together: they stay in the processor's cache
WRITTEN_AT_ONCE = 1 << 14  # rows

_SIGN_AND_NUMBER = np.int32(-0x70002000)  # 0x8fffe000: the sign, and 15 bits moved up by 13
_REBIASED = np.float32(2.0**112)  # exponents of 32 bits count from 127, those of 16 bits from 15


class HalfRows:
    """(N, D) rows; those of a file, and behind them what was added since."""

    def __init__(self, dimension: int, shared: Shared | None = None) -> None:
        empty = np.empty((0, dimension), dtype=np.float16)
        self._shared = shared
        self._mapped: NDArray[np.float16] = empty if shared is None else shared.structure
        self._late = Growing(empty)

    @classmethod
    def read(cls, path: Path) -> HalfRows:
        """Map what `write` wrote."""
        shared = read_once(path, _mapped)
        return cls(shared.structure.shape[1], shared)

    def __len__(self) -> int:
        return len(self._mapped) + len(self._late)

    @property
    def dimension(self) -> int:
        """D, the length of every row."""
        return int(self._mapped.shape[1])

    @property
    def is_as_read(self) -> bool:
        """Whether it is what a file holds, and nothing more."""
        return self._shared is not None and not len(self._late)

    def extend(self, vectors: NDArray[np.float32]) -> None:
        """Put (N, D) vectors at the end, rounded."""
        self._late.extend(vectors.astype(np.float16))

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(M, D) the rows at some positions."""
        return widened(self._gathered(positions))

    def scores(
        self, query: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """(M,) what a query has in common with the rows at some positions."""
        scores = np.empty(len(positions), dtype=np.float32)
        for start in range(0, len(positions), AT_ONCE):
            rows = self.at(positions[start : start + AT_ONCE])  # (m, D)
            # in this thread, unlike `@`
            np.einsum("md,d->m", rows, query, out=scores[start : start + len(rows)])
        return scores

    def blocks(self, start: int, n_rows: int = WRITTEN_AT_ONCE) -> Iterator[NDArray[np.float32]]:
        """The rows from a position on, so many at a time."""
        for first in range(start, len(self), n_rows):
            yield self.at(np.arange(first, min(first + n_rows, len(self))))

    def write(self, path: Path) -> None:
        """Write all rows as an array of numpy; rows that are as read get a second name.

        Raises `OSError`.
        """
        if self._shared is not None and self.is_as_read and link(self._shared, path):
            return
        header = {"descr": "<f2", "fortran_order": False, "shape": (len(self), self.dimension)}
        with path.open("wb") as file:  # not by a mapping: a full disk would kill the process
            np.lib.format.write_array_header_1_0(file, header)
            for part in (self._mapped, self._late.rows):
                for start in range(0, len(part), WRITTEN_AT_ONCE):
                    part[start : start + WRITTEN_AT_ONCE].tofile(file)

    def _gathered(self, positions: NDArray[np.int64]) -> NDArray[np.float16]:
        n = len(self._mapped)
        is_late = positions >= n
        if not is_late.any():
            return np.take(self._mapped, positions, axis=0)
        rows = np.empty((len(positions), self.dimension), dtype=np.float16)
        rows[~is_late] = self._mapped[positions[~is_late]]
        rows[is_late] = self._late.rows[positions[is_late] - n]
        return rows


def rounded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors as they are after a way through 16 bits."""
    return vectors.astype(np.float16).astype(np.float32)


def widened(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    """The same finite numbers in 32 bits; a third of the time that numpy's own conversion takes."""
    bits = rows.view(np.int16).astype(np.int32)  # the sign is spread over the upper half
    bits <<= 13
    bits &= _SIGN_AND_NUMBER
    wide: NDArray[np.float32] = bits.view(np.float32)
    wide *= _REBIASED
    return wide


def _mapped(path: str) -> NDArray[np.float16]:
    with Path(path).open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype != np.float16 or len(shape) != 2:
            raise ValueError(f"{path} holds {dtype} of shape {shape}, not rows of float16")
        memory, start = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), file.tell()
    # candidates lie far from each other: to read ahead of one would fetch what nobody needs
    memory.madvise(mmap.MADV_RANDOM)
    n_numbers = shape[0] * shape[1]
    return np.frombuffer(memory, np.float16, n_numbers, start).reshape(shape)
