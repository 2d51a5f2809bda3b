from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.cli.commands import cli


def test_a_sound_feed_is_fine_and_nothing_is_made(shopsearch, feed: Path, home: Path) -> None:
    found = shopsearch.json("feeds", "check", feed, "--pictures")

    assert found["feed"] == str(feed)
    assert (found["format"], found["read"], found["valid"], found["removed"]) == ("csv", 5, 5, 0)
    assert found["faults"] == []
    assert {"column": "title", "field": "title", "filled": 5} in found["columns"]
    assert {"no_price", "no_brand", "no_image"} <= {one["kind"] for one in found["warnings"]}
    assert not home.exists()


def test_faults_are_listed_in_full_as_json_and_csv(shopsearch, feed: Path, tmp_path: Path) -> None:
    with feed.open("a") as file:
        file.write("A1,again,,,,,\nA9,Dear,,,much,,\n")
    (feed.parent / "A2.png").write_bytes(b"no picture")
    (feed.parent / "A3.png").unlink()

    found = shopsearch.json(
        "feeds", "check", feed, "--pictures", "--csv", tmp_path / "faults.csv", exit_code=3
    )

    told = [(one["row"], one["product_id"], one["field"], one["value"]) for one in found["faults"]]
    assert told == [
        (2, "A2", "image_link", str(feed.parent / "A2.png")),
        (3, "A3", "image_link", str(feed.parent / "A3.png")),
        (6, "A1", "id", "A1"),
        (7, "A9", "price", "much"),
    ]
    assert "line 8: the price 'much' cannot be read" in found["faults"][3]["reason"]
    rows = list(csv.DictReader((tmp_path / "faults.csv").read_text().splitlines()))
    assert [{**row, "row": int(row["row"])} for row in rows] == found["faults"]


def test_many_equal_faults_are_one_line(shopsearch, tmp_path: Path) -> None:
    rows = "".join(f"{n},Red mug,{n}\n" for n in range(2_000))
    (tmp_path / "feed.csv").write_text("id,title,price\n" + rows)

    result = shopsearch("feeds", "check", tmp_path / "feed.csv")

    assert result.exit_code == 3
    assert "2,000 read as csv: 0 valid, 2,000 at fault" in result.stdout
    assert result.stdout.count("--currency") == 1
    assert len(result.stdout.splitlines()) < 20
    assert shopsearch("feeds", "check", tmp_path / "feed.csv", "--currency", "EUR").exit_code == 0


def test_a_feed_that_cannot_be_read_fails(shopsearch, tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("name\na\n")

    result = shopsearch("feeds", "check", tmp_path / "feed.csv", "--json")

    assert result.exit_code == 1
    assert "--map id=COLUMN" in result.stderr
    assert result.stdout == ""


def test_half_a_character_is_told_and_breaks_no_output(shopsearch, tmp_path: Path) -> None:
    (tmp_path / "feed.jsonl").write_text(
        '{"id": "1", "title": "a\\ud800"}\n{"id": "2", "title": "b", "odd \\ud800": "c"}\n'
    )

    found = shopsearch.json("feeds", "check", tmp_path / "feed.jsonl", exit_code=3)

    assert "half a character" in found["faults"][0]["reason"]
    assert shopsearch("feeds", "check", tmp_path / "feed.jsonl").exit_code == 3


def test_the_mapping_beside_a_feed_is_used_and_said(shopsearch, tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("sku,label,cost,other\n1,Red mug,5,Cup\n")
    (tmp_path / "feed.csv.toml").write_text(
        "currency = 'EUR'\n[fields]\nid = 'sku'\ntitle = 'label'\nprice = 'cost'\n"
    )

    result = shopsearch("index", tmp_path / "feed.csv", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["indexed"] == 1
    assert f"using the mapping in {tmp_path / 'feed.csv.toml'}" in result.stderr
    assert shopsearch.json("search", "mug")["hits"][0]["price"] == 5.0
    mended = shopsearch("feeds", "check", tmp_path / "feed.csv", "--map", "title=other", "--json")
    columns = json.loads(mended.stdout)["columns"]
    assert {"column": "other", "field": "title", "filled": 1} in columns


def test_a_named_mapping_file_is_used(shopsearch, tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title,price\n1,Red mug,5\n")
    (tmp_path / "m.toml").write_text("currency = 'EUR'")
    broken = tmp_path / "broken.toml"
    broken.write_text("currencie = 'EUR'")

    assert shopsearch.json(
        "feeds", "check", tmp_path / "feed.csv", "--mapping", tmp_path / "m.toml"
    )["valid"] == 1  # fmt: skip
    result = shopsearch("feeds", "check", tmp_path / "feed.csv", "--mapping", broken)
    assert result.exit_code == 1
    assert "currencie: there is no such key; the keys are" in result.stderr


def test_a_folder_of_pictures_is_indexed_and_says_what_it_left_out(
    shopsearch, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    (shop / "Mugs").mkdir(parents=True)
    Image.new("RGB", (40, 30), "red").save(shop / "Mugs" / "red_mug.png")
    (shop / "notes.txt").touch()

    result = shopsearch("index", shop, "--json")

    assert json.loads(result.stdout)["indexed"] == 1
    assert "1 files that are no pictures were left out" in result.stderr
    assert shopsearch.json("search", "mug")["hits"][0]["product_id"] == "Mugs/red_mug"


def from_stdin(folder: Path, content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    program = [sys.executable, "-c", "from shopsearch.cli import main; main()"]
    return subprocess.run(
        [*program, *arguments], input=content, cwd=folder, capture_output=True, check=False
    )


def test_a_feed_may_come_from_standard_input(tmp_path: Path) -> None:
    Image.new("RGB", (120, 90), "red").save(tmp_path / "a.png")
    content = b'{"id": "1", "title": "Red mug", "image": "a.png"}\n{"id": "2"}\n'

    finished = from_stdin(tmp_path, content, "feeds", "check", "-", "--pictures", "--json")

    assert finished.returncode == 3, finished.stderr
    found = json.loads(finished.stdout)
    assert (found["feed"], found["format"]) == ("standard input", "jsonl")
    assert (found["read"], found["valid"]) == (2, 1)


@pytest.mark.parametrize("command", [["index", "-"], ["feeds", "check", "-"]], ids=" ".join)
def test_nothing_from_standard_input_is_told(tmp_path: Path, command: list[str]) -> None:
    from click.testing import CliRunner

    home = ["--home", str(tmp_path / "home")]
    result = CliRunner().invoke(cli, [*home, *command], input=io.BytesIO(b""))

    assert result.exit_code == 1
    assert "standard input: the file is empty" in result.stderr
