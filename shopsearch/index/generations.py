"""Index generations on disk: built beside the live one, swapped in by one rename.

    home/
      CURRENT                     the id of the live generation, unless a database names it
      generations/
        20260122T101500123-7f3a/  manifest.json and the files of the index
        .building-<pid>-<id>/     a build under way, or what a killed one left behind

A reader sees the old generation or the new one, at every moment and after every power cut: files
and folders reach the disk before the name that leads to them does. Where machines share a storage
(`shopsearch.index.shared`), these folders are what this machine has fetched of it: a new generation
is put there whole before its name is swapped in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog
from filelock import FileLock

from shopsearch.errors import GenerationDamaged, GenerationMismatch, GenerationMissing, IndexFault
from shopsearch.index.base import KeptWords, VectorIndex
from shopsearch.index.current import CurrentFile, CurrentGeneration
from shopsearch.index.folders import FOLDER, GenerationFolders
from shopsearch.index.generation import Generation, Loaders, read_generation
from shopsearch.index.generation_ids import GENERATION_ID, last_of_days, next_id
from shopsearch.index.manifest import REMEDY, Manifest, sha256
from shopsearch.index.outside import Outside
from shopsearch.index.shared import SharedGenerations
from shopsearch.index.sharing import Identity, identity_of

__all__ = ["FOLDER", "Generation", "Generations", "Manifest"]

log = structlog.get_logger(__name__)

FETCHING = ".fetching.lock"


class Generations:
    """The generations below a home folder.

    `loaders` says for each kind of index how it is read, `current` what names the live generation:
    the file `CURRENT` where nothing else is given. Any number of processes may read; one at a time
    may publish. Where they are `shared`, those of the storage count, and what cannot be had of it
    raises `GenerationUnreachable`.
    """

    def __init__(
        self,
        root: Path,
        loaders: Loaders,
        keep: int = 3,
        load_words: Callable[[Path], KeptWords | None] = lambda _: None,
        *,
        current: CurrentGeneration | None = None,
        shared: SharedGenerations | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._root = root
        self._shared = shared
        self._current = current or CurrentFile(root)
        self._folders = GenerationFolders(root)
        self._loaders = loaders
        self._keep = keep
        self._load_words = load_words
        self._outside = outside  # None: all that a generation is, is in its folder
        self._verified: dict[Identity, str] = {}  # checksums of the files that were loaded last

    @property
    def current(self) -> CurrentGeneration:
        """What names the live generation."""
        return self._current

    def current_id(self) -> str | None:
        """The live generation, or None where nothing is indexed yet.

        Raises `GenerationDamaged`, and `StoreError` where a database names it.
        """
        named = self._current.read()
        if named is not None and not GENERATION_ID.fullmatch(named):
            raise GenerationDamaged(f"{self._current} names no generation: {REMEDY}")
        return named

    def ids(self) -> list[str]:
        """All generations, newest first."""
        return self._folders.ids() if self._shared is None else self._shared.ids()

    @property
    def shared(self) -> SharedGenerations | None:
        """Those of the storage; None where they are on this machine alone."""
        return self._shared

    def folder(self, generation_id: str) -> Path:
        """Where the files of a generation lie. Raises `GenerationMissing`."""
        return self._existing(generation_id)

    def manifest(self, generation_id: str) -> Manifest:
        """The manifest of a generation; its files are not looked at."""
        return Manifest.read(self._existing(generation_id))

    def manifests(self) -> list[Manifest]:
        """The manifests of all generations, newest first; one that cannot be read is left out."""
        manifests = []
        for generation_id in self.ids():
            try:
                manifests.append(self.manifest(generation_id))
            except (GenerationDamaged, GenerationMismatch, GenerationMissing) as error:
                log.warning("a manifest cannot be read", generation=generation_id, error=str(error))
        return manifests

    def load(self, generation_id: str | None = None) -> Generation:
        """A generation, every file of it checked; the live one where none is named.

        Raises `GenerationMissing`, `GenerationDamaged` and `GenerationMismatch`.
        """
        generation_id = generation_id or self.current_id()
        if generation_id is None:
            raise GenerationMissing(
                f"there is no index in {self._root} yet; index a feed first: `shopsearch index "
                "FEED`"
            )
        folder, manifest = self._whole(generation_id)
        self._verified = manifest.checksums(folder)
        return read_generation(folder, manifest, self._loaders, self._load_words)

    def _whole(self, generation_id: str) -> tuple[Path, Manifest]:
        folder = self._existing(generation_id)
        try:
            manifest = Manifest.read(folder)
            manifest.verify(folder, self._verified)
        except GenerationDamaged as error:
            if self._shared is None:
                raise
            log.warning("a fetched generation is damaged; it is fetched again", error=str(error))
            self._folders.forget(generation_id)
            folder = self._existing(generation_id)
            manifest = Manifest.read(folder)
        return folder, manifest

    def publish(
        self,
        index: VectorIndex,
        words: KeptWords | None = None,
        *,
        encoder_id: str,
        fusion_id: str,
        store_revision: int,
        check: Callable[[], None] = lambda: None,
    ) -> Manifest:
        """Write an index as a new generation and make it the live one.

        Raises `IndexFault` where the disk refuses, and what `check` raises, which is asked when all
        is written; the live generation stays then.
        """
        try:
            manifest = self._write(index, words, encoder_id, fusion_id, store_revision)
            check()
            self._current.make_live(manifest.generation_id)
        except OSError as error:
            raise self._refused(error) from error
        try:
            self._prune()
        except (OSError, IndexFault) as error:  # the next run that publishes tries it again
            log.warning("old generations could not be removed", error=str(error))
        self._look_after_outside(manifest.generation_id)
        log.info(
            "published an index generation",
            generation=manifest.generation_id,
            count=manifest.count,
        )
        return manifest

    def rollback(self, generation_id: str | None = None) -> Manifest:
        """Make an earlier generation the live one: the one named, or the one before the live one.

        Raises `GenerationMissing`; a damaged generation does not become the live one.
        """
        target = generation_id or self._previous_id()
        manifest = self.load(target).manifest
        try:
            self._current.make_live(target)
        except OSError as error:
            raise self._refused(error) from error
        self._look_after_outside(target)
        log.info("rolled back the index", generation=target)
        return manifest

    def remove(self, generation_id: str) -> None:
        """Delete a generation that is not the live one.

        Raises `GenerationMissing`, `IndexFault`, and `GenerationDamaged` where it is not known
        which one is live.
        Whoever calls holds the lock of the home folder: a draft may be reading the generation.
        """
        if generation_id not in self.ids():
            raise self._missing(generation_id)
        if generation_id == self.current_id():
            raise IndexFault(
                f"the generation {generation_id} is live and stays; make another one live first: "
                "`shopsearch reindex` or `shopsearch rollback`"
            )
        if self._shared is not None:
            self._shared.remove([generation_id])
        if self._folders.of(generation_id).is_dir():
            self._folders.remove(generation_id)
        self._look_after_outside(None)

    def kept(self) -> list[Path]:
        """The folders of all generations, newest first; fetched where they are elsewhere."""
        return [self._existing(generation_id) for generation_id in self.ids()]

    def leftovers(self) -> list[Path]:
        """What killed builds, interrupted removals and swaps left behind; safe to delete."""
        return self._folders.leftovers()

    def _write(
        self,
        index: VectorIndex,
        words: KeptWords | None,
        encoder_id: str,
        fusion_id: str,
        store_revision: int,
    ) -> Manifest:
        self._folders.clear_leftovers()
        if self._shared is not None:
            self._shared.sweep()
        generation_id = next_id([*self.ids(), *self._named()])
        with self._folders.built_beside(generation_id) as building:
            index.save(building)
            if words is not None:
                words.save(building)
            manifest = Manifest(
                generation_id=generation_id,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                encoder_id=encoder_id,
                fusion_id=fusion_id,
                index_kind=index.kind,
                dimension=index.dimension,
                count=len(index),
                store_revision=store_revision,
                files={path.name: self._checksum(path) for path in sorted(building.iterdir())},
            )
            manifest.write(building)
            if self._shared is not None:
                self._shared.put(building, manifest)
            self._folders.put_in_place(building, generation_id)
        return manifest

    def _bring(self, shared: SharedGenerations, generation_id: str) -> None:
        """Fetch a generation, unless another process of this machine just has."""
        folders = self._folders
        folders.path.mkdir(parents=True, exist_ok=True)
        with FileLock(folders.path / FETCHING):
            if folders.of(generation_id).is_dir():
                return
            folders.clear_leftovers()
            with folders.built_beside(generation_id) as building:
                shared.bring(generation_id, building, folders.files())
                folders.put_in_place(building, generation_id)
            # what is outside is tidied by the files of all that `_prune` keeps
            at_hand = self._keep if self._outside is None else 2 * self._keep + 1
            for old in folders.ids()[at_hand:]:
                if old not in (generation_id, self.current_id()):
                    folders.forget(old)

    def _look_after_outside(self, live_id: str | None) -> None:
        """What is kept outside follows what is here; where it cannot, the next run tries again."""
        if self._outside is None:
            return
        try:
            kept = self.kept()
            if live_id is not None:
                self._outside.went_live(self._existing(live_id), kept)
            self._outside.tidy(kept)
        except (IndexFault, OSError, ValueError) as error:  # or a kept one cannot be read
            log.warning("what generations keep on a server was not tidied", error=str(error))

    def _checksum(self, path: Path) -> str:
        """Of a linked file, the one that it was read by: what befell it since must be noticed."""
        return self._verified.get(identity_of(path)) or sha256(path)

    def _refused(self, error: OSError) -> IndexFault:
        return IndexFault(
            f"the index cannot be written to {self._folders.path}: {error}; make room or give "
            "write permission, or name another folder by SHOPSEARCH_HOME"
        )

    def _previous_id(self) -> str:
        try:
            current = self.current_id()
        except GenerationDamaged:
            current = None
        earlier = [id_ for id_ in self.ids() if current is None or id_ < current]
        if not earlier:
            raise GenerationMissing(
                f"there is no generation in {self._place} before {current or 'the first one'}; "
                "run `shopsearch reindex` to make a new one"
            )
        return earlier[0]

    def _existing(self, generation_id: str) -> Path:
        folder = self._folders.of(generation_id)
        is_id = GENERATION_ID.fullmatch(generation_id) is not None
        if is_id and self._shared is not None and not folder.is_dir():
            self._bring(self._shared, generation_id)
        if not is_id or not folder.is_dir():
            raise self._missing(generation_id)
        return folder

    def _missing(self, generation_id: str) -> GenerationMissing:
        there = ", ".join(self.ids()) or "none"
        return GenerationMissing(
            f"there is no index generation {generation_id!r} in {self._place} (there: {there}): "
            f"{REMEDY}"
        )

    @property
    def _place(self) -> str:
        return str(self._shared or self._folders.path)

    def _named(self) -> list[str]:
        """The live id, which may be newer than all that is here: another machine has made it."""
        try:
            named = self.current_id()
        except GenerationDamaged:
            return []
        return [] if named is None else [named]

    def _prune(self) -> None:
        ids = self.ids()
        kept = {*ids[: self._keep], *last_of_days(ids, self._keep), self.current_id()}
        doomed = [generation_id for generation_id in ids if generation_id not in kept]
        if self._shared is not None and doomed:
            self._shared.remove(doomed)
        for generation_id in self._folders.ids():
            if generation_id not in kept:
                self._folders.remove(generation_id)
