from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

REGION_KEYS = {"left", "top", "right", "bottom", "relevance"}


def test_an_encoder_that_cannot_tell_regions_is_named_with_the_remedy(
    shopsearch, indexed, tmp_path: Path
) -> None:
    result = shopsearch("heatmap", "A1", "red", "--out", tmp_path / "map.png")

    assert result.exit_code == 1
    assert "'hashing-128" in result.stderr
    assert "SHOPSEARCH_ENCODER" in result.stderr
    assert not (tmp_path / "map.png").exists()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("nothing", "red"), "no product 'nothing'"),
        (("A5", "red"), "'A5' has no picture"),
        (("A1", " "), "no words"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_a_model_is_loaded(
    shopsearch, indexed, tmp_path: Path, asked: tuple[str, str], reason: str
) -> None:
    result = shopsearch("heatmap", *asked, "--out", tmp_path / "map.png")

    assert result.exit_code == 1
    assert reason in result.stderr


def test_a_file_to_write_is_required(shopsearch) -> None:
    result = shopsearch("heatmap", "A1", "red")

    assert result.exit_code == 2
    assert "--out" in result.stderr


@pytest.mark.slow
def test_a_drawn_mug_is_marked_with_the_compact_encoder(
    shopsearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shopsearch.demo.kinds import Look, draw

    monkeypatch.setenv("SHOPSEARCH_ENCODER", "compact")
    draw("mug", Look("red", "plain")).save(tmp_path / "mug.png")
    (tmp_path / "feed.csv").write_text("id,title,image_link\nM1,Mug,mug.png\n", encoding="utf-8")
    assert shopsearch("index", tmp_path / "feed.csv").exit_code == 0
    out = tmp_path / "maps" / "mug.png"

    told = shopsearch.json("heatmap", "M1", "coffee mug", "--out", out)
    said = shopsearch("heatmap", "M1", "coffee mug", "--out", out)

    assert set(told) == {"product_id", "words", "cosine", "lift", "regions", "out"}
    assert (told["product_id"], told["words"], told["out"]) == ("M1", "coffee mug", str(out))
    assert told["cosine"] > told["lift"] - 1
    assert told["lift"] > 0
    assert [set(region) for region in told["regions"]] == [REGION_KEYS] * 5
    assert told["regions"][0]["relevance"] == 1.0
    assert all(0 <= r["left"] < r["right"] <= 1 for r in told["regions"])
    with Image.open(out) as picture:
        assert picture.format == "PNG"
    assert "cosine 0." in said.stdout
