from __future__ import annotations

from pathlib import Path

import pytest

from shopsearch.cli import checkup
from shopsearch.encoders import LazyEncoder
from shopsearch.errors import EncoderUnavailable
from tests.engines import Engines

SUBJECTS = [
    "python",
    "packages",
    "torch",
    "model",
    "fusion",
    "pictures",
    "home",
    "database",
    "index",
]


@pytest.fixture
def subjects(engines: Engines) -> list[str]:
    """What is looked at, in this order."""
    return [*SUBJECTS, *(["milvus"] if engines.on_milvus else [])]


def verdicts(report) -> dict[str, str]:
    return {check["subject"]: check["verdict"] for check in report["checks"]}


def remedy(report, subject: str) -> str:
    return next(c["remedy"] for c in report["checks"] if c["subject"] == subject)


def test_a_catalog_in_order_passes_every_check(shopsearch, indexed, subjects: list[str]) -> None:
    report = shopsearch.json("doctor")

    assert report["ok"] is True
    assert list(verdicts(report)) == subjects
    # the hashing encoder of these tests is warned of: it is not for shops
    assert verdicts(report) == {**dict.fromkeys(subjects, "ok"), "model": "warn"}


@pytest.mark.usefixtures("own_database")
def test_a_fresh_installation_is_told_how_to_begin_and_nothing_is_made(
    shopsearch, home: Path
) -> None:
    report = shopsearch.json("doctor")

    assert report["ok"] is True
    assert verdicts(report)["database"] == verdicts(report)["index"] == "warn"
    assert "shopsearch index" in remedy(report, "index")
    assert not home.exists()


def test_a_damaged_index_file_fails_and_names_the_remedy(shopsearch, indexed, home: Path) -> None:
    files = (home / "generations" / indexed["generation"]).iterdir()
    vectors = max(files, key=lambda path: path.stat().st_size)
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\x55")

    report = shopsearch.json("doctor", exit_code=1)

    assert report["ok"] is False
    assert verdicts(report)["index"] == "fail"
    assert "shopsearch reindex" in next(
        c["message"] for c in report["checks"] if c["subject"] == "index"
    )


def test_an_index_behind_the_database_is_told_apart(shopsearch, indexed) -> None:
    shopsearch.json("remove", "A1")
    shopsearch.json("rollback")

    report = shopsearch.json("doctor")

    assert verdicts(report)["index"] == "warn"
    assert "catch up" in remedy(report, "index")


def test_a_model_that_cannot_be_loaded_fails_with_its_own_words(
    shopsearch, indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable() -> None:
        raise EncoderUnavailable("the weights are gone: install shopsearch again")

    monkeypatch.setattr(
        "shopsearch.bootstrap.Services.encoder", LazyEncoder("hashing-128-v1", unavailable)
    )

    result = shopsearch("doctor")

    assert result.exit_code == 1
    assert "fail  model     the weights are gone: install shopsearch again" in result.stdout


def test_a_home_that_cannot_be_written_to_fails(
    shopsearch, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # permissions do not stop root, which tests may run as: the system's answer is played instead
    def refused(**_where: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkup.tempfile, "TemporaryFile", refused)

    report = shopsearch.json("doctor", exit_code=1)

    assert verdicts(report)["home"] == "fail"
    assert "SHOPSEARCH_HOME" in remedy(report, "home")


def test_a_package_that_is_missing_fails_and_is_named(
    shopsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "_required", lambda: ["click", "no-such-package-here"])

    report = shopsearch.json("doctor", exit_code=1)

    assert verdicts(report)["packages"] == "fail"
    assert any("no-such-package-here" in check["message"] for check in report["checks"])


def test_the_required_packages_are_those_of_the_project() -> None:
    assert {"click", "torch", "faiss-cpu"} <= set(checkup._required())
    assert "pytest" not in checkup._required()
