"""Encoded pictures from outside -> upright RGB on white, at most 512 px. They are hostile.

Only five formats are understood, whatever a file's name says. The reader is taken by the first
bytes and called directly: Pillow's own `Image.open` would try dozens of formats, and stops at its
own pixel limit before the size can be told. Before that, `containers` and `avif_frames` look at
what a file is made of: it bounds the time that decoding takes.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from shopsearch.domain import Region
from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.avif_frames import coded_pixels
from shopsearch.preprocessing.containers import check_parts, check_scans, gif_reach
from shopsearch.preprocessing.exif import orientation
from shopsearch.preprocessing.room import DecodingRoom

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
    Image.DecompressionBombWarning,  # where warnings are errors
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


def decode(
    encoded: bytes,
    *,
    max_pixels: int,
    room: DecodingRoom | None = None,
    region: Region | None = None,
) -> Image.Image:
    """The picture upright, RGB, on white, longest side at most 512 px. Raises `PictureRejected`.

    With a `room`, it waits until there is some. Of a `region` that is all there is: it is cut out
    before anything is scaled down.
    """
    if not encoded:
        raise PictureRejected("the picture is empty (0 bytes): export it again")
    name, reader = _reader_for(encoded)
    room = room or DecodingRoom(max_pixels)
    try:
        check_parts(name, encoded)
        with ExitStack() as held:
            n_claimed = _pixels_when_opened(name, encoded, max_pixels)
            held.enter_context(room.taken(n_claimed))
            picture = held.enter_context(reader(io.BytesIO(encoded)))
            _check_size(picture.size, max_pixels)
            turn = _UPRIGHT.get(orientation(_exif_of(picture)))
            n_pixels = _pixels_when_loaded(name, encoded, picture, region)
            held.enter_context(room.taken(max(0, n_pixels - n_claimed)))
            picture.load()
            upright = _upright(_rgb_on_white(picture), turn, region)
    except _BROKEN as error:
        raise PictureRejected(
            f"the {name} picture cannot be decoded ({_reason(error)}): "
            f"it is damaged or cut short; export it again"
        ) from error
    return upright


def _upright(
    whole: Image.Image, turn: Image.Transpose | None, region: Region | None
) -> Image.Image:
    if region is None:
        whole = _shrunk(whole)  # first, as there is less to turn then
    upright = whole if turn is None else whole.transpose(turn)
    return upright if region is None else _shrunk(_cut_out(upright, region))


def _pixels_when_opened(name: str, encoded: bytes, max_pixels: int) -> int:
    """The pixels that a reader makes room for before it tells the size; checked, as it does not."""
    if name == "WebP":
        width, height = _webp_size(encoded)
        _check_size((width, height), max_pixels)
        return width * height
    if name == "GIF":
        _check_size(gif_reach(encoded), max_pixels)  # Pillow would warn on standard error
    if name == "AVIF":
        n_pixels = coded_pixels(encoded)
        if n_pixels > 2 * max_pixels:  # colours, and as many pixels of transparency
            raise PictureRejected(
                f"the AVIF picture has {n_pixels:,} coded pixels, more than twice the limit of "
                f"{max_pixels:,} pixels; scale it down, or raise the limit (max_image_pixels)"
            )
        return n_pixels
    return 0


def _pixels_when_loaded(
    name: str, encoded: bytes, picture: ImageFile.ImageFile, region: Region | None
) -> int:
    """The pixels that loading makes room for, once it is told what size will do.

    A JPEG of one scan is decoded to a fraction; of one of more scans the whole is in memory.
    """
    width, height = picture.size
    n_scans = check_scans(encoded, width * height) if name == "JPEG" else 0
    part = 1.0 if region is None else max(region.width, region.height)
    picture.draft("RGB", _working_size(picture.size, WORKING_LONGEST_SIDE_PX / part))
    return width * height if n_scans != 1 else picture.width * picture.height


def working_copy(
    encoded: bytes,
    *,
    max_pixels: int,
    room: DecodingRoom | None = None,
    region: Region | None = None,
) -> bytes:
    """The checked picture as a JPEG without metadata, which is all that is kept of it."""
    picture = decode(encoded, max_pixels=max_pixels, room=room, region=region)
    copy = io.BytesIO()
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
    """Width and height from the header (RFC 9649, sections 2.5 to 2.7)."""
    kind, head = encoded[12:16], encoded[16:30].ljust(14, b"\x00")
    if kind == b"VP8X":
        return int.from_bytes(head[8:11], "little") + 1, int.from_bytes(head[11:14], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[5:9], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 10)
        return width & 0x3FFF, height & 0x3FFF
    raise PictureRejected(
        f"the WebP picture begins with {kind!r}, which tells no size; export it again"
    )


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
        return picture.copy()
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _rgb_on_white(picture: Image.Image) -> Image.Image:
    """No more copies than must be: a large picture has hundreds of megabytes."""
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow would cut them off at 255
        levels = np.asarray(picture) >> 8
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    glass = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    white = Image.new("RGB", glass.size, "white")
    white.paste(glass, mask=glass)
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
