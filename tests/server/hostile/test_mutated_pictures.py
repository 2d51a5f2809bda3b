"""Pictures that were damaged at random: each is refused or seen, quickly, and nothing else happens.

`make hostile` makes 10,000 of each format, the default run a few hundred; the seeds are fixed.
"""

from __future__ import annotations

import gc
import io
import os
import random
import time
import zlib
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.images import FORMATS, working_copy

from . import crafted

N_MUTATIONS = int(os.environ.get("SHOPSEARCH_TEST_MUTATIONS", "300"))
ONE_IN_A_REQUEST = 10  # the server gets every tenth
WITHIN_S = 2.0  # of the processor; the pictures are small
GROWTH_BYTES = 80_000_000
MAX_PIXELS = 4_000_000  # a changed size may still be drawn, but not take seconds


def originals(kind: str) -> list[bytes]:
    """Pictures of a format that have all the parts it may have."""
    noise = Image.effect_noise((60, 50), 80)
    coloured = Image.merge("RGB", (noise, noise.rotate(90), noise.rotate(180)))
    exif = Image.Exif()
    exif[0x0112] = 6
    more: list[dict[str, object]] = {
        "JPEG": [{"progressive": True, "exif": exif}, {"quality": 20, "comment": b"words"}],
        "PNG": [{"exif": exif, "icc_profile": bytes(200)}, {"optimize": True}],
        "WebP": [{"lossless": True, "exif": exif}, {"quality": 40}],
        "GIF": [{"save_all": True, "append_images": [coloured.rotate(90)]}, {"interlace": 0}],
        "AVIF": [{"exif": exif, "speed": 10}, {"quality": 20, "speed": 10}],
    }[kind]
    pictures = [crafted.encoded(coloured, kind, **options) for options in more]
    if kind != "JPEG":
        glass = coloured.convert("RGBA")
        glass.putalpha(noise.resize(glass.size))
        pictures.append(crafted.encoded(glass, kind))
    if kind == "PNG":
        pictures += [crafted.encoded(coloured.convert(mode), kind) for mode in ("P", "1", "I;16")]
    return pictures


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Bytes changed, cut out, doubled, or cut off; more often near the head, where sizes are."""
    damaged = bytearray(content)
    reach = min(len(damaged), chance.choice((60, 400, 10**6)))
    for _ in range(chance.choice((1, 1, 3, 20))):
        at = chance.randrange(reach)
        match chance.randrange(6):
            case 0 | 1:
                damaged[at % len(damaged)] = chance.randrange(256)
            case 2:
                damaged[at % len(damaged)] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
            case 3:
                del damaged[at : at + chance.randrange(1, 9)]
            case 4:
                damaged[at:at] = damaged[at : at + chance.randrange(1, 40)]
            case 5:
                damaged[at : at + 4] = chance.randbytes(4)
    return bytes(damaged[: chance.randrange(len(damaged))] if chance.random() < 0.05 else damaged)


def mutations(kind: str) -> list[bytes]:
    chance, whole = random.Random(f"hostile {kind}"), originals(kind)
    damaged = (mutated(whole[n % len(whole)], chance) for n in range(N_MUTATIONS))
    if kind != "PNG":
        return list(damaged)
    return [with_right_sums(content) if n % 3 else content for n, content in enumerate(damaged)]


def with_right_sums(png: bytes) -> bytes:
    """The same with checksums that fit: without, most damage would be found by them alone."""
    mended, at = bytearray(png), 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4], "big")
        if end + 4 > len(png):
            break
        mended[end : end + 4] = zlib.crc32(png[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(mended)


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_decoder_refuses_or_sees_each_in_its_time_and_gives_memory_back(kind: str) -> None:
    damaged = mutations(kind)
    outcomes = {"seen": 0, "refused": 0}
    slowest_s, before = 0.0, 0
    for n, content in enumerate(damaged):
        if n == len(damaged) // 5:  # pools and caches are filled by then
            before = resident_bytes()
        started = time.process_time()
        try:
            working_copy(content, max_pixels=MAX_PIXELS)
            outcomes["seen"] += 1
        except PictureRejected:
            outcomes["refused"] += 1
        slowest_s = max(slowest_s, time.process_time() - started)
    grown = resident_bytes() - before
    told = f"slowest {slowest_s:.3f} s, memory {grown / 1e6:+.1f} MB"
    print(f"{kind}: {outcomes}, {told}")  # noqa: T201 - the figures of `make hostile`

    assert min(outcomes.values()) > 0
    assert slowest_s < WITHIN_S
    assert grown < GROWTH_BYTES


@pytest.mark.parametrize("kind", FORMATS)
def test_the_server_answers_each_with_200_or_4xx(client: FlaskClient, kind: str) -> None:
    statuses = set()
    for content in mutations(kind)[::ONE_IN_A_REQUEST]:
        started = time.process_time()
        answer = client.post("/api/v1/search", data={"image": (io.BytesIO(content), "a")})
        statuses.add(answer.status_code)
        assert time.process_time() - started < WITHIN_S
    assert 422 in statuses
    assert statuses <= {200, 400, 413, 422}
