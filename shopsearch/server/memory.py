"""Memory that a picture took is given back when it is done."""

from __future__ import annotations

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_LARGE_BYTES = 1_000_000


def give_large_blocks_back() -> None:
    """Let each large block be a mapping of its own, which ends with it.

    glibc raises that bound with the first large block that is freed, and keeps later ones in the
    heap of their thread: a server of eight threads kept 600 MB after a storm of large pictures,
    and keeps 250 MB so. Other C libraries are left as they are.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
