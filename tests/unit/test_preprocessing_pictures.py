"""The library of working copies."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.errors import PictureRejected, Unwritable
from shopsearch.preprocessing.atomic import KeptFiles, write_atomically
from shopsearch.preprocessing.pictures import PictureLibrary


def photo(seed: int = 0, size: tuple[int, int] = (800, 600), kind: str = "PNG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(content, kind)
    return content.getvalue()


@pytest.fixture
def library(tmp_path: Path) -> PictureLibrary:
    return PictureLibrary(tmp_path / "images", max_pixels=1_000_000)


def test_a_picture_is_known_by_the_hash_of_what_the_shop_gave(library: PictureLibrary) -> None:
    content = photo()

    picture = library.add(content)

    assert picture.content_hash == hashlib.sha256(content).hexdigest()
    assert picture.load().size == (512, 384)
    assert picture.load().mode == "RGB"


def test_a_picture_that_was_added_is_found_again_without_its_source(
    library: PictureLibrary,
) -> None:
    added = library.add(photo())

    found = library.get(added.content_hash)

    assert found is not None
    assert np.array_equal(np.asarray(found.load()), np.asarray(added.load()))


def test_the_working_copy_is_a_jpeg_in_a_folder_by_the_first_two_digits(
    library: PictureLibrary, tmp_path: Path
) -> None:
    added = library.add(photo())

    path = library.path(added.content_hash)

    assert path == tmp_path / "images" / added.content_hash[:2] / f"{added.content_hash}.jpg"
    assert path.read_bytes().startswith(b"\xff\xd8\xff")


def test_a_held_picture_is_seen_as_a_kept_one_and_leaves_nothing_behind(
    library: PictureLibrary, tmp_path: Path
) -> None:
    held = library.hold(photo())
    pixels = np.asarray(held.load())

    assert library.get(held.content_hash) is None
    assert not (tmp_path / "images").exists()
    assert np.array_equal(pixels, np.asarray(library.add(photo()).load()))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "zz", "A" * 64, "a" * 63, "a" * 64])
def test_an_unknown_or_hostile_hash_finds_nothing(library: PictureLibrary, name: str) -> None:
    assert library.get(name) is None
    assert library.path(name) is None
    assert library.thumbnail(name, 100) is None


def test_a_thumbnail_is_made_once_and_kept(library: PictureLibrary) -> None:
    added = library.add(photo())

    first = library.thumbnail(added.content_hash, 120)
    assert first is not None
    made_at = first.stat().st_mtime_ns
    second = library.thumbnail(added.content_hash, 120)

    assert second == first
    assert second.stat().st_mtime_ns == made_at
    with Image.open(first) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (120, 90))


def test_sizes_that_pages_use_are_there_as_soon_as_the_picture_is(tmp_path: Path) -> None:
    library = PictureLibrary(tmp_path, thumbnail_sizes_px=(160, 320))
    added = library.add(photo())
    there = {path.name.partition(".")[2]: path for path in tmp_path.glob("*/*")}

    assert set(there) == {"jpg", "160.webp", "320.webp"}
    made_at = there["320.webp"].stat().st_mtime_ns
    assert library.thumbnail(added.content_hash, 320) == there["320.webp"]
    assert there["320.webp"].stat().st_mtime_ns == made_at
    with Image.open(there["160.webp"]) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (160, 120))


@pytest.mark.parametrize(("asked", "longest"), [(1, 16), (-5, 16), (100_000, 512)])
def test_the_size_of_a_thumbnail_stays_within_bounds(
    library: PictureLibrary, asked: int, longest: int
) -> None:
    added = library.add(photo())

    path = library.thumbnail(added.content_hash, asked)

    assert path is not None
    with Image.open(path) as thumbnail:
        assert max(thumbnail.size) == longest


def test_a_refused_picture_leaves_nothing_behind(library: PictureLibrary, tmp_path: Path) -> None:
    with pytest.raises(PictureRejected, match="1,200 x 1,000"):
        library.add(photo(size=(1200, 1000)))

    assert not list(tmp_path.rglob("*.jpg"))


def test_a_damaged_working_copy_names_its_file_and_the_remedy(library: PictureLibrary) -> None:
    added = library.add(photo())
    path = library.path(added.content_hash)
    assert path is not None
    path.write_bytes(path.read_bytes()[:500])

    with pytest.raises(PictureRejected, match=r"working copy.*delete it and index the feed again"):
        added.load()


def test_threads_may_add_the_same_pictures_at_once(library: PictureLibrary, tmp_path: Path) -> None:
    contents = [photo(seed, (60, 40)) for seed in range(4)] * 8

    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(library.add, contents))

    assert len({picture.content_hash for picture in pictures}) == 4
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4  # no half-written file is left
    assert all(picture.load().size == (60, 40) for picture in pictures)


def test_no_file_stays_open(library: PictureLibrary) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for seed in range(20):
        library.add(photo(seed, (60, 40))).load()
        with pytest.raises(PictureRejected):
            library.add(photo(seed, (60, 40))[:-200])

    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        write_atomically(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_beside_goes_and_what_another_is_writing_stays(
    tmp_path: Path,
) -> None:
    left, held = tmp_path / ".a.jpg-4711-140", tmp_path / ".b.jpg-4712-140"
    own = tmp_path / ".profile"
    for path in (left, held, own):
        path.write_bytes(b"half")
    with held.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        KeptFiles().keep(tmp_path / "c.jpg", b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {held.name, own.name, "c.jpg"}


def test_a_file_that_was_swept_before_its_writer_held_it_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, beside = fcntl.flock, iter([True])

    def swept(descriptor: int, operation: int) -> None:
        if next(beside, False):
            next(tmp_path.glob(".c.jpg-*")).unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", swept)
    write_atomically(tmp_path / "c.jpg", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["c.jpg"]


def test_a_folder_that_takes_no_picture_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(b"a file in the way")
    with pytest.raises(Unwritable, match=r"c\.jpg cannot be written: .*; make room on its disk"):
        KeptFiles().keep(tmp_path / "images" / "c.jpg", b"whole")
