"""Pictures that nobody takes by accident: bombs, lies, and files of far too many parts."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image

SIDE_PX = 7_071  # squared just below the default limit of 50 million pixels


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def small(kind: str, **options: object) -> bytes:
    """A valid picture of a format."""
    return encoded(Image.new("RGB", (24, 16), (200, 40, 30)), kind, **options)


def jpeg_segment(marker: int, content: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg_with(parts: bytes) -> bytes:
    """A JPEG with more behind its first two bytes."""
    picture = small("JPEG")
    return picture[:2] + parts + picture[2:]


def jpeg_of_scans(side_px: int, n_more: int) -> bytes:
    """A progressive JPEG whose last scan, which changes nothing, is repeated."""
    picture = Image.new("RGB", (side_px, side_px), (120, 30, 200))
    whole = encoded(picture, "JPEG", progressive=True, subsampling=0, quality=50)
    last = min(whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xc4"))
    return whole[:-2] + whole[last:-2] * n_more + b"\xff\xd9"


def png_chunk(kind: bytes, content: bytes = b"") -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png_with(chunks: bytes) -> bytes:
    """A PNG with more behind its header."""
    picture = small("PNG")
    return picture[:33] + chunks + picture[33:]


def png_of(side_px: int, *, colour: int, depth: int, bytes_a_pixel: int) -> bytes:
    """A black PNG whose rows take the most time to undo (filter 4)."""
    header = struct.pack(">IIBBBBB", side_px, side_px, depth, colour, 0, 0, 0)
    rows = zlib.compress((b"\x04" + bytes(side_px * bytes_a_pixel)) * side_px, 1)
    body = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND")
    return b"\x89PNG\r\n\x1a\n" + body


def png_claiming(width: int, height: int) -> bytes:
    """A few bytes that claim to be a picture of that size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT")


def gif_with(blocks: bytes) -> bytes:
    """A GIF with more before its first frame."""
    picture = small("GIF")
    start = 13 + 3 * 2 ** ((picture[10] & 7) + 1)
    return picture[:start] + blocks + picture[start:]


def gif_of_frames(n_frames: int) -> bytes:
    """A GIF of many frames, all of them small."""
    picture = small("GIF")
    start = 13 + 3 * 2 ** ((picture[10] & 7) + 1)
    return picture[:-1] + picture[start:-1] * (n_frames - 1) + picture[-1:]


def gif_frame_claiming(width: int, height: int) -> bytes:
    """A GIF whose frame is larger than its screen."""
    picture = bytearray(small("GIF"))
    frame = picture.index(b",", 13 + 3 * 2 ** ((picture[10] & 7) + 1))
    picture[frame + 5 : frame + 9] = struct.pack("<HH", width, height)
    return bytes(picture)


def webp_of_frames(side_px: int, n_frames: int) -> bytes:
    """A moving WebP: many small frames on a canvas."""
    frame = small("WebP", lossless=True)[12:]
    told = _u24(0) + _u24(0) + _u24(23) + _u24(15) + _u24(10) + b"\x00" + frame
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([0x12, 0, 0, 0]) + _u24(side_px - 1) * 2
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    body += (b"ANMF" + struct.pack("<I", len(told)) + told) * n_frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_without_size() -> bytes:
    """A WebP whose first chunk is unknown, so that its header tells no size."""
    body = b"WEBPXXXX" + bytes(4) + webp_of_frames(16_000, 1)[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_that_lies(side_px: int) -> bytes:
    """An AVIF that is coded in one size and labelled with another."""
    picture = encoded(Image.new("L", (side_px, side_px)), "AVIF", speed=10, quality=1)
    label = picture.index(b"ispe") + 8
    return picture[:label] + struct.pack(">II", 24, 16) + picture[label + 8 :]


def avif_with_extents(n_extents: int) -> bytes:
    """An AVIF one of whose items lies in the whole file, over and over."""
    located = struct.pack(">IHHHHHH", 0, 0x4400, 1, 1, 0, 0, n_extents)[0:]
    located += struct.pack(">II", 0, 1_000_000) * n_extents
    coded = struct.pack(">IHHH", 2 << 24, 1, 0, 0) + b"av01\x00"
    listed = _box(b"iinf", struct.pack(">IH", 0, 1) + _box(b"infe", coded[:4] + coded[4:]))
    meta = _box(b"meta", bytes(4) + listed + _box(b"iloc", located))
    return _box(b"ftyp", b"avif" + bytes(4)) + meta + _box(b"mdat", bytes(1_000_000))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + kind + content


def _u24(number: int) -> bytes:
    return struct.pack("<I", number)[:3]
