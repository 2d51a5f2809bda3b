"""Bombs, lies and files of too many parts: refused before a decoder works on them, or bounded."""

from __future__ import annotations

import io
import time
import zipfile
import zlib

import pytest
from flask.testing import FlaskClient
from PIL import Image

from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.containers import MAX_JPEG_SCANS
from shopsearch.preprocessing.images import FORMATS, decode, working_copy
from shopsearch.preprocessing.pictures import PictureLibrary

from . import crafted

MAX_PIXELS = 50_000_000
REFUSED_S = 2.0  # what is refused by its structure takes milliseconds; CI is slow

UNPACKS_TO_A_MEGABYTE = zlib.compress(bytes(1_000_000), 9)
REFUSED = {
    "a JPEG painted a thousand times": lambda: crafted.jpeg_of_scans(600, 900),
    "a large JPEG painted often": lambda: crafted.jpeg_of_scans(4_500, 45),
    "a JPEG of tiny segments": lambda: crafted.jpeg_with(crafted.jpeg_segment(0xFE) * 500_000),
    "a JPEG of filling": lambda: crafted.jpeg_with(b"\xff" * 2_000_000),
    "a JPEG of tiny EXIF": lambda: crafted.jpeg_with(
        crafted.jpeg_segment(0xE1, b"Exif\0\0" + bytes(10)) * 100_000
    ),
    "a PNG of 20,000 x 20,000": lambda: crafted.png_claiming(20_000, 20_000),
    "a PNG of 2 billion pixels a row": lambda: crafted.png_claiming(2**31 - 1, 1),
    "a PNG of tiny chunks": lambda: crafted.png_with(crafted.png_chunk(b"xxXx") * 300_000),
    "a PNG of many profiles": lambda: crafted.png_with(
        crafted.png_chunk(b"iCCP", b"a\0\0" + UNPACKS_TO_A_MEGABYTE) * 5_000
    ),
    "a PNG of packed text": lambda: crafted.png_with(
        crafted.png_chunk(b"zTXt", b"a\0\0" + UNPACKS_TO_A_MEGABYTE) * 3_000
    ),
    "a PNG of one huge packed text": lambda: crafted.png_with(
        crafted.png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(50_000_000), 9))
    ),
    "a GIF of tiny comments": lambda: crafted.gif_with(b"!\xfe\x01a\0" * 400_000),
    "a GIF of one long comment": lambda: crafted.gif_with(
        b"!\xfe" + (b"\xff" + bytes(255)) * 20_000 + b"\0"
    ),
    "a GIF of nothing": lambda: crafted.gif_with(bytes(2_000_000)),
    "a GIF frame beyond its screen": lambda: crafted.gif_frame_claiming(20_000, 20_000),
    "a WebP that tells no size": crafted.webp_without_size,
    "a WebP canvas of 16,000 x 16,000": lambda: crafted.webp_of_frames(16_000, 1),
    "an AVIF whose items overlap": lambda: crafted.avif_with_extents(1_500),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_take_too_long_is_refused_at_once(name: str) -> None:
    content = REFUSED[name]()
    started = time.process_time()

    with pytest.raises(PictureRejected):
        decode(content, max_pixels=MAX_PIXELS)

    assert time.process_time() - started < REFUSED_S


def test_an_avif_is_as_large_as_it_is_coded_whatever_its_label_says() -> None:
    content = crafted.avif_that_lies(1_600)

    assert decode(content, max_pixels=2_560_000).size == (24, 16)
    with pytest.raises(PictureRejected, match="2,560,000 coded pixels"):
        decode(content, max_pixels=1_000_000)


def test_pictures_of_as_many_scans_as_encoders_make_are_seen() -> None:
    assert decode(crafted.jpeg_of_scans(200, 0), max_pixels=MAX_PIXELS).size == (200, 200)
    most = MAX_JPEG_SCANS - crafted.jpeg_of_scans(200, 0).count(b"\xff\xda")
    assert decode(crafted.jpeg_of_scans(200, most), max_pixels=MAX_PIXELS)
    with pytest.raises(PictureRejected, match=f"{MAX_JPEG_SCANS + 1} scans"):
        decode(crafted.jpeg_of_scans(200, most + 1), max_pixels=MAX_PIXELS)


@pytest.mark.parametrize(
    "content",
    [crafted.gif_of_frames(20_000), crafted.webp_of_frames(64, 20_000)],
    ids=["GIF", "WebP"],
)
def test_of_thousands_of_frames_only_the_first_is_decoded(content: bytes) -> None:
    started = time.process_time()

    assert decode(content, max_pixels=MAX_PIXELS)
    assert time.process_time() - started < REFUSED_S


OTHER_FORMATS = {
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "SVG behind a declaration": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]><svg/>',
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "EPS of DOS": b"\xc5\xd0\xd3\xc6" + bytes(100),
    "PDF": b"%PDF-1.7\n",
    "PSD": b"8BPS\x00\x01" + bytes(100),
    "TIFF": b"II*\x00\x08\x00\x00\x00\xff\xff" + b"\x00\x01\x04\x00\xff\xff\xff\x7f" * 100,
    "BigTIFF": b"MM\x00+\x00\x08\x00\x00" + bytes(100),
    "ICO": b"\x00\x00\x01\x00\x01\x00" + bytes(100),
    "BMP": b"BM" + bytes(100),
    "PCX": b"\x0a\x05\x01\x08" + bytes(100),
    "XBM": b"#define im_width 99999\n#define im_height 99999\nstatic char im_bits[] = {",
    "JPEG 2000": b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    "HEIC": b"\x00\x00\x00\x18ftypheic" + bytes(100),
    "a page": b"<!DOCTYPE html><script>alert(1)</script>",
    "a zip archive": b"PK\x03\x04" + bytes(100),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "a program": b"\x7fELF" + bytes(100),
    "a picture behind a space": b" " + crafted.small("PNG"),
}


def upload(client: FlaskClient, content: bytes, name: str = "a.jpg"):
    return client.post("/api/v1/search", data={"image": (io.BytesIO(content), name)})


@pytest.mark.parametrize("kind", OTHER_FORMATS)
def test_other_formats_are_refused_whatever_they_are_called(client: FlaskClient, kind: str) -> None:
    answer = upload(client, OTHER_FORMATS[kind], "photo.png")

    assert answer.status_code == 422
    assert "known format" in answer.get_json()["detail"]


def zip_archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("evil.html", "<script>alert('SECRET')</script>")
    return packed.getvalue()


SCRIPT = b"*/;alert('SECRET')//<script>"
POLYGLOTS = {
    "GIF and script": crafted.gif_with(b"!\xfe" + bytes([len(SCRIPT)]) + SCRIPT + b"\0"),
    "JPEG and page": crafted.jpeg_with(
        crafted.jpeg_segment(0xFE, b"<html><script>alert('SECRET')</script>")
    ),
    "PNG and archive": crafted.small("PNG") + zip_archive(),
    "JPEG and archive": crafted.small("JPEG") + zip_archive(),
    "PNG and page": crafted.png_with(
        crafted.png_chunk(b"tEXt", b"Comment\0<script>alert('SECRET')</script>")
    ),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_of_a_file_that_is_two_things_only_the_pixels_are_kept(
    client: FlaskClient, name: str
) -> None:
    assert upload(client, POLYGLOTS[name]).status_code == 200

    copy = working_copy(POLYGLOTS[name], max_pixels=MAX_PIXELS)
    assert b"SECRET" in POLYGLOTS[name]
    assert not any(trace in copy for trace in (b"SECRET", b"script", b"PK\x03\x04"))


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind != "GIF"])
def test_a_kept_copy_tells_neither_place_nor_camera(kind: str, tmp_path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    exif.get_ifd(0x8825)[29] = "SECRET-DAY"
    content = crafted.small(kind, exif=exif, icc_profile=b"SECRET" * 40)

    library = PictureLibrary(tmp_path)
    kept = library.add(content)
    library.thumbnail(kept.content_hash, 160)

    assert b"SECRET" in content
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    for path in files:
        assert b"SECRET" not in path.read_bytes()
        with Image.open(path) as copy:
            assert copy.size == (16, 24)  # turned as EXIF said
            assert not copy.getexif()
            assert "icc_profile" not in copy.info


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_cut_anywhere_is_refused_or_seen(client: FlaskClient, kind: str) -> None:
    content = crafted.encoded(Image.effect_noise((64, 64), 80).convert("RGB"), kind)
    for part in (0.0, 0.01, 0.1, 0.5, 0.9, 0.99):
        assert upload(client, content[: int(part * len(content))]).status_code in (200, 400, 422)
    assert upload(client, content).status_code == 200
