"""`shopsearch train head`, on drawn pictures and with the real towers."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image, ImageDraw
from torch import Tensor

from shopsearch.cli.commands import cli
from shopsearch.encoders.compact_head import CompactHead
from shopsearch.encoders.compact_towers import TextTower
from shopsearch.training import head
from shopsearch.training.frozen_parts import embed_class_names

COLOURS = ("red", "green", "blue", "orange")
SHAPES = ("ball", "box")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """72 products: balls and boxes of four colours; eight of them are held out."""
    folder = tmp_path_factory.mktemp("drawn")
    with (folder / "products.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "category", "color", "image", "split"])
        for number in range(72):
            colour, shape = COLOURS[number % 4], SHAPES[number // 4 % 2]
            picture = Image.new("RGB", (48, 48), "white")
            place = (4 + number % 7, 4, 40, 36 + number % 5)
            pen = ImageDraw.Draw(picture)
            (pen.ellipse if shape == "ball" else pen.rectangle)(place, fill=colour)
            picture.save(folder / f"{number}.png")
            title = f"{colour} {shape} number {number}"
            split = "val" if number >= 64 else "train"
            writer.writerow([number, title, f"Toys > {shape}", colour, f"{number}.png", split])
    return folder


def run(*arguments: object):
    return CliRunner().invoke(cli, ["train", "head", *map(str, arguments)])


@pytest.mark.slow
def test_a_head_is_trained_and_told_about(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    names: list[Tensor] = []  # of 4,000 texts: embedding them once will do

    def class_names(texts: TextTower) -> Tensor:
        names.extend([] if names else [embed_class_names(texts)])
        return names[0]

    monkeypatch.setattr(head, "embed_class_names", class_names)
    options = ("--catalog", drawn, "--epochs", 2, "--batch-size", 32, "--json")
    first = run(*options, "--out", tmp_path / "head.safetensors")
    assert first.exit_code == 0, first.stderr
    told = json.loads(first.stdout)
    assert (told["pairs"], told["held_out"], len(told["epochs"])) == (64, 8, 2)
    assert 0 <= told["recall@10"] <= 1
    assert "epoch 2: loss" in first.stderr

    assert CompactHead.load(tmp_path / "head.safetensors").dimension > 0
    assert (tmp_path / "head.png").read_bytes().startswith(b"\x89PNG")
    card = (tmp_path / "head.md").read_text()
    assert "64" in card
    (megabytes,) = re.findall(r"at most ([\d,]+) MB of memory", card)
    assert int(megabytes.replace(",", "")) == pytest.approx(told["peak_memory_mb"], abs=1)
    assert told["seconds"] > 0

    torch.rand(5)
    again = run(*options, "--out", tmp_path / "again.safetensors")  # from the cache
    assert again.exit_code == 0, again.stderr
    same = (tmp_path / "again.safetensors").read_bytes()
    assert same == (tmp_path / "head.safetensors").read_bytes()


def test_three_products_are_too_few(tmp_path: Path):
    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    (tmp_path / "products.csv").write_text(
        "id,title,image\n1,one,p.png\n2,two,p.png\n3,three,p.png\n"
    )
    failed = run("--catalog", tmp_path, "--out", tmp_path / "head.safetensors")
    assert failed.exit_code == 1
    assert "3 products with a picture file" in failed.stderr
    assert not (tmp_path / "head.safetensors").exists()


def test_a_validation_catalog_that_is_not_there_is_wrong_usage(drawn: Path, tmp_path: Path):
    failed = run("--catalog", drawn, "--val", tmp_path / "nowhere")
    assert failed.exit_code == 2
    assert "nowhere" in failed.stderr


def test_a_kind_that_no_product_has_is_an_error(drawn: Path):
    failed = run("--catalog", drawn, "--leave-out", "bicycle")
    assert failed.exit_code == 1
    assert "bicycle" in failed.stderr
