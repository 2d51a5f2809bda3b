"""The generations on disk: what each takes, which are whole, which can go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shopsearch.errors import GenerationDamaged, GenerationMissing, IndexFault
from shopsearch.index.generations import Generations
from shopsearch.index.manifest import Manifest
from shopsearch.upkeep.generation_check import is_whole


@dataclass(frozen=True, slots=True)
class ShelvedGeneration:
    """A generation as it lies on disk."""

    generation_id: str
    manifest: Manifest | None  # None: it cannot be read
    is_live: bool
    is_rollback_target: bool  # where `shopsearch rollback` goes to
    n_bytes: int  # with the files that it shares with others
    own_bytes: int  # that its removal would free
    damage: str  # "" where it is whole


@dataclass(frozen=True, slots=True)
class Pruned:
    """Generations that were, or would be, deleted, and the bytes that it frees."""

    generation_ids: tuple[str, ...]
    kept: tuple[str, ...]
    freed_bytes: int


class Shelf:
    """Lists and prunes generations; files that several of them share count once."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def generations(self) -> list[ShelvedGeneration]:
        """All, newest first, every file of them checked."""
        live, seen = self._live(), dict[tuple[int, int], str]()
        ids = self._generations.ids()
        target = next((one for one in ids if live is None or one < live), None)
        return [
            ShelvedGeneration(
                generation_id=one,
                manifest=self._manifest(one),
                is_live=one == live,
                is_rollback_target=one == target,
                n_bytes=self._bytes_of([one]),
                own_bytes=self._freed_by([one]),
                damage=self._damage(one, seen),
            )
            for one in ids
        ]

    def total_bytes(self) -> int:
        """What all generations take together."""
        return self._bytes_of(self._generations.ids())

    def prune(self, keep: int, *, dry_run: bool = False) -> Pruned:
        """Delete all but the newest `keep` and the live one. Whoever calls holds the home's lock.

        Raises `GenerationDamaged` where it is not known which one is live.
        """
        live = self._generations.current_id()
        ids = self._generations.ids()
        kept = [one for place, one in enumerate(ids) if place < keep or one == live]
        doomed = [one for one in ids if one not in kept]
        pruned = Pruned(tuple(doomed), tuple(kept), self._freed_by(doomed))
        if not dry_run:
            for one in doomed:
                self._generations.remove(one)
        return pruned

    def _live(self) -> str | None:
        try:
            return self._generations.current_id()
        except GenerationDamaged:
            return None

    def _manifest(self, generation_id: str) -> Manifest | None:
        try:
            return self._generations.manifest(generation_id)
        except IndexFault:
            return None

    def _damage(self, generation_id: str, seen: dict[tuple[int, int], str]) -> str:
        fault = is_whole(self._generations, generation_id, seen)
        return "" if fault is None else f"{Path(fault.subject).name}: {fault.what}"

    def _bytes_of(self, generation_ids: Iterable[str]) -> int:
        return sum(size for size, _, _ in self._inodes(generation_ids).values())

    def _freed_by(self, generation_ids: Iterable[str]) -> int:
        """The bytes of files all of whose names lie in these folders."""
        inodes = self._inodes(generation_ids).values()
        return sum(size for size, n_links, n_here in inodes if n_here >= n_links)

    def _inodes(self, generation_ids: Iterable[str]) -> dict[tuple[int, int], tuple[int, int, int]]:
        """Of each file on disk: its bytes, how many names it has, and how many of them here."""
        found: dict[tuple[int, int], tuple[int, int, int]] = {}
        for generation_id in generation_ids:
            try:
                paths = list(self._generations.folder(generation_id).iterdir())
            except (GenerationMissing, FileNotFoundError):
                continue
            for status in (path.stat() for path in paths if path.is_file()):
                inode = (status.st_dev, status.st_ino)
                _, _, n_here = found.get(inode, (0, 0, 0))
                found[inode] = (status.st_size, status.st_nlink, n_here + 1)
        return found
