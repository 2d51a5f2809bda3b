"""A backup as a tar file: what may be in it, written and read member by member.

    backup.json                  what it is of, first, so that a misfit is refused at once
    generations/<id>/<file>      the index generation that was live
    catalog.db                   the database, where it is SQLite
    images/<hh>/<hash>.jpg       working copies
    SHA256SUMS                   the SHA-256 of every member before it, last, in their order

A tar from outside is hostile: only plain files of these very names are written, by our own hands,
never twice and nowhere else; owners, modes, links and devices mean nothing here.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from shopsearch.errors import BackupError
from shopsearch.storage.synced import fsync

FORMAT = 1
CARD = "backup.json"
DATABASE = "catalog.db"
SUMS = "SHA256SUMS"
IMAGES = "images"
MAX_CARD_BYTES = 100_000

_CHUNK_BYTES = 1 << 20
_ALLOWED = re.compile(
    r"backup\.json|catalog\.db|SHA256SUMS"
    r"|generations/\d{8}T\d{9}-[0-9a-f]{4}/[A-Za-z0-9_][A-Za-z0-9_.-]*"
    r"|images/[0-9a-f]{2}/[0-9a-f]{64}\.jpg"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCard:
    """What a backup is of. Another encoder, fusion or schema may not be able to use it."""

    created_at: str  # ISO 8601, UTC
    version: str  # of shopsearch
    schema: str | None  # of the tables; None where the database is not in it
    encoder_id: str
    fusion_id: str
    language: str
    generation: str | None  # None: nothing was indexed
    store_revision: int
    products: int
    has_pictures: bool
    format: int = FORMAT

    def as_json(self) -> bytes:
        """As it lies in the backup."""
        return json.dumps(asdict(self), indent=2).encode() + b"\n"

    @classmethod
    def read(cls, path: Path, backup: Path) -> BackupCard:
        """Raises `BackupError`, also for a format that is not known."""
        try:
            fields: Any = json.loads(path.read_bytes())
            known = fields["format"] == FORMAT
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError(f"{backup}: its {CARD} cannot be read; it is no backup") from error
        if not known:
            raise BackupError(
                f"{backup} has format {fields['format']!r}, but this version of shopsearch reads "
                f"{FORMAT}: upgrade shopsearch"
            )
        try:
            return cls(**fields)
        except TypeError as error:
            raise BackupError(f"{backup}: its {CARD} is not as it should be ({error})") from error


class ArchiveWriter:
    """Writes the members of a backup, and their checksums at the end."""

    def __init__(self, tar: tarfile.TarFile, sums: IO[bytes]) -> None:
        self._tar = tar
        self._sums = sums
        self.n_bytes = 0
        self.n_members = 0

    def add(self, name: str, source: IO[bytes]) -> str:
        """Add a file from where it is opened to its end; its SHA-256."""
        member = tarfile.TarInfo(name)
        member.size = os.fstat(source.fileno()).st_size
        return self._add(member, source)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add what is in memory."""
        member = tarfile.TarInfo(name)
        member.size = len(content)
        self._add(member, io.BytesIO(content))

    def add_sums(self) -> None:
        """Add the checksums of all that was added before."""
        member = tarfile.TarInfo(SUMS)
        member.size = self._sums.tell()
        self._sums.seek(0)
        self._tar.addfile(member, self._sums)

    def _add(self, member: tarfile.TarInfo, source: IO[bytes]) -> str:
        reader = _Hashing(source)
        self._tar.addfile(member, reader)
        self._sums.write(_line(reader.digest, member.name))
        self.n_bytes += member.size
        self.n_members += 1
        return reader.digest


@contextmanager
def writing(file: IO[bytes]) -> Iterator[ArchiveWriter]:
    """A backup to be written into a file; its checksums come at the end."""
    with (
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        tempfile.TemporaryFile() as sums,
    ):
        archive = ArchiveWriter(tar, sums)
        yield archive
        archive.add_sums()


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that appears under its name when it is complete and on disk, or not at all.

    Raises `OSError`.
    """
    beside = path.with_name(f".{path.name}-{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        fsync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def unpack(backup: Path, folder: Path) -> Iterator[str]:
    """Write the members into an empty folder, and check every one against its checksum at the end.

    Gives the name of each member when it is there. Raises `BackupError`.
    """
    sums = folder / "sums"  # what is found; no member can have this name
    last = ""
    try:
        with tarfile.open(backup, mode="r|") as tar, sums.open("wb") as found:
            for member in tar:
                _check_member(member, backup, is_first=not last)
                if last == SUMS:
                    raise BackupError(f"{backup} goes on after its checksums; it is no backup")
                digest = _write(tar, member, folder, backup)
                last = member.name
                if last != SUMS:
                    found.write(_line(digest, last))
                yield last
    except tarfile.TarError as error:
        raise BackupError(
            f"{backup} is no tar file, or is damaged or cut short ({error}): take another backup"
        ) from error
    if last != SUMS:
        raise BackupError(f"{backup} is cut short after {last or 'nothing'}: take another backup")
    _compare(folder / SUMS, sums, backup)


def _check_member(member: tarfile.TarInfo, backup: Path, *, is_first: bool) -> None:
    if not _ALLOWED.fullmatch(member.name) or not member.isreg() or member.issparse():
        raise BackupError(
            f"{backup} holds {member.name[:200]!r}, which no backup has: nothing was restored"
        )
    if is_first and member.name != CARD:
        raise BackupError(f"{backup} does not begin with {CARD}; it is no backup")
    if member.name == CARD and member.size > MAX_CARD_BYTES:
        raise BackupError(f"{backup}: its {CARD} has {member.size:,} bytes; it is no backup")


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, backup: Path) -> str:
    path = folder / member.name
    path.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if member.size > free:
        raise BackupError(
            f"{backup}: {member.name} needs {member.size:,} bytes, but {free:,} are free on the "
            f"disk of {folder.parent}: make room"
        )
    source, digest, n_bytes = tar.extractfile(member), hashlib.sha256(), 0
    if source is None:
        raise BackupError(f"{backup}: {member.name} cannot be read")
    try:
        with path.open("xb") as file:
            while chunk := source.read(_CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                n_bytes += len(chunk)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise BackupError(f"{backup} holds {member.name} twice: nothing was restored") from error
    if n_bytes != member.size:
        raise BackupError(f"{backup} is cut short in {member.name}: take another backup")
    return digest.hexdigest()


def _compare(expected: Path, found: Path, backup: Path) -> None:
    with expected.open("rb") as one, found.open("rb") as other:
        for written, read in zip(one, other, strict=False):
            if written != read:
                name = read.decode().rstrip("\n").partition("  ")[2]
                raise BackupError(
                    f"{backup}: {name} differs from its checksum: take another backup"
                )
        if one.read() or other.read():
            raise BackupError(f"{backup}: the checksums are not those of its members")


def _line(digest: str, name: str) -> bytes:
    return f"{digest}  {name}\n".encode()


class _Hashing:
    """Reads a file and hashes what it reads."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def read(self, n_bytes: int = -1) -> bytes:
        content = self._source.read(n_bytes)
        self._hash.update(content)
        return content
