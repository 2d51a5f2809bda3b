"""The database of a home as a whole: copied out, checked, put in place, put back."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import URL

from shopsearch.errors import StoreError, StoreUnavailable
from shopsearch.store.database import Database
from shopsearch.store.products import SqlProductStore
from shopsearch.store.schema import SCHEMA_HEAD
from shopsearch.store.sqlite_backup import copy_in, copy_out, raise_counters
from shopsearch.store.upkeep import SqlUpkeep

KEPT = "catalog.db"
_BESIDE = ("", "-wal", "-shm")  # a SQLite file, its journal, and the index of that


class SqlCatalogFile:
    """A SQLite file with all that it holds; of a database server it tells only the revision."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def is_file(self) -> bool:
        """Whether the database is a file."""
        return self._database.path is not None

    @property
    def newest_schema(self) -> str:
        """The schema that this version writes."""
        return SCHEMA_HEAD

    @property
    def _path(self) -> Path:
        if self._database.path is None:
            raise StoreUnavailable(f"{self._database} is no file: use its own tools to copy it")
        return self._database.path

    def revision(self) -> int:
        """The revision of the latest write; brings the tables up to date first."""
        self._database.migrate()
        return SqlProductStore(self._database).revision()

    def copy_out(self, target: Path) -> tuple[str, int, int]:
        """A consistent copy; its schema, how many products it has, and its revision."""
        copy_out(self._path, target)
        copy = opened(target)
        try:
            store = SqlProductStore(copy)
            return str(copy.schema_status().found), store.count(), store.revision()
        finally:
            copy.close()

    def check(self, copy: Path) -> None:
        """Raise a `StoreError` where a copy is not whole, and bring its tables up to date."""
        database = opened(copy)
        try:
            database.migrate()
            for fault in SqlUpkeep(database).faults():
                raise StoreError(f"its database is not whole: {fault}")
        finally:
            database.close()
        settled = copy.with_suffix(".settled")
        copy_out(copy, settled)  # with what was migrated, in one file
        self._unlink(copy)
        settled.rename(copy)

    def keep_aside(self, folder: Path) -> None:
        """Copy the database into a folder; one that cannot be read is copied byte by byte."""
        if not self._path.exists():
            return
        try:
            copy_out(self._path, folder / KEPT)
        except StoreUnavailable:
            self._copy_bytes(self._path, folder / KEPT)

    def replace(self, copy: Path) -> None:
        """Put a copy in place in one transaction.

        Its counters are raised above those of what was there. A file that is no database at all has
        no readers, and is replaced as a file.
        """
        if self._path.exists():
            raise_counters(copy, over=self._path)
            try:
                copy_in(copy, self._path)
            except StoreUnavailable:
                if _is_database(self._path):
                    raise
                self._swap(copy)
        else:
            self._swap(copy)

    def put_back(self, folder: Path) -> None:
        """Undo `replace` with what `keep_aside` kept; where it kept nothing, there was nothing."""
        kept = folder / KEPT
        if not kept.exists():
            self._unlink(self._path)
        elif _is_database(kept):
            copy_in(kept, self._path)
        else:
            self._copy_bytes(kept, self._path)

    def _swap(self, copy: Path) -> None:
        self._unlink(self._path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(copy, self._path)

    def _unlink(self, path: Path) -> None:
        for ending in _BESIDE:
            path.with_name(path.name + ending).unlink(missing_ok=True)

    def _copy_bytes(self, source: Path, target: Path) -> None:
        for ending in _BESIDE:
            if (one := source.with_name(source.name + ending)).exists():
                shutil.copyfile(one, target.with_name(target.name + ending))


def opened(path: Path) -> Database:
    """A SQLite file as a database."""
    url = URL.create("sqlite", database=str(path.resolve()))
    return Database(url.render_as_string(hide_password=False))


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"
