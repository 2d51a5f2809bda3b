"""`shopsearch train combiner`, on drawn pictures and with hashed embeddings."""

from __future__ import annotations

import csv
import itertools
import json
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from shopsearch.fusion.card import read_card

COLOURS = ("red", "green", "blue", "orange")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """48 toys in four colours each."""
    folder = tmp_path / "toys"
    folder.mkdir()
    with (folder / "products.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "product_type", "color", "image_link"])
        for number, (toy, colour) in enumerate(itertools.product(range(48), COLOURS)):
            picture = Image.new("RGB", (24, 24), "white")
            ImageDraw.Draw(picture).ellipse((1, toy % 9, 20 - toy % 7, 23), fill=colour)
            picture.save(folder / f"{number}.png")
            writer.writerow([number, f"Toy number {toy} {colour}", "Toys", colour, f"{number}.png"])
    return folder


def test_a_combiner_is_trained_and_told_about(shop: Path, feed: Path, tmp_path: Path, shopsearch):
    weights = tmp_path / "out" / "combiner.safetensors"
    result = shopsearch(
        "train",
        "combiner",
        "--catalog",
        shop,
        "--catalog",
        feed,
        "--epochs",
        1,
        "--out",
        weights,
        "--json",
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["products_by_catalog"] == [192, 4]
    assert set(told["learned"]) == set(told["weighted_sum"]) == {"0.3", "0.5", "0.7"}
    card = read_card(weights)
    assert (card.encoder_id, card.sizes["fusion_id"]) == ("hashing-128-v1", "average")
    assert weights.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    card_text = weights.with_suffix(".md").read_text()
    assert "but in blue" in card_text
    (megabytes,) = re.findall(r"at most ([\d,]+) MB of memory", card_text)
    assert int(megabytes.replace(",", "")) == pytest.approx(told["peak_memory_mb"], abs=1)
    assert not told["interrupted"]

    again = tmp_path / "again" / "combiner.safetensors"
    catalogs = ("--catalog", shop, "--catalog", feed)
    shopsearch.json("train", "combiner", *catalogs, "--epochs", 1, "--out", again)
    assert again.read_bytes() == weights.read_bytes()


def test_a_catalog_without_variants_is_refused_and_nothing_is_written(
    feed: Path, tmp_path: Path, shopsearch
):
    weights = tmp_path / "out" / "combiner.safetensors"
    result = shopsearch("train", "combiner", "--catalog", feed, "--out", weights)
    assert result.exit_code == 1
    assert "too few to learn from" in result.output
    assert "--map color=COLUMN" in result.output
    assert not weights.parent.exists()
