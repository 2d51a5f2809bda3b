"""Of how many parts a picture file is made, counted before any decoder looks at it.

Limits on bytes and pixels do not bound the time of a decoder. A progressive JPEG is decoded whole
once per scan, and a scan that changes nothing has a hundred bytes; Pillow reads segments, chunks
and comments one by one, and joins some of them to all that came before.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

from shopsearch.errors import PictureRejected

MAX_JPEG_SEGMENTS = 1_000  # 20 MB of metadata, in the 64 KB that a segment holds, are 305
MAX_JPEG_SCANS = 64  # encoders make 1, 3 or some 10
MAX_JPEG_SCANNED_PIXELS = 1_000_000_000  # pixels times scans: about a second of work
MAX_PNG_CHUNKS = 10_000  # encoders put 8 KB or more into each
MAX_GIF_BLOCKS = 4_000  # of comments and other extensions, 255 bytes each, before the picture

_JPEG_NEXT = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])", re.DOTALL)  # no stuffing, restart, filling
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9), 0xFF})  # markers without a segment, and filling
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def check_parts(kind: str, encoded: bytes) -> None:
    """Raises `PictureRejected` for a file of more parts than pictures have; any other fault is for
    its decoder to find.
    """
    if check := _CHECKS.get(kind):
        check(encoded)


def check_scans(encoded: bytes, n_pixels: int) -> int:
    """The number of scans of a JPEG. Raises `PictureRejected` where they paint too many pixels."""
    n_scans = sum(marker == _START_OF_SCAN for marker in _jpeg_markers(encoded))
    if n_scans > MAX_JPEG_SCANS or n_scans * n_pixels > MAX_JPEG_SCANNED_PIXELS:
        raise PictureRejected(
            f"the JPEG picture of {n_pixels:,} pixels is painted in {n_scans} scans, which takes "
            f"too long; save it as a baseline JPEG"
        )
    return n_scans


def _check_jpeg(encoded: bytes) -> None:
    n_segments = len(_jpeg_markers(encoded))
    _check_number("JPEG", "segments", n_segments, MAX_JPEG_SEGMENTS)


def _jpeg_markers(encoded: bytes) -> list[int]:
    """The markers up to the end of the image, at most one more than the limit (T.81, B.1)."""
    markers: list[int] = []
    at = 2
    while at + 1 < len(encoded) and len(markers) <= MAX_JPEG_SEGMENTS:
        if encoded[at] != 0xFF:  # its decoder looks for the next one too
            at = _next_marker(encoded, at)
            continue
        markers.append(marker := encoded[at + 1])
        if marker == _END_OF_IMAGE:
            break
        if marker in _ALONE:
            at += 1 if marker == 0xFF else 2
            continue
        at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            at = _next_marker(encoded, at)
    return markers


def _next_marker(encoded: bytes, at: int) -> int:
    found = _JPEG_NEXT.search(encoded, at)
    return found.start() if found else len(encoded)


def _check_png(encoded: bytes) -> None:
    """Chunks are counted, and colour profiles: each one unpacks to a megabyte (PNG, 11.3.2.3)."""
    at, n_chunks, n_profiles = 8, 0, 0
    while at + 8 <= len(encoded) and n_chunks <= MAX_PNG_CHUNKS:
        n_chunks += 1
        n_profiles += encoded[at + 4 : at + 8] == b"iCCP"
        at += 12 + int.from_bytes(encoded[at : at + 4], "big")
    _check_number("PNG", "chunks", n_chunks, MAX_PNG_CHUNKS)
    if n_profiles > 1:
        raise PictureRejected("the PNG picture has several colour profiles; export it again")


def gif_reach(encoded: bytes) -> tuple[int, int]:
    """The size of a GIF with its first frame, which may reach beyond the screen (GIF89a, 18, 20).

    Behind the end of the file everything is 0.
    """
    at, _ = _gif_first_frame(encoded)
    screen, frame = encoded[6:10].ljust(4, b"\0"), encoded[at + 1 : at + 9].ljust(8, b"\0")
    left, top, width, height = struct.unpack("<4H", frame)
    screen_width, screen_height = struct.unpack("<2H", screen)
    return max(screen_width, left + width), max(screen_height, top + height)


def _check_gif(encoded: bytes) -> None:
    """Blocks before the first frame; those of the frame are read by quick code (GIF89a, 15-26)."""
    _, n_blocks = _gif_first_frame(encoded)
    _check_number("GIF", "blocks before its first frame", n_blocks, MAX_GIF_BLOCKS)


def _gif_first_frame(encoded: bytes) -> tuple[int, int]:
    """Where it begins, and how many blocks are before it, at most one more than the limit."""
    at, n_blocks = 13 + _gif_palette_bytes(encoded[10:11]), 0
    while at < len(encoded) and n_blocks <= MAX_GIF_BLOCKS:
        n_blocks += 1
        if encoded[at] in (_IMAGE, _TRAILER):
            break
        if encoded[at] != _EXTENSION:  # its decoder steps over what it does not know
            at += 1
            continue
        at += 2
        while at < len(encoded) and n_blocks <= MAX_GIF_BLOCKS and encoded[at]:
            at += 1 + encoded[at]
            n_blocks += 1
        at += 1
    return at, n_blocks


def _gif_palette_bytes(packed: bytes) -> int:
    return 3 * 2 ** ((packed[0] & 7) + 1) if packed and packed[0] & 0x80 else 0


def _check_number(kind: str, parts: str, n: int, limit: int) -> None:
    if n > limit:
        raise PictureRejected(
            f"the {kind} picture has more than {limit:,} {parts}, which no picture needs; "
            f"export it again"
        )


_CHECKS: Mapping[str, Callable[[bytes], None]] = {
    "JPEG": _check_jpeg,
    "PNG": _check_png,
    "GIF": _check_gif,
}
