"""Puts a backup in place of what a home holds. Until the last step the old catalog can come back.

    1  unpack into a folder inside the home, check every checksum, open what was unpacked
    2  copy the old database and the name of the live generation aside
    3  take that name away: from here on, whoever is killed leaves a home that the next
       `shopsearch index` or `reindex` builds anew from the database, whichever one that is
    4  put in pictures, the database in one transaction, the generation, and its name
    5  delete the other generations (their keys are those of the old catalog) and the copy

Running servers stay on the generation in memory until step 4 is done, and follow then. Between the
transaction and the moment at which they have loaded the generation, some tenths of a second, they
look products of the old index up in the new catalog: with a backup of the same home these are the
same products or none, since keys are never given twice.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from shopsearch.errors import BackupError, GenerationDamaged, ShopsearchError
from shopsearch.index.current import CURRENT
from shopsearch.index.generations import FOLDER, Generations
from shopsearch.index.lock import LOCK_FILE, OWNER_FILE, HomeLocks
from shopsearch.index.manifest import Manifest
from shopsearch.upkeep.archive import CARD, DATABASE, IMAGES, BackupCard, unpack
from shopsearch.upkeep.generation_check import BEFORE_RESTORE, RESTORING
from shopsearch.upkeep.shared_pictures import SharedPictures

_log = structlog.get_logger(__name__)
_REPLACED = "replaced"


class CatalogFile(Protocol):
    """The database of a home as a whole."""

    @property
    def is_file(self) -> bool:
        """Whether it is a file; a database server has tools of its own."""

    @property
    def newest_schema(self) -> str:
        """The schema that this version writes."""

    def revision(self) -> int:
        """The revision of the latest write."""

    def check(self, copy: Path) -> None:
        """Raise a `StoreError` where a copy is not whole, and bring its tables up to date."""

    def keep_aside(self, folder: Path) -> None:
        """Copy the database into a folder, where there is one: whole, or else as it lies there."""

    def replace(self, copy: Path) -> None:
        """Put a copy in place for all who use the database, at once."""

    def put_back(self, folder: Path) -> None:
        """Undo `replace` with what `keep_aside` kept."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put in place."""

    card: BackupCard
    n_pictures: int
    replaced: bool  # whether the home held something before


class RestoreService:
    """Restores backups into one home."""

    def __init__(
        self,
        home: Path,
        catalog: CatalogFile,
        locks: HomeLocks,
        generations: Generations,
        generations_in: Callable[[Path], Generations],
        *,
        shared_pictures: SharedPictures | None = None,
    ) -> None:
        self._shared_pictures = shared_pictures
        self._home = home
        self._catalog = catalog
        self._locks = locks
        self._generations_in = generations_in
        self._generations = generations

    def restore(
        self,
        backup: Path,
        *,
        force: bool = False,
        report: Callable[[int], None] = lambda _: None,
    ) -> Restored:
        """Check everything, then put it in place; after a failure all is as before.

        Raises `BackupError` where the home is not empty, unless `force`, or the backup does not fit
        or is damaged, and `HomeBusy` where somebody indexes.
        """
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            with self._locks():
                is_empty = self._is_empty()
                if not (is_empty or force):
                    raise BackupError(
                        f"{self._home} is not empty, and what it holds would be replaced: add "
                        "--force, or name another folder by --home"
                    )
                with self._staging() as staging:
                    card = self._unpack(backup, staging, report)
                    self._check(backup, card, staging)
                    n_pictures = self._put_in_place(card, staging)
        except OSError as error:
            raise BackupError(
                f"{backup} cannot be restored into {self._home}: {error}; what was there before is "
                "there still"
            ) from error
        return Restored(card, n_pictures, replaced=not is_empty)

    def _is_empty(self) -> bool:
        ours = {LOCK_FILE, OWNER_FILE}
        there = (path.name for path in self._home.iterdir())
        return all(name in ours or name.startswith(RESTORING) for name in there)

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        staging = self._home / f"{RESTORING}{os.getpid()}"
        for killed in self._home.glob(f"{RESTORING}*"):  # we hold the lock: nobody works there
            shutil.rmtree(killed, ignore_errors=True)
        staging.mkdir()
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def _unpack(self, backup: Path, staging: Path, report: Callable[[int], None]) -> BackupCard:
        card: BackupCard | None = None
        for done, name in enumerate(unpack(backup, staging), start=1):
            if name == CARD:
                card = BackupCard.read(staging / CARD, backup)
                self._check_fit(backup, card)
            report(done)
        if card is None:
            raise BackupError(f"{backup} has no {CARD}; it is no backup")
        return card

    def _check_fit(self, backup: Path, card: BackupCard) -> None:
        """Refuse what cannot be used here, before gigabytes are read."""
        if card.schema is not None and not self._catalog.is_file:
            raise BackupError(
                f"{backup} holds a SQLite database, but SHOPSEARCH_DATABASE_URL names a database "
                "server: unset it, and restore"
            )
        if card.schema is None and self._catalog.is_file:
            raise BackupError(
                f"{backup} was taken beside a database server and holds no database: set "
                "SHOPSEARCH_DATABASE_URL, restore the database by its own tool, and then this"
            )
        if card.schema is not None and card.schema > self._catalog.newest_schema:
            raise BackupError(
                f"{backup} has tables of schema {card.schema}, but this version of shopsearch "
                f"knows none after {self._catalog.newest_schema}: upgrade shopsearch"
            )
        if card.schema is None and self._catalog.revision() < card.store_revision:
            raise BackupError(
                f"{backup} has an index of revision {card.store_revision}, but the database is at "
                f"{self._catalog.revision()}: restore the database first"
            )

    def _check(self, backup: Path, card: BackupCard, staging: Path) -> None:
        """Open everything once before anything is touched."""
        try:
            if card.schema is not None:
                self._catalog.check(staging / DATABASE)
            if card.generation is not None:
                self._generations_in(staging).load(card.generation)
        except ShopsearchError as error:
            raise BackupError(f"{backup} cannot be used: {error}") from error

    def _put_in_place(self, card: BackupCard, staging: Path) -> int:
        kept = self._home / BEFORE_RESTORE
        if not kept.exists():  # else a restore was killed, and this is the true old catalog
            self._keep_aside(card, staging / "old")
            (staging / "old").rename(kept)
        self._generations.current.clear()
        try:
            n_pictures = self._put_pictures(staging)
            if card.schema is not None:
                self._catalog.replace(staging / DATABASE)
            if card.generation is not None:
                self._put_generation(card.generation, staging)
        except BaseException:
            self._undo(card, staging, kept)
            raise
        for generation_id in self._generations.ids():
            if generation_id != card.generation:
                self._drop(generation_id)
        shutil.rmtree(kept, ignore_errors=True)
        return n_pictures

    def _keep_aside(self, card: BackupCard, folder: Path) -> None:
        folder.mkdir()
        if card.schema is not None:
            self._catalog.keep_aside(folder)
        with suppress(GenerationDamaged):  # a damaged name is not worth to be kept
            if current := self._generations.current_id():
                (folder / CURRENT).write_text(current, encoding="utf-8")

    def _put_pictures(self, staging: Path) -> int:
        n = 0
        for path in (staging / IMAGES).glob("*/*.jpg"):
            n += 1
            if self._shared_pictures is not None:
                self._shared_pictures.put(f"{path.parent.name}/{path.name}", path)
                continue
            folder = self._home / IMAGES / path.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            path.replace(folder / path.name)
        return n

    def _put_generation(self, generation_id: str, staging: Path) -> None:
        folder = self._home / FOLDER / generation_id
        folder.parent.mkdir(exist_ok=True)
        if folder.exists():
            folder.rename(staging / _REPLACED)
        (staging / FOLDER / generation_id).rename(folder)
        if self._generations.shared is not None:
            self._generations.shared.put(folder, Manifest.read(folder))
        self._generations.rollback(generation_id)

    def _drop(self, generation_id: str) -> None:
        try:
            self._generations.remove(generation_id)
        except (ShopsearchError, OSError) as error:
            _log.warning("a generation from before the restore stays", error=str(error))

    def _undo(self, card: BackupCard, staging: Path, kept: Path) -> None:
        if card.schema is not None:
            self._catalog.put_back(kept)
        if (replaced := staging / _REPLACED).exists() and card.generation is not None:
            folder = self._home / FOLDER / card.generation
            shutil.rmtree(folder, ignore_errors=True)
            replaced.rename(folder)
        if (current := kept / CURRENT).exists():
            self._generations.current.make_live(current.read_text(encoding="utf-8").strip())
        shutil.rmtree(kept, ignore_errors=True)
