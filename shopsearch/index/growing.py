"""An array that grows at its end, at a constant price per row."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


class Growing(Generic[Scalar]):
    """Rows of one type; `rows` is a view of all of them, valid until the next `extend`."""

    def __init__(self, rows: NDArray[Scalar]) -> None:
        self._buffer = rows
        self._length = len(rows)

    def __len__(self) -> int:
        return self._length

    @property
    def rows(self) -> NDArray[Scalar]:
        """All rows, without a copy."""
        return self._buffer[: self._length]

    def extend(self, rows: NDArray[Scalar]) -> None:
        """Add rows at the end."""
        needed = self._length + len(rows)
        if needed > len(self._buffer):
            capacity = max(needed, 2 * len(self._buffer), 16)
            buffer = np.empty((capacity, *self._buffer.shape[1:]), dtype=self._buffer.dtype)
            buffer[: self._length] = self.rows
            self._buffer = buffer
        self._buffer[self._length : needed] = rows
        self._length = needed
