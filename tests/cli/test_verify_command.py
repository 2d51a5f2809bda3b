"""`verify` tells what is wrong in words, in JSON and by its exit code, and mends it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.engines import Engines

VectorsOf = Callable[[str], Path]


@pytest.fixture
def vectors_of(home: Path, engines: Engines) -> VectorsOf:
    """The file of a generation that says what its vectors are."""
    name = "rows.npy" if engines.on_milvus else "vectors.faiss"
    return lambda generation: home / "generations" / generation / name


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_whole_home_is_told_check_by_check(shopsearch, indexed, engines: Engines) -> None:
    result = shopsearch("verify")

    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["index", "ok", "5", "0", "0"] in lines
    assert ["pictures", "ok", "4", "0", "0"] in lines

    report = shopsearch.json("verify", "--sources")
    assert report["ok"] is True
    assert [check["check"] for check in report["checks"]] == [
        "generations",
        "leftovers",
        "database",
        "embeddings",
        "index",
        *(["milvus"] if engines.on_milvus else []),
        "pictures",
        "fetched",
        "sources",
    ]


def test_a_fault_names_the_file_and_the_remedy_and_fails(
    shopsearch, indexed, vectors_of: VectorsOf
) -> None:
    path = vectors_of(indexed["generation"])
    spoil(path)

    result = shopsearch("verify")

    assert result.exit_code == 1
    assert str(path) in result.stdout
    assert "shopsearch verify --repair" in result.stdout
    assert "index: skipped, the live generation cannot be loaded" in result.stdout
    report = shopsearch.json("verify", exit_code=1)
    found = report["checks"][0]["found"]
    assert [(one["severity"], one["subject"]) for one in found] == [("fault", str(path))]


def test_repair_builds_the_index_anew_without_encoding(
    shopsearch, indexed, vectors_of: VectorsOf
) -> None:
    spoil(vectors_of(indexed["generation"]))

    report = shopsearch.json("verify", "--repair")

    assert report["ok"] is True
    assert report["reindexed"]["generation"] > indexed["generation"]
    assert report["reindexed"]["products"] == 5
    assert report["reindexed"]["texts_encoded"] == report["reindexed"]["images_encoded"] == 0
    assert report["repaired"] == {"generations_dropped": 1}
    assert shopsearch.json("verify")["ok"] is True
    assert shopsearch.json("search", "red mug")["generation"] == report["reindexed"]["generation"]


@pytest.mark.usefixtures("own_database")
def test_what_cannot_be_mended_is_left_and_told(shopsearch, indexed, home: Path) -> None:
    (copy,) = list(home.glob("images/*/*.jpg"))[:1]
    copy.write_bytes(copy.read_bytes()[:100])
    with closing(sqlite3.connect(home / "catalog.db")) as database, database:
        database.execute("UPDATE product_images SET source = '/nowhere.png'")

    result = shopsearch("verify", "--repair")

    assert result.exit_code == 1
    assert str(copy) in result.stdout
    assert "source" in result.stdout


@pytest.mark.usefixtures("own_database")
def test_a_database_that_is_none_is_a_fault_and_not_a_traceback(
    shopsearch, indexed, home: Path
) -> None:
    for path in home.glob("catalog.db*"):
        path.unlink()
    (home / "catalog.db").write_bytes(b"this is no database" * 500)

    report = shopsearch.json("verify", exit_code=1)

    database = next(one for one in report["checks"] if one["check"] == "database")
    assert "no SQLite database" in database["found"][0]["what"]


def test_a_home_that_is_not_there_has_nothing_to_verify_and_is_not_made(
    shopsearch, home: Path
) -> None:
    assert shopsearch.json("verify") == {"ok": True, "checks": [], "seconds": 0.0}
    assert not home.exists()


def test_search_falls_back_to_the_last_good_generation_and_says_so(
    shopsearch, indexed, vectors_of: VectorsOf
) -> None:
    removed = shopsearch.json("remove", "A1")
    spoil(vectors_of(removed["generation"]))

    result = shopsearch("search", "red mug", "--json")

    assert result.exit_code == 0
    assert f'"generation": "{indexed["generation"]}"' in result.stdout
    assert '"A1"' not in result.stdout  # the store no longer has it
    assert vectors_of(removed["generation"]).name in result.stderr
    assert "reindex" in result.stderr
    doctor = shopsearch.json("doctor", exit_code=1)
    (index,) = [one for one in doctor["checks"] if one["subject"] == "index"]
    assert index["verdict"] == "fail"
    assert f"searches answer from {indexed['generation']} meanwhile" in index["message"]
    assert "verify --repair" in index["remedy"]


@pytest.mark.parametrize("command", [("generations",), ("generations", "list")])
def test_generations_tell_size_rollback_target_and_damage(
    shopsearch, indexed, vectors_of: VectorsOf, home: Path, command: tuple[str, ...]
) -> None:
    live = shopsearch.json("remove", "A1")["generation"]
    oldest = indexed["generation"]
    spoil(vectors_of(oldest))

    rows = shopsearch.json(*command)["generations"]

    assert [(row["generation"], row["live"]) for row in rows] == [(live, True), (oldest, False)]
    assert [row["rollback_target"] for row in rows] == [False, True]
    assert [bool(row["damage"]) for row in rows] == [False, True]
    assert rows[1]["damage"].startswith(f"{vectors_of(oldest).name}: has SHA-256")
    folder = home / "generations" / live
    assert rows[0]["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    shown = shopsearch(*command).stdout
    assert f"{oldest} is damaged: {vectors_of(oldest).name}" in shown


def test_a_generation_whose_manifest_cannot_be_read_is_listed_all_the_same(
    shopsearch, indexed, home: Path
) -> None:
    (home / "generations" / indexed["generation"] / "manifest.json").write_text("{", "utf-8")

    (row,) = shopsearch.json("generations")["generations"]

    assert (row["generation"], row["products"]) == (indexed["generation"], None)
    assert "manifest.json" in row["damage"]
    assert "damaged" in shopsearch("generations").stdout


def test_a_file_that_two_generations_share_counts_once_and_is_not_freed(
    shopsearch, indexed, vectors_of: VectorsOf
) -> None:
    live = shopsearch.json("remove", "A1")["generation"]
    old, new = vectors_of(indexed["generation"]), vectors_of(live)
    new.unlink()
    new.hardlink_to(old)  # as a generation that is built upon another
    size = old.stat().st_size

    older = shopsearch.json("generations")["generations"][1]
    pruned = shopsearch.json("generations", "prune", "--keep", 1, "--dry-run")

    assert older["bytes"] - older["own_bytes"] == size
    assert pruned["freed_mb"] == round(older["own_bytes"] / 1e6, 3)


def test_prune_deletes_old_generations_and_never_the_live_one(
    shopsearch, indexed, home: Path
) -> None:
    second = shopsearch.json("remove", "A1")["generation"]
    third = shopsearch.json("remove", "A2")["generation"]
    shopsearch.json("rollback", indexed["generation"])

    said = shopsearch.json("generations", "prune", "--keep", 1, "--dry-run")
    assert said["deleted"] == [second]
    assert len(shopsearch.json("generations")["generations"]) == 3

    pruned = shopsearch.json("generations", "prune", "--keep", 1)
    assert (pruned["deleted"], pruned["dry_run"]) == ([second], False)
    assert sorted(pruned["kept"]) == sorted([indexed["generation"], third])
    assert pruned["freed_mb"] > 0
    assert not (home / "generations" / second).exists()
    assert "0 generations deleted" in shopsearch("generations", "prune", "--keep", 1).stdout


def test_prune_keeps_as_many_as_the_settings_say(
    shopsearch, indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopsearch.json("remove", "A1")
    monkeypatch.setenv("SHOPSEARCH_KEEP_GENERATIONS", "1")

    assert shopsearch.json("generations", "prune")["deleted"] == [indexed["generation"]]


def test_prune_with_nothing_to_keep_is_wrong_usage(shopsearch, indexed) -> None:
    assert shopsearch("generations", "prune", "--keep", 0).exit_code == 2
