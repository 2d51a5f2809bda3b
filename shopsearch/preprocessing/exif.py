"""Which way up a picture was taken: the one thing that is read from its metadata.

Pillow can read all of EXIF, but warns on standard error when a camera wrote it badly; a catalog of
phone pictures holds many such. The layout is that of TIFF 6.0, section 2, and EXIF 2.32, 4.6.4.
"""

from __future__ import annotations

import struct

_ORIENTATION_TAG = 0x0112
_SHORT = 3  # TIFF type: 16 bits, unsigned
_START_OF_SCAN = 0xDA
_APP1 = 0xE1
_EXIF = b"Exif\x00\x00"


def split_exif(jpeg: bytes) -> tuple[bytes, bytes]:
    """A JPEG without its EXIF segments, and the first of them (b"" where it has none)."""
    kept, exif, start, position = [], b"", 0, 2
    while position + 4 <= len(jpeg) and jpeg[position] == 0xFF:
        marker = jpeg[position + 1]
        if marker == 0xFF:  # a fill byte before the marker
            position += 1
            continue
        if marker == _START_OF_SCAN:
            break
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        payload = jpeg[position + 4 : end]
        if marker == _APP1 and payload.startswith(_EXIF):
            exif = exif or payload
            kept.append(jpeg[start:position])
            start = end
        position = end
    return (b"".join(kept) + jpeg[start:], exif) if kept else (jpeg, exif)


def orientation(exif: bytes) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where it is missing or makes no sense."""
    tiff = exif.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (n_entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for n in range(n_entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * n)
            if tag == _ORIENTATION_TAG:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # it ends before it should
        return 1
    return 1
