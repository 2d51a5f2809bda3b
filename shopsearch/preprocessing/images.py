"""Encoded pictures from outside -> upright RGB on white, at most 512 px. They are hostile.

Only five formats are understood, whatever a file's name says. The reader is taken by the first
bytes and called directly: Pillow's own `Image.open` would try dozens of formats, and stops at its
own pixel limit before the size can be told.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from shopsearch.domain import Region
from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.exif import orientation

try:
    from PIL import AvifImagePlugin
except ImportError:  # Pillow before 11.2, or built without libavif
    AvifImagePlugin = None  # type: ignore[assignment]

WORKING_LONGEST_SIDE_PX = 512
WORKING_JPEG_QUALITY = 92
PICTURE_VERSION = "1"  # grows when the same bytes come to other pixels

FORMATS = ("JPEG", "PNG", "WebP", "GIF") + (("AVIF",) if AvifImagePlugin else ())

_Reader = Callable[[io.BytesIO], ImageFile.ImageFile]

# What Pillow's readers raise on bytes that are not as the format says.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG whose EXIF Pillow leaves alone: it warns of each camera that wrote it badly."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


def decode(encoded: bytes, *, max_pixels: int, region: Region | None = None) -> Image.Image:
    """The picture upright, RGB, on white, longest side at most 512 px. Raises `PictureRejected`.

    Of a `region` that is all there is: it is cut out before anything is scaled down.
    """
    if not encoded:
        raise PictureRejected("the picture is empty (0 bytes): export it again")
    name, reader = _reader_for(encoded)
    if name == "WebP":
        _check_size(_webp_size(encoded), max_pixels)  # its reader allocates before it tells
    try:
        with reader(io.BytesIO(encoded)) as picture:
            _check_size(picture.size, max_pixels)
            turn = _UPRIGHT.get(orientation(_exif_of(picture)))
            part = 1.0 if region is None else max(region.width, region.height)
            # big JPEGs: decodes a fraction
            picture.draft("RGB", _working_size(picture.size, WORKING_LONGEST_SIDE_PX / part))
            picture.load()
            whole = _rgb_on_white(picture)
            if region is not None:
                upright = whole if turn is None else whole.transpose(turn)
                return _shrunk(_cut_out(upright, region))
            upright = _shrunk(whole)
    except _BROKEN as error:
        raise PictureRejected(
            f"the {name} picture cannot be decoded ({_reason(error)}): "
            f"it is damaged or cut short; export it again"
        ) from error
    return upright if turn is None else upright.transpose(turn)


def working_copy(encoded: bytes, *, max_pixels: int, region: Region | None = None) -> bytes:
    """The checked picture as a JPEG without metadata, which is all that is kept of it."""
    picture, copy = decode(encoded, max_pixels=max_pixels, region=region), io.BytesIO()
    picture.info.clear()  # Pillow would write a comment that it read
    picture.save(copy, "JPEG", quality=WORKING_JPEG_QUALITY)
    return copy.getvalue()


def is_of_known_format(encoded: bytes) -> bool:
    """Whether the first bytes are those of a picture that is understood; nothing is decoded."""
    try:
        _reader_for(encoded)
    except PictureRejected:
        return False
    return True


def _reader_for(encoded: bytes) -> tuple[str, _Reader]:
    if encoded.startswith(b"\xff\xd8\xff"):
        return "JPEG", _Jpeg
    if encoded.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", PngImagePlugin.PngImageFile
    if encoded.startswith((b"GIF87a", b"GIF89a")):
        return "GIF", GifImagePlugin.GifImageFile
    if encoded.startswith(b"RIFF") and encoded[8:12] == b"WEBP":
        return "WebP", WebPImagePlugin.WebPImageFile
    if encoded[4:12] in (b"ftypavif", b"ftypavis") and AvifImagePlugin is not None:
        return "AVIF", AvifImagePlugin.AvifImageFile
    raise PictureRejected(
        f"the file is no picture of a known format (it begins with {encoded[:12]!r}); "
        f"give one of {', '.join(FORMATS)}"
    )


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PictureRejected(
            f"the picture is {width:,} x {height:,} pixels, more than the limit of "
            f"{max_pixels:,} pixels; scale it down, or raise the limit (max_image_pixels)"
        )


def _webp_size(encoded: bytes) -> tuple[int, int]:
    """Width and height from the header (RFC 9649, sections 2.5 to 2.7); (0, 0) if there is none."""
    kind, head = encoded[12:16], encoded[16:30].ljust(14, b"\x00")
    if kind == b"VP8X":
        return int.from_bytes(head[8:11], "little") + 1, int.from_bytes(head[11:14], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[5:9], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 10)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _exif_of(picture: ImageFile.ImageFile) -> bytes:
    exif = picture.info.get("exif", b"")
    return exif if isinstance(exif, bytes) else b""


def _cut_out(upright: Image.Image, region: Region) -> Image.Image:
    """The region, at least a pixel of it; what reaches beyond the picture is left out."""
    width, height = upright.size
    left, top = int(region.x * width), int(region.y * height)
    right = min(width, max(left + 1, round((region.x + region.width) * width)))
    bottom = min(height, max(top + 1, round((region.y + region.height) * height)))
    return upright.crop((left, top, right, bottom))


def _working_size(
    size: tuple[int, int], longest_side_px: float = WORKING_LONGEST_SIDE_PX
) -> tuple[int, int]:
    scale = min(1.0, longest_side_px / max(1, *size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrunk(picture: Image.Image) -> Image.Image:
    size = _working_size(picture.size)
    if size == picture.size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _rgb_on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow would cut them off at 255
        levels = np.asarray(picture).astype(np.int64) >> 8
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    glass = picture.convert("RGBA")
    white = Image.new("RGB", glass.size, "white")
    white.paste(glass, mask=glass.getchannel("A"))
    return white


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def load_working_copy(jpeg: bytes) -> Image.Image:
    """A working copy, decoded: it was checked when it was made. Raises what Pillow raises."""
    with _Jpeg(io.BytesIO(jpeg)) as picture:
        picture.load()
        return picture.convert("RGB")


def working_copy_size(path: Path) -> tuple[int, int]:
    """Width and height of a working copy, from its header. Raises what Pillow raises."""
    with _Jpeg(path) as picture:
        width, height = picture.size
        return width, height
