"""Text files from outside, line by line: byte order marks, wrong encodings, endless lines."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from shopsearch.catalog.source import FeedSource
from shopsearch.errors import FeedFormatError

MAX_LINE_CHARS = 1_000_000
_CHUNK_BYTES = 1 << 18
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive or an Excel file; unpack it, or save it as `CSV UTF-8`",
    b"PAR1": "a Parquet file; read it with --format parquet, or let its name end with .parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel file; save it as `CSV UTF-8`",
    b"%PDF": "a PDF; export the products as CSV or JSON lines",
    b"<?xml": "an XML feed; read it with --format google-xml, or let its name end with .xml",
    b"<rss": "an RSS feed; read it with --format google-xml, or let its name end with .xml",
    b"<feed": "an Atom feed; read it with --format google-xml, or let its name end with .xml",
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

    def __init__(self, source: FeedSource) -> None:
        self.source = source
        self._name = source.name

    def lines(self) -> Iterator[Line]:
        """The lines; ends are newlines, carriage returns, or both."""
        with self.source.open() as binary:
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

    def _decoded(self) -> Iterator[str]:
        with self.source.open() as binary:
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
                f"{self._name}: byte {at:,} (in line {line:,}) is no {error.encoding.upper()}, "
                f"although the file begins as such; export it again as UTF-8"
            )
        return FeedFormatError(
            f"{self._name}: byte {at:,} (in line {line:,}) is 0x{byte:02X}, which is not UTF-8; "
            f"convert the file: iconv -f WINDOWS-1252 -t UTF-8 {self.source.path.name} > new.csv"
        )

    def _encoding(self, binary: IO[bytes]) -> str:
        """By the byte order mark; the file is at its start again afterwards."""
        head = binary.read(64)
        binary.seek(0)
        for magic, meaning in _NOT_TEXT.items():
            if head.startswith(magic):
                raise FeedFormatError(f"{self._name}: this is {meaning}")
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return encoding
        if b"\x00" in head[:4] and head.strip(b"\x00"):
            raise FeedFormatError(
                f"{self._name}: the file begins with {head[:8]!r}: it is binary, or UTF-16 without "
                f"a byte order mark; for the latter: iconv -f UTF-16LE -t UTF-8"
            )
        return "utf-8"
