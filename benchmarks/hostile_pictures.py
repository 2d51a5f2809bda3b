"""The worst pictures that are still decoded: processor time and memory, beside a plain one (Linux).

Each is just below the default limits (50 million pixels, 20 MB), and decoded in its own process.
What is beyond them is refused before it is decoded: tests/server/hostile.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import platform
import re
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from shopsearch.preprocessing.images import decode

SIDE_PX = 7_071
SIZE = (SIDE_PX, SIDE_PX)
MAX_PIXELS = 50_000_000


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def jpeg_of_scans(n_scans: int) -> bytes:
    whole = encoded(Image.new("RGB", SIZE, 7), "JPEG", progressive=True, subsampling=0)
    last = min(whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xc4"))
    n_more = n_scans - whole.count(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * n_more + b"\xff\xd9"


def jpeg_of_exif() -> bytes:
    picture = encoded(Image.new("RGB", (8, 8)), "JPEG")
    segment = struct.pack(">BBH", 0xFF, 0xE1, 65_008) + b"Exif\0\0" + bytes(65_000)
    return picture[:2] + segment * 300 + picture[2:]


def png(colour: int, depth: int, bytes_a_pixel: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    rows = zlib.compress((b"\x04" + bytes(SIDE_PX * bytes_a_pixel)) * SIDE_PX, 1)
    header = struct.pack(">IIBBBBB", *SIZE, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


GLASS = (9, 8, 7, 100)
CASES: dict[str, Callable[[], bytes]] = {
    "JPEG, plain, 1 scan": lambda: encoded(Image.new("RGB", SIZE), "JPEG"),
    "JPEG, progressive, 10 scans": lambda: jpeg_of_scans(10),
    "JPEG, progressive, 20 scans": lambda: jpeg_of_scans(20),
    "JPEG, small, 19 MB of EXIF": jpeg_of_exif,
    "PNG, RGB": lambda: png(2, 8, 3),
    "PNG, RGB and alpha of 16 bits": lambda: png(6, 16, 8),
    "PNG, grey of 16 bits": lambda: png(0, 16, 2),
    "GIF": lambda: encoded(Image.new("P", SIZE), "GIF"),
    "GIF, interlaced, transparent": lambda: encoded(
        Image.new("P", SIZE), "GIF", interlace=1, transparency=0
    ),
    "WebP, lossless, alpha": lambda: encoded(
        Image.new("RGBA", SIZE, GLASS), "WebP", lossless=True, method=0
    ),
    "WebP, lossy, alpha": lambda: encoded(
        Image.new("RGBA", SIZE, GLASS), "WebP", quality=1, method=0
    ),
    "AVIF": lambda: encoded(Image.new("RGB", SIZE), "AVIF", speed=10, quality=1),
    "AVIF, 4:4:4, alpha": lambda: encoded(
        Image.new("RGBA", SIZE, GLASS), "AVIF", speed=10, quality=1, subsampling="4:4:4"
    ),
}


def peak_mb() -> float:
    """The peak since it was set back; `ru_maxrss` would hold that of the parent process."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def measure(content: bytes) -> tuple[float, float]:
    """Processor seconds, and by how much the peak of memory grew (MB)."""
    decode(encoded(Image.new("RGB", (8, 8)), "JPEG"), max_pixels=MAX_PIXELS)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back, see proc(5)
    before, started = peak_mb(), time.process_time()
    decode(content, max_pixels=MAX_PIXELS)
    return time.process_time() - started, peak_mb() - before


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'picture of 50 million pixels':32} {'MB':>6} {'cpu s':>6} {'+MB':>5}")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name, make in CASES.items():
            content = make()
            seconds, grown = pool.apply(measure, (content,))
            print(f"{name:32} {len(content) / 1e6:6.2f} {seconds:6.2f} {grown:5.0f}", flush=True)


if __name__ == "__main__":
    main()
