"""Where the bytes of a feed come from: a file, a packed file, or standard input."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shopsearch.errors import CatalogError, FeedFormatError

STANDARD_INPUT = "standard input"
_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FeedSource:
    """A feed as bytes. Raises `CatalogError` where it cannot be opened or unpacked."""

    path: Path
    folder: Path  # absolute: relative paths of pictures start here
    name: str  # as people know it

    @classmethod
    def of(cls, path: Path) -> FeedSource:
        """A feed that is a file, or a folder; its pictures lie beside it."""
        return cls(path, path.parent.absolute(), str(path))

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes, unpacked where gzip packed them, whatever the name says."""
        with self._file() as raw:
            is_packed = raw.read(len(_GZIP)) == _GZIP
            raw.seek(0)
            if not is_packed:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield unpacked  # type: ignore[misc]  # it is a binary file in all but name

    def first_bytes(self, n_bytes: int = 64) -> bytes:
        """What the feed begins with, unpacked."""
        with self.open() as binary:
            return binary.read(n_bytes)

    def is_packed(self) -> bool:
        """Whether gzip packed it."""
        with self._file() as raw:
            return raw.read(len(_GZIP)) == _GZIP

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """The bytes for readers that jump about: what is packed is unpacked beside memory."""
        is_packed = self.is_packed()
        with self.open() as binary:
            if not is_packed:
                yield binary
                return
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(binary, unpacked, _CHUNK_BYTES)
                unpacked.seek(0)
                yield unpacked

    @contextmanager
    def _file(self) -> Iterator[IO[bytes]]:
        try:
            with self.path.open("rb") as raw:
                yield raw
        except FileNotFoundError as error:
            raise CatalogError(f"{self.name}: there is no such feed; check the path") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FeedFormatError(
                f"{self.name}: the gzip file is damaged or cut short ({error}); make it again"
            ) from error
        except OSError as error:
            raise CatalogError(
                f"{self.name}: the feed cannot be read ({error}); check that it is a file that "
                f"may be read"
            ) from error


@contextmanager
def spooled(stream: IO[bytes]) -> Iterator[FeedSource]:
    """A stream that can be read once, such as standard input, as a feed that can be read again.

    Relative paths of pictures start at the working folder.
    """
    with tempfile.NamedTemporaryFile(prefix="shopsearch-feed-") as file:
        shutil.copyfileobj(stream, file, _CHUNK_BYTES)
        file.flush()
        yield FeedSource(Path(file.name), Path.cwd(), STANDARD_INPUT)
