"""One generation of an index, as it is read and searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from shopsearch.errors import GenerationDamaged, GenerationMismatch
from shopsearch.index.base import KeptWords, VectorIndex
from shopsearch.index.manifest import REMEDY, Manifest

Loaders = Mapping[str, Callable[[Path], VectorIndex]]  # by the kinds of indexes

Made = TypeVar("Made")


class Derived:
    """What is made of a generation once, by whoever needs it first, and goes when it goes."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}
        self._lock = RLock()

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What was made under a name; whoever needs it while it is being made waits."""
        if name not in self._kept:
            with self._lock:
                if name not in self._kept:
                    self._kept[name] = make()
        made: Made = self._kept[name]
        return made


@dataclass(frozen=True, slots=True)
class Generation:
    """An index that can be searched, and its manifest."""

    manifest: Manifest
    index: VectorIndex
    words: KeptWords | None = None  # None: they are asked of the store
    derived: Derived = field(default_factory=Derived, repr=False, compare=False)


def read_generation(
    folder: Path,
    manifest: Manifest,
    loaders: Loaders,
    load_words: Callable[[Path], KeptWords | None],
) -> Generation:
    """The generation of a folder, whose files are as its manifest says.

    Raises `GenerationDamaged` and `GenerationMismatch`.
    """
    loader = loaders.get(manifest.index_kind)
    if loader is None:
        raise GenerationMismatch(
            f"the index generation {manifest.generation_id} is of the kind "
            f"{manifest.index_kind!r}, but only {', '.join(sorted(loaders))} can be read: run "
            "`shopsearch reindex`"
        )
    try:
        index, words = loader(folder), load_words(folder)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise GenerationDamaged(
            f"{folder} is as it was written, but cannot be read ({error}); another version of "
            f"a library may have written it: {REMEDY}"
        ) from error
    if (len(index), index.dimension) != (manifest.count, manifest.dimension):
        raise GenerationDamaged(
            f"{folder} holds {len(index)} vectors of {index.dimension} dimensions, its "
            f"manifest says {manifest.count} of {manifest.dimension}: {REMEDY}"
        )
    if words is not None and len(words) != manifest.count:
        raise GenerationDamaged(
            f"{folder} holds the words of {len(words)} products, its manifest says "
            f"{manifest.count}: {REMEDY}"
        )
    return Generation(manifest, index, words)
