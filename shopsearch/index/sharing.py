"""Files and structures that several generations have in common.

A generation that changes little of a large graph links to the file of the one before it, and a
process that answers from one takes over the graph of the other: neither is written or read again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary


class Shared:
    """A structure as it was read from a file. It must not be changed: others may have it too."""

    def __init__(self, structure: Any, file: Path, identity: Identity) -> None:
        self.structure = structure
        self.file = file
        self.identity = identity


Identity = tuple[int, int, int, int]

_read: WeakValueDictionary[Identity, Shared] = WeakValueDictionary()


def identity_of(path: Path) -> Identity:
    """What stays the same for as long as a file is the same and nobody writes to it."""
    told = path.stat()
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns


def read_once(path: Path, read: Callable[[str], Any]) -> Shared:
    """What `read` makes of a file; what somebody in this process still has, is not read again."""
    identity = identity_of(path)
    known = _read.get(identity)
    if known is None:
        known = _read[identity] = Shared(read(str(path)), path, identity)
    return known


def link(shared: Shared, target: Path) -> bool:
    """Give the file that a structure was read from a second name, where it still is what it was.

    False where that cannot be: the file is gone, or the file system knows no links.
    """
    try:
        if identity_of(shared.file) != shared.identity:
            return False
        os.link(shared.file, target)
    except OSError:
        return False
    return True
