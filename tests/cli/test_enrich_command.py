"""`shopsearch enrich`: proposals, files and what bad input is answered."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.enriching import Enricher
from shopsearch.training.attributes import SoftmaxTrainer

KINDS = ("Shirt", "Dress", "Boot")
COLOURS = ("red", "blue", "green")
LEARNED = ("--attribute", "color", "--method", "learned", "--min-probability", "0.3")


@pytest.fixture
def gaps(tmp_path: Path) -> Path:
    """60 products whose titles tell their colour; the last 12 lack it in its own column."""
    path = tmp_path / "gaps.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "title", "product_type", "color"])
        for number in range(60):
            kind, colour = KINDS[number % 3], COLOURS[number // 3 % 3]
            told = colour if number < 48 else ""
            rows.writerow([f"p{number}", f"{colour} {kind} number {number}", kind, told])
    return path


@pytest.fixture
def shop(shopsearch, gaps: Path):
    """The command line over that catalog, indexed."""
    shopsearch.json("index", gaps)
    return shopsearch


def colour_of(product_id: str) -> str:
    return COLOURS[int(product_id[1:]) // 3 % 3]


def test_json_has_the_proposals_with_the_likeliest_values_and_the_figures(shop) -> None:
    answer = shop.json("enrich", *LEARNED)

    assert len(answer["proposals"]) == 12
    for one in answer["proposals"]:
        assert one["value"] == colour_of(one["product_id"])
        assert (one["attribute"], one["method"]) == ("color", "learned")
        assert one["top"][0]["value"] == one["value"]
        assert len(one["top"]) == 3
    (color,) = answer["attributes"]
    assert (color["have"], color["lack"], color["proposed"]) == (48, 12, 12)
    quality = color["quality"]["learned"]
    assert quality.keys() >= {"accuracy", "macro", "micro", "ece", "values", "at_min_probability"}
    assert quality["macro"].keys() == {"precision", "recall", "f1"}


def test_the_csv_can_be_checked_and_merged_into_the_feed(shop, tmp_path: Path) -> None:
    out = tmp_path / "new" / "proposals.csv"

    answer = shop.json("enrich", *LEARNED, "--out", out)

    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["product_id", "attribute", "value", "probability", "method"]
    assert [row["product_id"] for row in rows] == [one["product_id"] for one in answer["proposals"]]
    assert all(0.3 <= float(row["probability"]) <= 1.0 for row in rows)


def test_people_see_how_good_it_is_and_some_proposals(shop) -> None:
    result = shop("enrich", *LEARNED)

    words = " ".join(result.stdout.split())
    assert "color 48 12 12 learned" in words
    assert "p48 color blue" in words
    assert result.exit_code == 0


def test_a_report_has_figures_and_pictures(shop, tmp_path: Path) -> None:
    folder = tmp_path / "report"

    shop.json("enrich", *LEARNED, "--report", folder)

    with Image.open(folder / "confusion-color-learned.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 400
    figures = json.loads((folder / "enrichment.json").read_text(encoding="utf-8"))
    accuracy = figures["attributes"][0]["quality"]["learned"]["accuracy"]
    page = (folder / "enrichment.md").read_text(encoding="utf-8")
    assert f"| learned | {accuracy:.3f} |" in page
    assert "(confusion-color-learned.png)" in page
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion-color-learned.png",
        "enrichment.json",
        "enrichment.md",
    ]


def test_allowed_values_come_from_a_list_too(shop, tmp_path: Path) -> None:
    values = tmp_path / "values.txt"
    values.write_bytes("\ufeffred\n\n  blue \nred\n".encode())

    answer = shop.json("enrich", *LEARNED, "--values", values)

    assert sorted(answer["attributes"][0]["values"]) == ["blue", "red"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"\n \n", "empty"), ("gr\xfcn".encode("latin-1"), "byte 3 is no UTF-8")]
)
def test_a_list_of_values_that_cannot_be_read_is_an_error(
    shop, tmp_path: Path, content: bytes, said: str
) -> None:
    values = tmp_path / "values.txt"
    values.write_bytes(content)

    result = shop("enrich", "--attribute", "color", "--values", values)

    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--method", "guessing"),
        ("--value", "red"),
        ("--value", "red", "--attribute", "color", "--attribute", "gender"),
        ("--min-probability", "1.5"),
        ("--values", "nowhere.txt", "--attribute", "color"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_before_any_work(shopsearch, arguments: tuple[str, ...]) -> None:
    assert shopsearch("enrich", *arguments).exit_code == 2


def test_without_an_index_the_error_says_what_to_do(shopsearch) -> None:
    result = shopsearch("enrich")

    assert result.exit_code == 1
    assert "shopsearch index" in result.stderr


def test_nothing_to_propose_is_no_error(shop) -> None:
    result = shop("enrich", "--attribute", "category")

    assert result.exit_code == 0
    assert "all 60 products have it" in result.stdout
    assert "Nothing is proposed" in result.stdout


def test_an_attribute_that_nobody_has_is_an_error(shop) -> None:
    result = shop("enrich", "--attribute", "sleeve")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no product has a value of 'sleeve'" in result.stderr


def test_a_report_without_matplotlib_says_how_to_get_it(
    shopsearch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    result = shopsearch("enrich", "--report", tmp_path / "report")

    assert result.exit_code == 1
    assert "pip install 'shopsearch[train]'" in result.stderr


def test_ctrl_c_leaves_no_file_behind(
    shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(SoftmaxTrainer, "train", stopped)
    out, report = tmp_path / "out" / "proposals.csv", tmp_path / "report"

    result = shop("enrich", *LEARNED, "--out", out, "--report", report)

    assert result.exit_code == 130
    assert not out.exists()
    assert not report.exists()


def test_a_file_that_is_there_survives_a_run_that_fails(
    shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "proposals.csv"
    out.write_text("mine", encoding="utf-8")

    def broken(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Enricher, "enrich", broken)

    assert shop("enrich", *LEARNED, "--out", out).exit_code == 1
    assert out.read_text(encoding="utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_help_says_that_the_catalog_is_not_changed(shopsearch) -> None:
    page = " ".join(shopsearch("enrich", "--help").stdout.split())

    assert "Nothing in the catalog is changed" in page
