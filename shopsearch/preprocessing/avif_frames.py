"""How many pixels an AVIF makes its decoder paint, read from what is coded, not from its label.

libavif decodes a frame of up to 268 million pixels whatever size the container names, and any
number of frames that are never shown. So the boxes are walked to the coded items (ISO/IEC 14496-12,
8.11; AV1 Image File Format 1.1), and those to their sequence headers (AV1 specification, 5.5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from shopsearch.errors import PictureRejected

MAX_BOXES = 2_000  # in one box
MAX_LIST_BYTES = 32_768  # of a list of items: libavif looks for each of them among all others
MAX_EXTENTS = 2_000
MAX_UNITS = 2_000  # open bitstream units: of a picture, a header and its tiles

_SEQUENCE_HEADER, _FRAME_HEADER, _FRAME = 1, 3, 6
_IN_FILE, _IN_IDAT = 0, 1  # where the bytes of an item are

Box = tuple[bytes, bytes]  # kind, content
Extent = tuple[int, int]  # offset, length


def coded_pixels(encoded: bytes) -> int:
    """The pixels of all coded frames, of colours and transparency alike; more rather than fewer.

    Raises `PictureRejected` for moving pictures and other forms that are not followed here, and
    what reading beyond the end raises: `struct.error`, `IndexError`.
    """
    boxes = list(_boxes(encoded))
    if any(kind == b"moov" for kind, _ in boxes):
        raise PictureRejected("the AVIF picture moves; save one frame of it as a picture")
    items: list[bytes] = []
    for kind, content in boxes:
        if kind == b"meta":
            children = list(_boxes(content[4:]))
            _check_lists(children)
            items += _coded_items(children, encoded)
    if not items:
        raise PictureRejected("the AVIF file holds no coded picture; export it again")
    return sum(_pixels_of_item(item) for item in items)


def _boxes(content: bytes) -> Iterator[Box]:
    at = 0
    for _ in range(MAX_BOXES):
        if at + 8 > len(content):
            return
        size, head = int.from_bytes(content[at : at + 4], "big"), 8
        kind = content[at + 4 : at + 8]
        if size == 1:
            (size,), head = struct.unpack_from(">Q", content, at + 8), 16
        elif size == 0:
            size = len(content) - at
        if size < head:
            raise PictureRejected("the AVIF file is damaged (a box without size); export it again")
        yield kind, content[at + head : at + size]
        at += size
    raise PictureRejected(f"the AVIF file has more than {MAX_BOXES:,} boxes; export it again")


def _check_lists(meta: list[Box]) -> None:
    for kind, content in meta:
        if kind == b"iprp":
            _check_properties(list(_boxes(content)))
        elif kind != b"idat" and len(content) > MAX_LIST_BYTES:
            raise _too_many(f"{kind!r} has {len(content):,} bytes")


def _check_properties(iprp: list[Box]) -> None:
    for kind, content in iprp:
        if kind == b"ipco":
            list(_boxes(content))
        elif len(content) > MAX_LIST_BYTES:
            raise _too_many(f"{kind!r} has {len(content):,} bytes")


def _too_many(what: str) -> PictureRejected:
    return PictureRejected(
        f"the AVIF file has more parts than pictures have ({what}): save it anew"
    )


def _coded_items(meta: list[Box], encoded: bytes) -> Iterator[bytes]:
    coded = {number for kind, content in meta if kind == b"iinf" for number in _coded_ids(content)}
    idat = b"".join(content for kind, content in meta if kind == b"idat")
    n_left = 2 * len(encoded)  # items that lie over each other would be copied over and over
    for number, place, extents in _all_located(meta):
        source = {_IN_FILE: encoded, _IN_IDAT: idat}[place]
        n_left -= sum(length or len(source) for _, length in extents)
        if n_left < 0:
            raise _too_many("its items overlap")
        if number in coded:
            yield b"".join(source[a : a + n] if n else source[a:] for a, n in extents)


def _all_located(meta: list[Box]) -> Iterator[tuple[int, int, list[Extent]]]:
    n_extents = 0
    for kind, content in meta:
        for located in _located(content) if kind == b"iloc" else ():
            n_extents += 1 + len(located[2])
            if n_extents > MAX_EXTENTS:
                raise _too_many(f"more than {MAX_EXTENTS:,} extents")
            yield located


def _coded_ids(iinf: bytes) -> Iterator[int]:
    """The numbers of the items that are AV1."""
    head = 6 if iinf[0] == 0 else 8
    for kind, entry in _boxes(iinf[head:]):
        if kind == b"infe" and entry[0] >= 2:
            number, rest = (entry[4:6], entry[8:]) if entry[0] == 2 else (entry[4:8], entry[10:])
            if rest[:4] == b"av01":
                yield int.from_bytes(number, "big")


def _located(iloc: bytes) -> Iterator[tuple[int, int, list[Extent]]]:
    """Number, place and extents of each item; an extent without length goes to the end."""
    version, sizes = iloc[0], int.from_bytes(iloc[4:6], "big")
    n_offset, n_length, n_base, n_index = (sizes >> shift & 0xF for shift in (12, 8, 4, 0))
    n_number = 2 if version < 2 else 4
    cursor = _Cursor(iloc, 6)
    for _ in range(cursor.take(n_number)):
        number = cursor.take(n_number)
        place = cursor.take(2) & 0xF if version else _IN_FILE
        cursor.take(2)
        base = cursor.take(n_base)
        extents = []
        for _ in range(cursor.take(2)):
            cursor.take(n_index if version else 0)
            extents.append((base + cursor.take(n_offset), cursor.take(n_length)))
        yield number, place, extents


class _Cursor:
    """Takes numbers one after the other. Raises `IndexError` behind the end."""

    def __init__(self, content: bytes, at: int) -> None:
        self._content = content
        self._at = at

    def take(self, n_bytes: int) -> int:
        self._at += n_bytes
        if self._at > len(self._content):
            raise IndexError("the boxes end too early")
        return int.from_bytes(self._content[self._at - n_bytes : self._at], "big")


def _pixels_of_item(item: bytes) -> int:
    largest = n_frames = 0
    for kind, content in _units(item):
        if kind == _SEQUENCE_HEADER:
            largest = max(largest, _largest_frame(content))
        n_frames += kind in (_FRAME_HEADER, _FRAME)
    return largest * max(n_frames, 1)


def _units(item: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each open bitstream unit (5.3)."""
    at = 0
    for _ in range(MAX_UNITS):
        if at >= len(item):
            return
        header = item[at]
        at += 2 if header & 4 else 1
        size = len(item) - at
        if header & 2:
            size, at = _leb128(item, at)
        yield header >> 3 & 0xF, item[at : at + size]
        at += size
    raise PictureRejected(f"the AVIF picture has more than {MAX_UNITS:,} units; export it again")


def _leb128(item: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n in range(8):
        value |= (item[at + n] & 0x7F) << 7 * n
        if not item[at + n] & 0x80:
            return value, at + n + 1
    raise PictureRejected("the AVIF picture is damaged (a unit without size); export it again")


def _largest_frame(sequence_header: bytes) -> int:
    """The pixels of the largest frame that may follow (5.5.1).

    A reduced header names the size of its only frame. Otherwise frames may override it, within the
    bits that the header gives their sizes.
    """
    bits = _Bits(sequence_header)
    bits.take(4)  # profile, and whether it is still
    if is_reduced := bool(bits.take(1)):
        bits.take(5)
    else:
        _pass_operating_points(bits)
    n_width, n_height = bits.take(4) + 1, bits.take(4) + 1
    width, height = bits.take(n_width) + 1, bits.take(n_height) + 1
    return width * height if is_reduced else 2 ** (n_width + n_height)


def _pass_operating_points(bits: _Bits) -> None:
    if bits.take(1):
        raise PictureRejected("the AVIF picture has the timing of a film; export it again")
    has_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if has_delay and bits.take(1):
            bits.take(4)


class _Bits:
    """Takes bits one after the other, highest first; behind the end there are none."""

    def __init__(self, content: bytes) -> None:
        self._number = int.from_bytes(content[:64].ljust(64, b"\x00"), "big")
        self._left = 64 * 8

    def take(self, n: int) -> int:
        self._left -= n
        return self._number >> self._left & ((1 << n) - 1)
