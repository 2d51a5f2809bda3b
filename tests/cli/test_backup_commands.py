"""`backup`, `restore` and `export` from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shopsearch.settings import Settings


@pytest.mark.usefixtures("own_database")
def test_a_backup_and_its_restore(
    shopsearch, indexed, tmp_path: Path, home: Path, feed: Path
) -> None:
    file = tmp_path / "shop.tar"
    said = shopsearch.json("backup", file)
    assert said["file"] == str(file)
    assert (said["bytes"], said["database"]) == (file.stat().st_size, True)
    assert (said["generation"], said["products"]) == (indexed["generation"], 5)

    shopsearch.json("remove", "A1", "A2")
    refused = shopsearch("restore", file)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr

    restored = shopsearch.json("restore", file, "--force")
    assert (restored["generation"], restored["products"]) == (indexed["generation"], 5)
    assert (restored["pictures"], restored["replaced"], restored["remedy"]) == (4, True, "")
    assert shopsearch.json("verify")["ok"] is True
    assert shopsearch.json("search", "red mug")["hits"][0]["product_id"] == "A1"
    again = shopsearch.json("index", feed)
    assert (again["unchanged"], again["indexed"]) == (5, 0)
    doctor = {one["subject"]: one["verdict"] for one in shopsearch.json("doctor")["checks"]}
    assert doctor["index"] == "ok"


def test_a_restore_under_other_settings_says_what_to_do(
    shopsearch, indexed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shop.tar"
    shopsearch.json("backup", file, "--no-pictures")
    monkeypatch.setenv("SHOPSEARCH_ENCODER", "compact")

    restored = shopsearch.json("restore", file, "--force")

    assert "shopsearch reindex" in restored["remedy"]
    assert restored["generation"] == indexed["generation"]


def test_a_file_that_is_no_backup_is_an_error_and_the_home_stays(
    shopsearch, indexed, tmp_path: Path
) -> None:
    file = tmp_path / "no.tar"
    file.write_bytes(b"no tar at all" * 100)

    result = shopsearch("restore", file, "--force")

    assert result.exit_code == 1
    assert "no tar file" in result.stderr
    assert shopsearch.json("verify")["ok"] is True


def test_a_backup_into_a_folder_that_is_not_there_is_wrong_usage(shopsearch, indexed) -> None:
    assert shopsearch("backup", "nowhere/shop.tar").exit_code == 2


def test_an_export_is_read_back_unchanged(shopsearch, indexed, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    said = shopsearch.json("export", file, "--embeddings")
    assert said == {"file": str(file), "format": "jsonl", "products": 5, "without_vector": 0}

    again = shopsearch.json("index", file)

    assert (again["unchanged"], again["rejected"]) == (5, [])


def test_an_export_to_standard_output_is_json_lines_alone(shopsearch, indexed) -> None:
    result = shopsearch("export", "-", "--filter", "brand=Kiln", "--filter", "price<=13")

    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["A1"]
    assert "1 products written" in result.stderr
    assert shopsearch("export", "-", "--json").exit_code == 2
    assert shopsearch("export", "-", "--format", "parquet").exit_code == 2


def test_a_filter_that_is_none_is_wrong_usage_and_writes_nothing(
    shopsearch, indexed, tmp_path: Path
) -> None:
    assert shopsearch("export", tmp_path / "x.jsonl", "--filter", "brand").exit_code == 2
    assert not (tmp_path / "x.jsonl").exists()


def test_parquet_goes_by_the_ending_and_without_pyarrow_the_extra_is_named(
    shopsearch, indexed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "all.parquet"
    assert shopsearch.json("export", file)["format"] == "parquet"
    assert file.read_bytes()[:4] == b"PAR1"

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = shopsearch("export", tmp_path / "more.parquet")

    assert result.exit_code == 1
    assert "shopsearch[parquet]" in result.stderr
    assert not (tmp_path / "more.parquet").exists()


def test_beside_a_database_server_the_backup_says_that_pg_dump_is_the_tool(
    empty_postgres: Callable[[], str],
    shopsearch,
    feed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    postgres_url = empty_postgres()
    monkeypatch.setenv("SHOPSEARCH_DATABASE_URL", postgres_url)
    assert Settings().database_url == postgres_url
    report = shopsearch.json("index", feed)
    assert shopsearch.json("verify", "--sources")["ok"] is True

    said = shopsearch("backup", tmp_path / "shop.tar")

    assert said.exit_code == 0
    assert "pg_dump" in said.stderr
    restored = shopsearch.json("restore", tmp_path / "shop.tar", "--force")
    assert (restored["generation"], restored["database"]) == (report["generation"], False)
    assert shopsearch.json("verify")["ok"] is True
    monkeypatch.delenv("SHOPSEARCH_DATABASE_URL")
    refused = shopsearch("restore", tmp_path / "shop.tar", "--force")
    assert "SHOPSEARCH_DATABASE_URL" in refused.stderr
