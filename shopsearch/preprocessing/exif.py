"""Which way up a picture was taken: the one thing that is read from its metadata.

Pillow can read all of EXIF, but warns on standard error when a camera wrote it badly; a catalog of
phone pictures holds many such. The layout is that of TIFF 6.0, section 2, and EXIF 2.32, 4.6.4.
"""

from __future__ import annotations

import struct

_ORIENTATION_TAG = 0x0112
_SHORT = 3  # TIFF type: 16 bits, unsigned
_EXIF = b"Exif\x00\x00"


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
