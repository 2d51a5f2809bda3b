"""Vectors of 16 bits on disk, short codes of them in memory.

Codes bring candidates, the vectors themselves say how near these are: every score that leaves is
the cosine of a float32 query and a row of 16-bit numbers, see `half_rows`. Few matches, and those
that have no code yet, are compared without codes.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Neighbours
from shopsearch.index.codes import Codes, Recipe
from shopsearch.index.column import Mask
from shopsearch.index.faiss_vectors import VECTORS_FILE
from shopsearch.index.half_rows import HalfRows, rounded
from shopsearch.index.sharing import Shared, link, read_once
from shopsearch.index.vectors import best, cosines

ROWS_FILE = "vectors.f16.npy"
CODED_FROM = 10_000  # vectors; of fewer, too little can be learnt, and too little gained
COMPARED_UP_TO = 4096  # matches that are compared without codes: it takes some milliseconds
SEED = 0


class CodedVectors:
    """Vectors in the order in which they came, and codes of the first of them.

    Codes are made when it is written: then it is known how many there are, and a sample of all can
    be learnt from. What is as it was read from its files is shared with whoever reads the same.
    """

    is_graph = False
    grows_slowly = True

    def __init__(
        self,
        recipe: Recipe,
        rows: HalfRows,
        codes: Codes | None = None,
        shared: Shared | None = None,
    ) -> None:
        self._recipe = recipe
        self._rows = rows
        self._codes = codes
        self._shared = shared  # where the codes are still as they were read

    @classmethod
    def read(cls, folder: Path, recipe: Recipe) -> CodedVectors:
        """Read what `write` wrote."""
        rows = HalfRows.read(folder / ROWS_FILE)
        if not (folder / VECTORS_FILE).exists():
            return cls(recipe, rows)
        shared = read_once(folder / VECTORS_FILE, partial(Codes.read, recipe.kind))
        return cls(recipe, rows, shared.structure, shared)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def kind(self) -> str:
        """What it is, as a setting names it."""
        return self._recipe.kind

    @property
    def dimension(self) -> int:
        """D, the length of every vector."""
        return self._rows.dimension

    @property
    def is_as_read(self) -> bool:
        """Whether it was read from a file and nothing was added since."""
        return self._rows.is_as_read

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(M, D) the vectors at some positions."""
        return self._rows.at(positions)

    def as_kept(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors as they will come out again: of numbers of 16 bits."""
        return rounded(vectors)

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Put (N, D) vectors at the end."""
        self._rows.extend(vectors)

    def write(self, folder: Path) -> None:
        """Write everything; what is still as it was read becomes a second name of that file.

        Raises `OSError`.
        """
        self._code()
        self._rows.write(folder / ROWS_FILE)
        path = folder / VECTORS_FILE
        if self._codes is None or (self._shared is not None and link(self._shared, path)):
            return
        self._codes.write(path)

    def search(
        self,
        queries: NDArray[np.float32],
        mask: Mask,
        keys: NDArray[np.int64],
        found: Neighbours,
    ) -> None:
        """Fill in the nearest of the vectors whose places pass the mask (N,), by their keys (N,).

        Rows of `found` keep their padding where fewer pass than they have columns.
        """
        k = min(found.keys.shape[1], int(np.count_nonzero(mask)))
        if not k:
            return
        for row, positions in enumerate(self._candidates(queries, k, mask)):
            near = cosines(self._rows.scores(queries[row], positions))
            found.keys[row, :k], found.scores[row, :k] = best(near, keys[positions], k)

    def _candidates(
        self, queries: NDArray[np.float32], k: int, mask: Mask
    ) -> list[NDArray[np.int64]]:
        """For each query the positions to compare it with."""
        n_coded = 0 if self._codes is None else len(self._codes)
        n_early = int(np.count_nonzero(mask[:n_coded]))
        if self._codes is None or n_early <= COMPARED_UP_TO:
            return [np.flatnonzero(mask)] * len(queries)
        near = self._codes.candidates(queries, min(k, n_early), mask[:n_coded], n_early)
        late = np.flatnonzero(mask[n_coded:]) + n_coded
        return [np.concatenate([positions, late]) for positions in near]

    def _code(self) -> None:
        """Give codes to the vectors that have none; learn anew where there are far more."""
        codes, n = self._codes, len(self)
        if n < CODED_FROM or (codes is not None and len(codes) == n):
            return
        if codes is None or self._recipe.is_outgrown(codes, n):
            codes = self._recipe.learnt(self._sample(self._recipe.sample_size(n)), n)
        self._codes, self._shared = codes.extended(self._rows.blocks(len(codes))), None

    def _sample(self, n: int) -> NDArray[np.float32]:
        """(n, D) of the vectors, the same ones each time."""
        chosen = np.random.default_rng(SEED).choice(len(self), n, replace=False)
        return self._rows.at(np.sort(chosen))
