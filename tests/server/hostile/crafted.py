"""Pictures that nobody takes: bombs, polyglots, damaged and endless ones."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, PngImagePlugin

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


def encoded(kind: str, size: tuple[int, int] = (96, 64), **options: object) -> bytes:
    """A picture with something to see in it."""
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    picture.paste("red", (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def mutated(kind: str, n: int, seed: int = 20261127) -> Iterator[bytes]:
    """n damaged copies of one picture: bits turned, parts cut, doubled, swapped and filled."""
    rng = random.Random(f"{seed}-{kind}")
    whole = encoded(kind)
    for _ in range(n):
        yield _damaged(bytearray(whole), rng)


def _damaged(content: bytearray, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        place = rng.randrange(len(content))
        match rng.randrange(6):
            case 0:
                content[place] ^= 1 << rng.randrange(8)
            case 1:
                content[place] = rng.choice((0, 0x7F, 0x80, 0xFF))
            case 2:
                del content[place : place + rng.randrange(1, 40)]
            case 3:
                content[place:place] = rng.randbytes(rng.randrange(1, 40))
            case 4:
                content[place : place + 4] = struct.pack(
                    ">I", rng.choice((0, 2**31 - 1, 2**32 - 1))
                )
            case 5:
                content[place:place] = content[place : place + rng.randrange(1, 200)]
        if len(content) < 2:
            break
    return bytes(content)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is so large, of a few bytes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(name: bytes, content: bytes) -> bytes:
    summed = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + summed


def png_of_texts(n: int, n_bytes_each: int) -> bytes:
    """A PNG with compressed texts that unpack to a lot."""
    texts = PngImagePlugin.PngInfo()
    for number in range(n):
        texts.add_text(f"k{number}", "x" * n_bytes_each, zip=True)
    return encoded("PNG", pnginfo=texts)


def jpeg_of_scans(size: tuple[int, int], n: int) -> bytes:
    """A progressive JPEG whose last scan comes n times more."""
    whole = encoded("JPEG", size, progressive=True, quality=30)
    last, end = whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xd9")
    return whole[:end] + whole[last:end] * n + whole[end:]


def gif_of_frames(n: int) -> bytes:
    """An animation."""
    frames = [Image.new("P", (8, 8), number % 200) for number in range(n)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], loop=0)
    return buffer.getvalue()


def gif_with_a_frame_of(width: int, height: int) -> bytes:
    """A GIF of 96 x 64 pixels whose only frame is larger than all of it."""
    content = bytearray(encoded("GIF"))
    place = content.index(b"\x2c")
    content[place + 5 : place + 9] = struct.pack("<HH", width, height)
    return bytes(content)


POLYGLOTS = {
    "a GIF that is JavaScript": b"GIF89a/*" + encoded("GIF")[8:] + b"*/=alert(document.cookie)//",
    "a JPEG with a page after it": encoded("JPEG") + b"<html><script>alert(1)</script></html>",
    "a JPEG with PHP in its comment": encoded("JPEG", comment=b"<?php system($_GET['c']); ?>"),
    "a PNG with an archive after it": encoded("PNG") + b"PK\x03\x04" + bytes(300) + b"PK\x05\x06",
}

SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
)
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>'
)
NOT_TAKEN = {
    "SVG": SVG,
    "SVG with an entity": XXE,
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n%%EOF\n",
    "PDF": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "TIFF": encoded("TIFF"),
    "TIFF, packed": encoded("TIFF", (400, 400), compression="tiff_lzw"),
    "BMP": encoded("BMP"),
    "ICO": encoded("ICO", (32, 32)),
    "PPM": encoded("PPM"),
    "PSD": b"8BPS\x00\x01" + bytes(40),
    "TGA": encoded("TGA"),
    "ImageMagick script": b"push graphic-context\nfill 'url(https://127.0.0.1/x)'",
    "HTML": b"<!doctype html><img src=x onerror=alert(1)>",
    "an archive": b"PK\x03\x04" + bytes(400),
    "a program": b"\x7fELF" + bytes(400),
    "HEIC": b"\x00\x00\x00\x18ftypheic" + bytes(400),
}
