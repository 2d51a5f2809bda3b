"""Model files that are made once: what is damaged is made again, what cannot be kept is made."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shopsearch.encoders.kept_models import KeptModels

CONTENT = bytes(range(256)) * 40


class Maker:
    """Counts how often a model had to be made."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content, self.n_made = content, 0

    def __call__(self) -> bytes:
        self.n_made += 1
        return self.content


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_is_made_once_and_kept(tmp_path: Path):
    make = Maker()
    paths = [KeptModels(tmp_path / "models").get("texts", "1", make) for _ in range(2)]
    assert paths[0] == paths[1] == tmp_path / "models" / "texts-1.onnx"
    assert paths[0].read_bytes() == CONTENT
    assert make.n_made == 1
    assert names(tmp_path / "models") == ["texts-1.onnx", "texts-1.sha256"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda model, _: model.write_bytes(CONTENT[:-1]),
        lambda model, _: model.write_bytes(b""),
        lambda model, _: model.write_bytes(CONTENT[:100] + b"!" + CONTENT[101:]),
        lambda model, _: model.unlink(),
        lambda _, checksum: checksum.unlink(),
        lambda _, checksum: checksum.write_bytes(b"\xff\x00"),
    ],
    ids=["truncated", "empty", "one byte", "gone", "no checksum", "checksum that is none"],
)
def test_a_damaged_model_is_noticed_and_made_again(tmp_path: Path, damage):
    make = Maker()
    path = KeptModels(tmp_path).get("texts", "1", make)
    damage(path, path.with_suffix(".sha256"))
    assert KeptModels(tmp_path).get("texts", "1", make).read_bytes() == CONTENT
    assert make.n_made == 2


def test_another_version_is_another_file(tmp_path: Path):
    models = KeptModels(tmp_path)
    old, new = models.get("texts", "1", Maker(b"old")), models.get("texts", "2", Maker(b"new"))
    assert (old.read_bytes(), new.read_bytes()) == (b"old", b"new")


def test_only_the_newest_versions_of_a_kind_are_kept(tmp_path: Path):
    models = KeptModels(tmp_path)
    models.get("pictures", "0", Maker())
    for version in range(6):
        path = models.get("texts", str(version), Maker())
        os.utime(path, (version, version))
    kept = [name for name in names(tmp_path) if name.endswith(".onnx")]
    assert kept == ["pictures-0.onnx", "texts-3.onnx", "texts-4.onnx", "texts-5.onnx"]
    assert len(names(tmp_path)) == 8  # no checksum without its model


def test_makers_at_the_same_time_do_no_harm(tmp_path: Path):
    start = threading.Barrier(4)

    def make() -> bytes:
        start.wait()
        return CONTENT

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(KeptModels(tmp_path).get, "texts", "1", make) for _ in range(4)]
        paths = {job.result() for job in jobs}
    assert {path.read_bytes() for path in paths} == {CONTENT}
    unused = Maker()
    assert KeptModels(tmp_path).get("texts", "1", unused) in paths
    assert unused.n_made == 0
    assert names(tmp_path) == ["texts-1.onnx", "texts-1.sha256"]


def test_a_model_that_cannot_be_kept_is_given_as_it_is(tmp_path: Path):
    (tmp_path / "models").write_text("a file where the folder should be")
    assert KeptModels(tmp_path / "models").get("texts", "1", Maker()) == CONTENT


def test_without_a_folder_nothing_is_kept():
    make = Maker()
    assert [KeptModels(None).get("texts", "1", make) for _ in range(2)] == [CONTENT] * 2
    assert make.n_made == 2


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path):
    def fail() -> bytes:
        raise RuntimeError("no weights")

    with pytest.raises(RuntimeError, match="no weights"):
        KeptModels(tmp_path).get("texts", "1", fail)
    assert names(tmp_path) == []
