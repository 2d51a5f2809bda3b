"""Index generations in a storage that several machines share.

    storage/
      blobs/<SHA-256>                  the files of all generations, each content once
      generations/<id>/manifest.json   which of them a generation consists of

A generation is put there whole: blobs first, the manifest last. A blob that another generation has
already is not sent again, and a machine that has it already does not fetch it again: after a small
change of a large index that is most of it. Whoever fetches checks every byte by the manifest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from shopsearch.errors import (
    GenerationDamaged,
    GenerationMissing,
    GenerationUnreachable,
    IndexFault,
    StorageUnavailable,
)
from shopsearch.index.generation_ids import GENERATION_ID
from shopsearch.index.manifest import MANIFEST_FILE, PLAIN_NAME, REMEDY, Manifest
from shopsearch.storage import Storage

BLOBS = "blobs"
GENERATIONS = "generations"
SETTLED_S = 3600.0  # a younger blob may belong to a generation that is being put there

_MANIFEST = re.compile(rf"{GENERATIONS}/(?P<id>{GENERATION_ID.pattern})/manifest\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_log = structlog.get_logger(__name__)


class SharedGenerations:
    """The generations of a storage. Any number of machines may read; one at a time may write.

    Raises `GenerationUnreachable` where the storage cannot be reached.
    """

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self._clock = clock
        self._files_of: dict[str, frozenset[str]] = {}  # generation -> its blobs; they never change

    def __str__(self) -> str:
        return str(self._storage)

    def ids(self) -> list[str]:
        """All generations that are there whole, newest first."""
        with _reached():
            names = [stored.name for stored in self._storage.names(GENERATIONS)]
        return sorted((m["id"] for name in names if (m := _MANIFEST.fullmatch(name))), reverse=True)

    def put(self, folder: Path, manifest: Manifest) -> None:
        """Put a generation there, from the folder that it was built in."""
        with _reached():
            there = {stored.name for stored in self._storage.names(BLOBS)}
            for name, checksum in manifest.files.items():
                if (blob := f"{BLOBS}/{checksum}") not in there:
                    self._storage.upload(blob, folder / name)
            text = (folder / MANIFEST_FILE).read_bytes()
            self._storage.write(_manifest_name(manifest.generation_id), text)

    def bring(self, generation_id: str, folder: Path, known: Mapping[str, Path]) -> None:
        """Fill an empty folder with the files of a generation; those `known` by their checksum are
        linked. The folder is not to be used where this raises.

        Raises `GenerationMissing` and `GenerationDamaged`.
        """
        with _reached():
            text = self._storage.read(_manifest_name(generation_id))
            if text is None:
                raise GenerationMissing(
                    f"there is no index generation {generation_id!r} in {self._storage}: {REMEDY}"
                )
            (folder / MANIFEST_FILE).write_bytes(text)
            manifest = Manifest.read(folder)
            self._check(manifest, generation_id)
            self._bring_files(manifest, folder, known)

    def remove(self, generation_ids: Iterable[str]) -> None:
        """Take generations away, and the blobs that none of the others has."""
        doomed = list(generation_ids)
        with _reached():
            theirs = set[str]()
            for one in doomed:
                with suppress(GenerationDamaged):  # its blobs are swept later
                    theirs |= self._blobs(one)
            self._storage.delete(_manifest_name(one) for one in doomed)
            for one in doomed:
                self._files_of.pop(one, None)
            self._storage.delete(sorted(theirs - self._in_use()))

    def left_behind(self) -> list[str]:
        """The blobs of no generation, which a killed or failed writer has left an hour ago or more.

        Raises `GenerationDamaged` where a manifest cannot be read, as its blobs are not known then.
        """
        settled = self._clock() - SETTLED_S
        with _reached():
            blobs = [
                stored.name
                for stored in self._storage.names(BLOBS)
                if stored.written_at is None or stored.written_at <= settled
            ]
            in_use = self._in_use() if blobs else frozenset[str]()
        return [name for name in blobs if name not in in_use]

    def sweep(self) -> None:
        """Remove what was left behind. Whoever calls is the only one who writes."""
        try:
            if left := self.left_behind():
                _log.info("cleared what a killed run left in the storage", blobs=len(left))
                with _reached():
                    self._storage.delete(left)
        except IndexFault as error:  # it only takes room; the next run tries again
            _log.warning("what was left in the storage cannot be cleared", error=str(error))

    def missing(self, generation_id: str) -> list[str]:
        """The files of a generation whose blobs are gone. Raises `GenerationDamaged`."""
        with _reached():
            there = {stored.name for stored in self._storage.names(BLOBS)}
            return sorted(self._blobs(generation_id) - there)

    def _in_use(self) -> frozenset[str]:
        return frozenset[str]().union(*(self._blobs(one) for one in self.ids()))

    def _blobs(self, generation_id: str) -> frozenset[str]:
        if generation_id not in self._files_of:
            text = self._storage.read(_manifest_name(generation_id))
            if text is None:  # removed at this moment
                return frozenset()
            manifest = Manifest.parsed(text, f"the manifest of {generation_id} in {self._storage}")
            self._check(manifest, generation_id)
            blobs = (f"{BLOBS}/{checksum}" for checksum in manifest.files.values())
            self._files_of[generation_id] = frozenset(blobs)
        return self._files_of[generation_id]

    def _bring_files(self, manifest: Manifest, folder: Path, known: Mapping[str, Path]) -> None:
        for name, checksum in manifest.files.items():
            self._bring_file(checksum, folder / name, known)
        try:
            manifest.verify(folder)
        except GenerationDamaged:
            if not known:
                raise
            for name in manifest.files:  # what is at hand here may be damaged
                (folder / name).unlink()
            self._bring_files(manifest, folder, {})

    def _bring_file(self, checksum: str, target: Path, known: Mapping[str, Path]) -> None:
        if (at_hand := known.get(checksum)) is not None:
            with suppress(OSError):  # it went at this moment, or there are no links
                target.hardlink_to(at_hand)
                return
        if not self._storage.fetch(f"{BLOBS}/{checksum}", target):
            raise GenerationDamaged(
                f"{target.name} of a generation, {BLOBS}/{checksum[:12]}..., is not in "
                f"{self._storage}: {REMEDY}"
            )

    def _check(self, manifest: Manifest, generation_id: str) -> None:
        """Whoever can write there shall not make this machine write elsewhere."""
        names_are_plain = all(PLAIN_NAME.fullmatch(name) for name in manifest.files)
        are_checksums = all(_SHA256.fullmatch(str(one)) for one in manifest.files.values())
        if manifest.generation_id != generation_id or not (names_are_plain and are_checksums):
            raise GenerationDamaged(
                f"the manifest of {generation_id} in {self._storage} is of another generation, or "
                f"names a file that cannot be one: {REMEDY}"
            )


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except StorageUnavailable as error:
        raise GenerationUnreachable(str(error)) from error


def _manifest_name(generation_id: str) -> str:
    return f"{GENERATIONS}/{generation_id}/{MANIFEST_FILE}"
