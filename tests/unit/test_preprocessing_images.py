"""Pictures from outside: what is understood, and what is refused."""

from __future__ import annotations

import io
import random
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.exif import orientation
from shopsearch.preprocessing.images import FORMATS, decode, working_copy

MAX_PIXELS = 50_000_000
RED, BLUE, WHITE = (220, 20, 30), (20, 40, 210), (255, 255, 255)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def two_colours(width: int = 64, height: int = 32) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture


def seen(content: bytes, at: tuple[float, float]) -> tuple[int, ...]:
    picture = decode(content, max_pixels=MAX_PIXELS)
    assert picture.mode == "RGB"
    return picture.getpixel((int(at[0] * picture.width), int(at[1] * picture.height)))


def close(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 16) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_shows_the_same_colours(kind: str) -> None:
    content = encoded(two_colours(), kind)

    assert close(seen(content, (0.2, 0.5)), RED)
    assert close(seen(content, (0.8, 0.5)), BLUE)


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_picture_is_turned_upright_as_its_exif_says(tag: int) -> None:
    upright = two_colours(60, 40)
    upright.paste((20, 160, 60), (0, 20, 20, 40))  # green at the lower left: no two sides alike
    turned_back = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[tag]
    as_taken = upright
    for turn in turned_back:
        as_taken = as_taken.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = tag

    for kind in ("JPEG", "PNG", "WebP"):
        picture = decode(encoded(as_taken, kind, exif=exif), max_pixels=MAX_PIXELS)

        assert picture.size == upright.size
        difference = np.abs(np.asarray(picture, int) - np.asarray(upright, int))
        assert difference.mean() < 8


@pytest.mark.parametrize(
    "rubbish", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x05\0", b"xx"]
)
def test_exif_without_sense_means_upright(rubbish: bytes) -> None:
    assert orientation(b"Exif\0\0" + rubbish) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_orientation_is_read_in_both_byte_orders(order: str) -> None:
    start = b"II*\0" if order == "<" else b"MM\0*"
    tiff = start + struct.pack(f"{order}IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)

    assert orientation(tiff) == 6


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_what_is_transparent_becomes_white(mode: str) -> None:
    glass = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    glass.paste((30, 30, 30, 255), (0, 0, 20, 40))
    if mode == "P":
        palette = Image.new("P", (40, 40), 0)
        palette.putpalette([0, 0, 0, 30, 30, 30])
        palette.paste(1, (0, 0, 20, 40))
        contents = [encoded(palette, kind, transparency=0) for kind in ("PNG", "GIF")]
    elif mode == "PA":
        contents = [encoded(glass.quantize(8), "PNG")]
    else:
        contents = [encoded(glass.convert(mode), "PNG"), encoded(glass, "WebP", lossless=True)]

    for content in contents:
        assert close(seen(content, (0.9, 0.5)), WHITE, 3)
        assert close(seen(content, (0.1, 0.5)), (30, 30, 30), 8)


def test_cmyk_becomes_rgb() -> None:
    content = encoded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG")

    red, green, blue = seen(content, (0.5, 0.5))

    assert red > 200
    assert max(green, blue) < 60


def test_sixteen_bits_keep_their_shades() -> None:
    grey = Image.new("I;16", (20, 20), 0x4000)

    assert close(seen(encoded(grey, "PNG"), (0.5, 0.5)), (64, 64, 64), 2)


@pytest.mark.parametrize("kind", ["GIF", "WebP", "PNG"])
def test_of_moving_pictures_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, BLUE)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)

    assert close(seen(content, (0.5, 0.5)), RED)


def test_big_pictures_are_scaled_down_and_small_ones_are_not_scaled_up() -> None:
    for size, expected in [((3000, 1500), (512, 256)), ((20, 10), (20, 10)), ((4000, 2), (512, 1))]:
        for kind in ("JPEG", "PNG"):
            picture = decode(encoded(Image.new("RGB", size), kind), max_pixels=MAX_PIXELS)
            assert picture.size == expected


def test_the_fraction_that_is_decoded_of_a_big_jpeg_looks_like_the_whole() -> None:
    big = two_colours(2400, 1600)
    quick = decode(encoded(big, "JPEG", quality=95), max_pixels=MAX_PIXELS)
    whole = big.resize(quick.size, Image.Resampling.LANCZOS)

    assert np.abs(np.asarray(quick, int) - np.asarray(whole, int)).mean() < 3


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", b"")
    )


def huge(kind: str) -> bytes:
    """A few bytes that claim to be 20,000 x 20,000 pixels (16,384 x 16,384 for WebP)."""
    small = bytearray(
        encoded(Image.new("RGB", (8, 8)), kind, **({"lossless": True} if kind == "WebP" else {}))
    )
    if kind == "PNG":
        return png_header(20_000, 20_000)
    if kind == "GIF":
        small[6:10] = struct.pack("<HH", 20_000, 20_000)
    if kind == "JPEG":
        start = small.index(b"\xff\xc0")
        small[start + 5 : start + 9] = struct.pack(">HH", 20_000, 20_000)
    if kind == "WebP":
        small[21:25] = (0x3FFF | 0x3FFF << 14).to_bytes(4, "little")
    return bytes(small)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WebP"])
def test_a_huge_picture_is_refused_by_its_header_with_size_and_limit(kind: str) -> None:
    with pytest.raises(PictureRejected, match=r"(20,000 x 20,000|16,384 x 16,384).*50,000,000"):
        decode(huge(kind), max_pixels=MAX_PIXELS)


def test_a_real_picture_of_twenty_thousand_by_twenty_thousand_is_refused() -> None:
    content = encoded(Image.new("1", (20_000, 20_000)), "PNG")

    with pytest.raises(PictureRejected, match="20,000 x 20,000"):
        decode(content, max_pixels=MAX_PIXELS)


def test_the_limit_itself_is_allowed() -> None:
    content = encoded(Image.new("RGB", (100, 50)), "PNG")

    assert decode(content, max_pixels=5_000).size == (100, 50)
    with pytest.raises(PictureRejected, match="100 x 50"):
        decode(content, max_pixels=4_999)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_truncated_picture_is_refused(kind: str) -> None:
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    content = encoded(noise, kind)

    for part in (0.02, 0.3, 0.8):
        with pytest.raises(PictureRejected):
            decode(content[: int(part * len(content))], max_pixels=MAX_PIXELS)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture of a known format"),
        (b"BM" + bytes(100), "no picture of a known format"),
        (b"II*\x00" + bytes(100), "no picture of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "no picture of a known format"),
        (b"\xff\xd8\xff\xe0rubbish", "JPEG picture cannot be decoded"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(content: bytes, told: str) -> None:
    with pytest.raises(PictureRejected, match=told):
        decode(content, max_pixels=MAX_PIXELS)


def test_a_text_chunk_that_unpacks_to_a_gigabyte_is_refused() -> None:
    bomb = zlib.compress(bytes(100_000_000), 9)
    body = b"note\x00\x00" + bomb
    chunk = (
        struct.pack(">I", len(body))
        + b"zTXt"
        + body
        + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    )
    content = encoded(Image.new("RGB", (4, 4)), "PNG")
    content = content[:33] + chunk + content[33:]

    with pytest.raises(PictureRejected, match="too large"):
        decode(content, max_pixels=MAX_PIXELS)


def test_damaged_bytes_never_end_in_anything_but_a_rejection() -> None:
    chance = random.Random(7)
    noise = Image.effect_noise((60, 50), 80).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = [encoded(noise, kind, exif=exif) for kind in FORMATS if kind != "GIF"]
    contents.append(encoded(noise, "GIF", save_all=True, append_images=[noise.rotate(90)]))
    outcomes = set()
    for round_number in range(600):
        damaged = bytearray(contents[round_number % len(contents)])
        for _ in range(chance.choice((1, 3, 20))):
            damaged[chance.randrange(min(len(damaged), chance.choice((60, 400, 10**6))))] = (
                chance.randrange(256)
            )
        try:
            decode(bytes(damaged), max_pixels=MAX_PIXELS)
            outcomes.add("seen")
        except PictureRejected:
            outcomes.add("refused")
    assert outcomes == {"seen", "refused"}


def test_a_working_copy_holds_no_metadata() -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    content = encoded(
        two_colours(), "JPEG", exif=exif, comment=b"SECRET-COMMENT", icc_profile=b"SECRET" * 40
    )

    copy = working_copy(content, max_pixels=MAX_PIXELS)

    assert b"SECRET" in content
    assert b"SECRET" not in copy
    assert Image.open(io.BytesIO(copy)).size == (64, 32)
