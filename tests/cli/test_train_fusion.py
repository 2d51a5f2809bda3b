"""`shopsearch train fusion`, on drawn pictures and with hashed embeddings."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from shopsearch.fusion.card import read_card

COLOURS = ("red", "green", "blue", "orange")
KINDS = ("ball", "box", "cone")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """96 products, drawn, with colour and kind; the last one has no words."""
    folder = tmp_path / "shop"
    folder.mkdir()
    with (folder / "products.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "product_type", "color", "image_link"])
        for number in range(96):
            colour, kind = COLOURS[number % 4], KINDS[number // 4 % 3]
            picture = Image.new("RGB", (32, 32), "white")
            place = (2 + number % 5, 3, 28, 24 + number % 7)
            ImageDraw.Draw(picture).rectangle(place, fill=colour)
            picture.save(folder / f"{number}.png")
            title = f"Toy {kind} number {number}" if number < 95 else ""
            writer.writerow([number, title, f"Toys > {kind}", colour, f"{number}.png"])
    return folder


@pytest.fixture
def train(shopsearch, tmp_path: Path):
    def run(*arguments: object, out: str = "fusion.safetensors", exit_code: int = 0):
        options = ("--epochs", 2, "--batch-size", 32, "--out", tmp_path / out)
        result = shopsearch("train", "fusion", *options, *arguments, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout) if exit_code == 0 else result

    return run


def test_a_fusion_is_trained_told_about_and_used(shop: Path, tmp_path: Path, train, shopsearch):
    told = train("--catalog", shop, "--method", "gated")
    weights = tmp_path / "fusion.safetensors"
    assert (told["method"], told["weights"]) == ("gated", str(weights))
    assert told["products"] > 60
    assert told["held_out"] > 0
    assert [epoch["number"] for epoch in told["epochs"]] == [0, 1, 2]
    assert read_card(weights).encoder_id == "hashing-128-v1"
    assert weights.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    card = weights.with_suffix(".md").read_text()
    assert "gated" in card
    assert "licence" in card
    assert told["seconds"] > 0
    (megabytes,) = re.findall(r"at most ([\d,]+) MB of memory", card)
    assert int(megabytes.replace(",", "")) == pytest.approx(told["peak_memory_mb"], abs=1)
    assert not list(tmp_path.glob("*.state"))

    again = train("--catalog", shop, "--method", "gated", out="again.safetensors")
    assert again["best_epoch"] == told["best_epoch"]
    assert (tmp_path / "again.safetensors").read_bytes() == weights.read_bytes()


def test_what_was_indexed_is_not_encoded_again(
    shop: Path, train, shopsearch, monkeypatch: pytest.MonkeyPatch
):
    shopsearch.json("index", shop / "products.csv")
    from shopsearch.encoders.hashing import HashingEncoder

    seen = []
    encode = HashingEncoder.encode_images
    monkeypatch.setattr(
        HashingEncoder,
        "encode_images",
        lambda self, ps: (seen.append(len(ps)), encode(self, ps))[1],
    )
    train("--catalog", shop)
    n_views = sum(seen)
    assert 0 < n_views <= 2 * 96  # views are new, pictures are not
    seen.clear()
    train("--catalog", shop, out="again.safetensors")
    assert not seen


def test_trained_weights_are_used_by_a_setting(
    shop: Path, tmp_path: Path, train, shopsearch, monkeypatch: pytest.MonkeyPatch
):
    train("--catalog", shop, "--method", "late")
    monkeypatch.setenv("SHOPSEARCH_FUSION", str(tmp_path / "fusion.safetensors"))
    shopsearch.json("index", shop / "products.csv")
    hits = shopsearch.json("search", "red ball", "-k", 3)["hits"]
    assert len(hits) == 3
    monkeypatch.setenv("SHOPSEARCH_FUSION", "average")
    assert "reindex" in shopsearch("search", "red ball").output


def test_judged_queries_are_learned_from(shop: Path, tmp_path: Path, train):
    (tmp_path / "q.jsonl").write_text('{"query_id": "a", "text": "something red"}\n')
    rows = "".join(f"a,{number},{1 + number % 3}\n" for number in range(0, 40, 4))
    (tmp_path / "qrels.csv").write_text(f"query_id,product_id,gain\n{rows}")
    judged = ("--queries", tmp_path / "q.jsonl", "--qrels", tmp_path / "qrels.csv")
    told = train("--catalog", shop, *judged)
    assert told["epochs"][-1]["loss"] > 0
    failed = train("--catalog", shop, *judged[:2], exit_code=2)
    assert "--qrels" in failed.output


def test_judgments_of_unknown_products_are_told(shop: Path, tmp_path: Path, train):
    (tmp_path / "q.jsonl").write_text('{"query_id": "a", "text": "red"}\n')
    (tmp_path / "qrels.csv").write_text("query_id,product_id,gain\na,nothing,1\n")
    judged = ("--queries", tmp_path / "q.jsonl", "--qrels", tmp_path / "qrels.csv")
    failed = train("--catalog", shop, *judged, exit_code=1)
    assert "check that the product ids" in failed.output


def test_a_catalog_of_three_products_is_too_small(tmp_path: Path, train, feed: Path):
    failed = train("--catalog", feed, exit_code=1)
    assert "at least 64" in failed.output
    assert not (tmp_path / "fusion.safetensors").exists()


def test_a_run_that_was_never_begun_is_not_resumed(shop: Path, tmp_path: Path, train):
    failed = train("--catalog", shop, "--resume", exit_code=1)
    assert "no run to resume" in failed.output
    assert not (tmp_path / "fusion.safetensors").exists()


def test_the_methods_of_the_command_are_those_of_the_fusion_room():
    from shopsearch.cli.train_fusion import METHODS
    from shopsearch.fusion import methods

    assert list(METHODS) == list(methods.METHODS)
