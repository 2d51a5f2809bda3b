"""Storages over a folder, over memory and over S3, and over one whose network fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shopsearch.errors import SettingsError, StorageUnavailable
from shopsearch.settings import load_settings
from shopsearch.storage.address import StorageAddress, check_package
from shopsearch.storage.object_storage import BESIDE, ObjectStorage


@pytest.fixture
def storage(storage_url: str) -> ObjectStorage:
    return ObjectStorage(StorageAddress.of(storage_url))


def test_what_is_written_is_read_by_name(storage: ObjectStorage) -> None:
    storage.write("pictures/ab/one.jpg", b"1")
    storage.write("pictures/ab/one.jpg", b"two")
    assert storage.read("pictures/ab/one.jpg") == b"two"
    assert storage.read("pictures/ab/none.jpg") is None


def test_files_travel_both_ways(storage: ObjectStorage, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 3_000_000)
    storage.upload("blobs/a", source)
    assert storage.fetch("blobs/a", target)
    assert target.read_bytes() == source.read_bytes()
    assert not storage.fetch("blobs/b", tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_names_are_listed_in_order_below_a_folder(storage: ObjectStorage) -> None:
    assert list(storage.names("blobs")) == []
    for name in ("blobs/b", "blobs/a", "blobs/deep/c", "other/d"):
        storage.write(name, name.encode())
    told = list(storage.names("blobs"))
    assert [one.name for one in told] == ["blobs/a", "blobs/b", "blobs/deep/c"]
    assert [one.n_bytes for one in told] == [7, 7, 12]
    assert all(one.written_at is None or one.written_at > 1.7e9 for one in told)


def test_deleting_twice_is_deleting_once(storage: ObjectStorage) -> None:
    storage.write("blobs/a", b"a")
    storage.delete(["blobs/a", "blobs/none"])
    storage.delete(["blobs/a"])
    assert list(storage.names("blobs")) == []


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../b", "/etc/passwd", "a//b", "", "a/", ".hidden", "a b", "a\n", "a::b", "a/*"],
)
def test_hostile_names_are_refused(storage: ObjectStorage, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        storage.read(name)
    with pytest.raises(ValueError, match="cannot be the name"):
        storage.write(name, b"")
    with pytest.raises(ValueError, match="cannot be the name"):
        storage.delete([name])


def test_a_folder_never_shows_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = ObjectStorage(StorageAddress.of(f"file://{tmp_path}/shared"))
    storage.write("blobs/a", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageUnavailable, match="No space left on device"):
        storage.write("blobs/a", b"new")
    assert storage.read("blobs/a") == b"old"
    assert [path.name for path in (tmp_path / "shared" / "blobs").iterdir()] == ["a"]


def test_what_a_killed_writer_left_beside_can_be_seen_and_deleted(tmp_path: Path) -> None:
    storage = ObjectStorage(StorageAddress.of(f"file://{tmp_path}/shared"))
    storage.write("blobs/a", b"a")
    (tmp_path / "shared" / "blobs" / f"{BESIDE}b-1-00ff").write_bytes(b"ha")
    names = [one.name for one in storage.names("blobs")]
    assert names == [f"blobs/{BESIDE}b-1-00ff", "blobs/a"]
    storage.delete(names[:1])
    assert [one.name for one in storage.names("blobs")] == ["blobs/a"]


class _NoNetwork:
    """A file system whose library has errors of its own."""

    def __getattr__(self, _name: str) -> Any:
        def fail(*_given: object, **_named: object) -> None:
            raise RuntimeError("EndpointConnectionError: could not connect")

        return fail


def test_a_lost_network_is_one_clear_error(tmp_path: Path) -> None:
    address = StorageAddress.of("s3://bucket/shop")
    storage = ObjectStorage(address, make=lambda _: _NoNetwork())
    (tmp_path / "source").write_bytes(b"x")
    for do in (
        lambda: storage.read("blobs/a"),
        lambda: storage.write("blobs/a", b"x"),
        lambda: storage.upload("blobs/a", tmp_path / "source"),
        lambda: storage.fetch("blobs/a", tmp_path / "target"),
        lambda: list(storage.names("blobs")),
        lambda: storage.delete(["blobs/a"]),
    ):
        with pytest.raises(StorageUnavailable, match=r"s3://bucket/shop: Endpoint"):
            do()


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("file:///mnt/shop/", "/mnt/shop"),
        ("s3://bucket", "bucket"),
        ("gs://bucket/a/b", "bucket/a/b"),
        ("memory://x", "x"),
    ],
)
def test_addresses_of_storages(url: str, root: str) -> None:
    assert StorageAddress.of(url).root == root


@pytest.mark.parametrize(
    "url",
    [
        "http://host/a",
        "file://relative",
        "s3:///bucket",
        "s3://key:secret@bucket",
        "simplecache::s3://bucket",
        "s3://bucket/../other",
        "s3://bucket?x=1",
        "/mnt/shop",
    ],
)
def test_other_addresses_are_refused_with_what_may_be_written(url: str) -> None:
    with pytest.raises(SettingsError, match=r"SHOPSEARCH_STORAGE=.*s3://BUCKET/PREFIX"):
        load_settings(storage=url)


def test_a_missing_package_is_named_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsearch.storage.address.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'shopsearch\[s3\]'"):
        check_package(StorageAddress.of("s3://bucket"))
    with pytest.raises(SettingsError, match=r"pip install 'shopsearch\[gs\]'"):
        check_package(StorageAddress.of("gs://bucket"))
