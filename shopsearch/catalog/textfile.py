"""Text files from outside, line by line: gzip, byte order marks, wrong encodings, endless lines."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shopsearch.errors import CatalogError, FeedFormatError

MAX_LINE_CHARS = 1_000_000
_CHUNK_BYTES = 1 << 18
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive or an Excel file; unpack it, or save it as `CSV UTF-8`",
    b"PAR1": "a Parquet file; export it as CSV or JSON lines",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as `CSV UTF-8`",
    b"%PDF": "a PDF; export the products as CSV or JSON lines",
    b"<?xml": "an XML feed; export the products as CSV or JSON lines",
    b"<rss": "an RSS feed; export the products as CSV or JSON lines",
    b"<!DOCTYPE": "a web page; was the feed downloaded by its right address?",
    b"SQLite format 3": "a SQLite database; export the products as CSV or JSON lines",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its end. `whole` is false where it was cut at MAX_LINE_CHARS."""

    number: int  # 1 for the first
    text: str
    whole: bool = True


class TextFile:
    """A text file that can be read again and again. Raises `CatalogError`, `FeedFormatError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> Iterator[Line]:
        """The lines; ends are newlines, carriage returns, or both."""
        with self._open() as binary:
            encoding = self._encoding(binary)
            text = io.TextIOWrapper(binary, encoding, newline="")
            number = 0
            while line := text.readline(MAX_LINE_CHARS):
                number += 1
                whole = len(line) < MAX_LINE_CHARS or line.endswith(("\n", "\r"))
                yield Line(number, line, whole)
                while not whole:  # the rest of it says nothing that could still be used
                    rest = text.readline(MAX_LINE_CHARS)
                    whole = len(rest) < MAX_LINE_CHARS or rest.endswith(("\n", "\r"))

    def survey(self, quote: str = "") -> int:
        """Read it once to see that it is text to its end; how many lines end outside of quotes."""
        n_lines, inside, last = 0, False, "\n"
        for chunk in self._decoded():
            for part in chunk.split(quote) if quote else (chunk,):
                n_lines += 0 if inside else part.count("\n")
                inside = not inside
            inside = not inside  # split gives one part more than there are quotes
            last = chunk[-1:] or last
        return n_lines + (last != "\n")

    def first_bytes(self, n_bytes: int = 64) -> bytes:
        """What the file begins with, unpacked."""
        with self._open() as binary:
            return binary.read(n_bytes)

    def _decoded(self) -> Iterator[str]:
        with self._open() as binary:
            encoding = self._encoding(binary)
            decoder = codecs.getincrementaldecoder(encoding)("strict")
            offset, n_newlines = 0, 0
            while True:
                chunk = binary.read(_CHUNK_BYTES)
                held = decoder.getstate()[0]  # bytes of a character that is not whole yet
                try:
                    text = decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError as error:
                    at = offset - len(held) + error.start
                    before = error.object[: error.start].decode(encoding, "ignore").count("\n")
                    raise self._undecodable(error, at, n_newlines + before + 1) from error
                yield text
                if not chunk:
                    return
                offset += len(chunk)
                n_newlines += text.count("\n")

    def _undecodable(self, error: UnicodeDecodeError, at: int, line: int) -> FeedFormatError:
        byte = error.object[error.start] if error.start < len(error.object) else 0
        if not error.encoding.startswith("utf-8"):
            return FeedFormatError(
                f"{self.path}: byte {at:,} (in line {line:,}) is no {error.encoding.upper()}, "
                f"although the file begins as such; export it again as UTF-8"
            )
        return FeedFormatError(
            f"{self.path}: byte {at:,} (in line {line:,}) is 0x{byte:02X}, which is not UTF-8; "
            f"convert the file: iconv -f WINDOWS-1252 -t UTF-8 {self.path.name} > converted.csv"
        )

    def _encoding(self, binary: IO[bytes]) -> str:
        """By the byte order mark; the file is at its start again afterwards."""
        head = binary.read(64)
        binary.seek(0)
        for magic, meaning in _NOT_TEXT.items():
            if head.startswith(magic):
                raise FeedFormatError(f"{self.path}: this is {meaning}")
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return encoding
        if b"\x00" in head[:4] and head.strip(b"\x00"):
            raise FeedFormatError(
                f"{self.path}: the file begins with {head[:8]!r}: it is binary, or UTF-16 without "
                f"a byte order mark; for the latter: iconv -f UTF-16LE -t UTF-8"
            )
        return "utf-8"

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        try:
            with self.path.open("rb") as raw:
                packed = raw.read(2) == _GZIP
                raw.seek(0)
                if not packed:
                    yield raw
                    return
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield unpacked  # type: ignore[misc]  # it is a binary file in all but name
        except FileNotFoundError as error:
            raise CatalogError(f"{self.path}: there is no such feed; check the path") from error
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FeedFormatError(
                f"{self.path}: the gzip file is damaged or cut short ({error}); make it again"
            ) from error
        except OSError as error:
            raise CatalogError(
                f"{self.path}: the feed cannot be read ({error}); check that it is a file that "
                f"may be read"
            ) from error
