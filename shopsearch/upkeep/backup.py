"""Writes a backup while everything runs: database, the generation that belongs to it, pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from shopsearch.errors import BackupError, GenerationDamaged, GenerationMissing
from shopsearch.index.generations import FOLDER, Generations
from shopsearch.index.manifest import MANIFEST_FILE, Manifest
from shopsearch.upkeep.archive import (
    CARD,
    DATABASE,
    IMAGES,
    ArchiveWriter,
    BackupCard,
    whole_file,
    writing,
)
from shopsearch.upkeep.picture_folder import working_copies
from shopsearch.upkeep.shared_pictures import SharedPictures

ATTEMPTS = 5  # to open all files of the live generation before it is swapped and pruned


@dataclass(frozen=True, slots=True)
class CatalogCopy:
    """What the card of a backup says of the database that is in it."""

    schema: str
    products: int
    store_revision: int


@dataclass(frozen=True, slots=True)
class InUse:
    """What made the vectors, and in which language the words are."""

    version: str
    encoder_id: str
    fusion_id: str
    language: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was written."""

    card: BackupCard
    n_members: int
    n_bytes: int


class BackupService:
    """Backs a home up. `copy_catalog` copies the database into a file; None where it is a server.

    The generation is opened before the database is copied: then the copy holds all that the
    generation does, and perhaps later writes, which the next run catches up with.
    """

    def __init__(
        self,
        home: Path,
        generations: Generations,
        in_use: Callable[[], InUse],
        copy_catalog: Callable[[Path], CatalogCopy] | None,
        shared_pictures: SharedPictures | None = None,
    ) -> None:
        self._shared_pictures = shared_pictures
        self._home = home
        self._generations = generations
        self._in_use = in_use
        self._copy_catalog = copy_catalog

    def write(
        self,
        path: Path,
        *,
        pictures: bool = True,
        report: Callable[[int], None] = lambda _: None,
    ) -> Backup:
        """Write it under a name of its own, then in place. Raises `BackupError`."""
        try:
            with (
                ExitStack() as opened,
                tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as scratch,
            ):
                manifest, files = self._open_live(opened)
                copy = self._copied(Path(scratch) / DATABASE)
                card = self._card(manifest, copy, pictures=pictures)
                with whole_file(path) as file, writing(file) as archive:
                    archive.add_bytes(CARD, card.as_json())
                    self._add_generation(archive, manifest, files)
                    if copy is not None:
                        with (Path(scratch) / DATABASE).open("rb") as database:
                            archive.add(DATABASE, database)
                    if pictures:
                        self._add_pictures(archive, report)
        except OSError as error:
            raise BackupError(
                f"the backup {path} cannot be written: {error}; make room, or name another file"
            ) from error
        return Backup(card, archive.n_members, archive.n_bytes)

    def _copied(self, path: Path) -> CatalogCopy | None:
        return None if self._copy_catalog is None else self._copy_catalog(path)

    def _open_live(self, opened: ExitStack) -> tuple[Manifest | None, dict[str, IO[bytes]]]:
        """The live generation, its files open: deleted meanwhile, they can still be read."""
        for attempt in range(ATTEMPTS):
            try:
                live = self._generations.current_id()
                if live is None:
                    return None, {}
                manifest = self._generations.manifest(live)
                folder = self._generations.folder(live)
                names = (*manifest.files, MANIFEST_FILE)
                return manifest, {
                    name: opened.enter_context((folder / name).open("rb")) for name in names
                }
            except (GenerationMissing, GenerationDamaged, FileNotFoundError) as error:
                if attempt == ATTEMPTS - 1:  # else it was swapped and pruned at this moment
                    raise BackupError(f"{error}; {_DAMAGED}") from error
        return None, {}

    def _add_generation(
        self, archive: ArchiveWriter, manifest: Manifest | None, files: dict[str, IO[bytes]]
    ) -> None:
        for name, file in files.items():
            assert manifest is not None  # noqa: S101 - without a generation there are no files
            digest = archive.add(f"{FOLDER}/{manifest.generation_id}/{name}", file)
            if digest != manifest.files.get(name, digest):
                raise BackupError(
                    f"{name} of the live generation {manifest.generation_id} differs from its "
                    f"checksum: {_DAMAGED}"
                )

    def _add_pictures(self, archive: ArchiveWriter, report: Callable[[int], None]) -> None:
        if self._shared_pictures is not None:
            for done, (name, content) in enumerate(self._shared_pictures.copies(), start=1):
                archive.add_bytes(f"{IMAGES}/{name}", content)
                report(done)
            return
        for done, path in enumerate(working_copies(self._home / IMAGES), start=1):
            try:
                with path.open("rb") as picture:
                    archive.add(f"{IMAGES}/{path.parent.name}/{path.name}", picture)
            except FileNotFoundError:
                continue  # a repair has just removed it: it was of no product
            report(done)

    def _card(
        self, manifest: Manifest | None, copy: CatalogCopy | None, *, pictures: bool
    ) -> BackupCard:
        in_use = self._in_use()
        return BackupCard(
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=in_use.version,
            schema=None if copy is None else copy.schema,
            encoder_id=in_use.encoder_id if manifest is None else manifest.encoder_id,
            fusion_id=in_use.fusion_id if manifest is None else manifest.fusion_id,
            language=in_use.language,
            generation=None if manifest is None else manifest.generation_id,
            store_revision=_revision(manifest) if copy is None else copy.store_revision,
            products=_count(manifest) if copy is None else copy.products,
            has_pictures=pictures,
        )


_DAMAGED = "mend it by `shopsearch verify --repair`, then back up again"


def _revision(manifest: Manifest | None) -> int:
    return 0 if manifest is None else manifest.store_revision


def _count(manifest: Manifest | None) -> int:
    return 0 if manifest is None else manifest.count
