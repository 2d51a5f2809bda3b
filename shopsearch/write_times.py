"""When products came and were written last, in memory and in step with the store."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Writes
from shopsearch.store import WriteTimes

_NONE = Writes(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


class FollowedTimes:
    """Read whole when it is first needed, and then what has changed: 24 bytes for a product.

    Products that were removed stay until the next start: nobody asks for them.
    """

    def __init__(self, times: WriteTimes) -> None:
        self._times = times
        self._lock = Lock()
        self._revision = 0
        self._known = _NONE  # in ascending order of keys

    def revisions(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(M,) the revision of the latest write of each key; 0 where it is not known."""
        known = self._latest()
        return np.append(known.revisions, 0)[_places(known, keys)]

    def created_s(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """(M,) when each came, in seconds since 1970, UTC; NaN where it is not known."""
        known = self._latest()
        return np.append(known.created_s, np.nan)[_places(known, keys)]

    def _latest(self) -> Writes:
        with self._lock:
            new = self._times.written_after(self._revision)
            if len(new.keys):
                self._known = _merged(self._known, new)
                self._revision = int(new.revisions[-1])
            return self._known


def _places(known: Writes, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """(M,) where keys stand among the known; -1 where one does not."""
    places = np.searchsorted(known.keys, keys)
    return np.where(np.append(known.keys, -1)[places] == keys, places, -1)


def _merged(old: Writes, new: Writes) -> Writes:
    """Both, the new where a key is in both."""
    keys = np.concatenate([new.keys, old.keys])
    unique, first = np.unique(keys, return_index=True)
    return Writes(
        keys=unique,
        revisions=np.concatenate([new.revisions, old.revisions])[first],
        created_s=np.concatenate([new.created_s, old.created_s])[first],
    )
