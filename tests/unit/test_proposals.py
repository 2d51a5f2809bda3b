"""Proposed regions: where things are, and what holds for any picture whatever."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from shopsearch.demo.kinds import Look, draw
from shopsearch.domain import Region
from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.items import PREVIEW_PX, ItemPreparer
from shopsearch.preprocessing.pictures import PictureLibrary
from shopsearch.preprocessing.proposals import MAX_PROPOSALS, propose

THINGS = {"red": (40, 60, 160, 200), "blue": (240, 40, 360, 150), "green": (200, 220, 380, 280)}
GROUNDS = ("white", "#223344", "gradient", "noise")


def scene(ground: str, things: dict[str, tuple[int, int, int, int]] = THINGS) -> Image.Image:
    """Boxes of one colour each on a background of 400 x 300 pixels."""
    across = np.linspace(150, 220, 400)[None, :, None] * np.ones((300, 1, 3))
    if ground == "gradient":
        picture = Image.fromarray(across.astype(np.uint8))
    elif ground == "noise":
        noise = np.random.default_rng(0).normal(0, 20, (300, 400, 1))
        picture = Image.fromarray(np.clip(across + noise, 0, 255).astype(np.uint8))
    else:
        picture = Image.new("RGB", (400, 300), ground)
    pen = ImageDraw.Draw(picture)
    for colour, box in things.items():
        pen.rectangle(box, fill=colour)
    return picture


def overlap(region: Region, box: tuple[float, float, float, float]) -> float:
    """Intersection over union with a box of pixels of the scene."""
    left, top = max(region.x, box[0] / 400), max(region.y, box[1] / 300)
    right = min(region.x + region.width, box[2] / 400)
    bottom = min(region.y + region.height, box[3] / 300)
    both = max(0.0, right - left) * max(0.0, bottom - top)
    area = (box[2] - box[0]) * (box[3] - box[1]) / (400 * 300)
    return both / (region.width * region.height + area - both)


def iou(one: Region, other: Region) -> float:
    end, bottom = other.x + other.width, other.y + other.height
    return overlap(one, (other.x * 400, other.y * 300, end * 400, bottom * 300))


@pytest.mark.parametrize("ground", GROUNDS)
def test_each_thing_of_a_scene_is_proposed(ground: str) -> None:
    proposed = [one.region for one in propose(scene(ground))]
    missed = [
        name for name, box in THINGS.items() if all(overlap(one, box) < 0.6 for one in proposed)
    ]
    assert missed == []


def test_the_only_thing_is_proposed_first() -> None:
    first = propose(scene("gradient", {"red": THINGS["red"]}))[0]
    assert overlap(first.region, THINGS["red"]) > 0.8


def test_a_thing_that_reaches_the_border_is_proposed() -> None:
    box = (260, 100, 400, 220)
    assert overlap(propose(scene("white", {"red": box}))[0].region, box) > 0.7


def test_a_drawn_product_is_found_on_its_ground() -> None:
    drawn = draw("mug", Look("red", "striped"), 7).convert("RGB")
    (first, *_) = propose(drawn)
    assert 0.1 < first.region.width * first.region.height < 0.9


@pytest.mark.parametrize("colour", ["white", "black", "#808080"])
def test_a_picture_of_one_colour_holds_nothing(colour: str) -> None:
    assert propose(Image.new("RGB", (300, 200), colour)) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (512, 512), (3, 511)])
def test_pictures_of_any_shape_are_looked_at(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    for one in propose(Image.fromarray(noise)):
        assert one.region.shows_something


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(2, 7), st.integers(10, 90))
def test_proposals_are_ordered_few_within_the_picture_and_apart(
    seed: int, n_things: int, side: int
) -> None:
    chance = np.random.default_rng(seed)
    things = {}
    for number in range(n_things):
        left, top = chance.integers(0, 400 - side), chance.integers(0, 300 - side)
        colour = f"#{chance.integers(0, 2**24):06x}"
        things[colour if number else "red"] = (left, top, left + side, top + side)
    proposed = propose(scene("white", things))
    assert len(proposed) <= MAX_PROPOSALS
    assert [one.score for one in proposed] == sorted((p.score for p in proposed), reverse=True)
    for place, one in enumerate(proposed):
        region = one.region
        assert region.shows_something
        assert region.x + region.width <= 1.0001
        assert region.y + region.height <= 1.0001
        assert 0.0 <= one.score <= 1.0
        assert all(iou(region, other.region) <= 0.501 for other in proposed[:place])


def test_the_same_picture_has_the_same_proposals() -> None:
    assert propose(scene("noise")) == propose(scene("noise"))


@pytest.fixture
def preparer(tmp_path: Path) -> ItemPreparer:
    return ItemPreparer(PictureLibrary(tmp_path / "kept"), PictureFetcher(None))


def encoded(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def test_nothing_of_a_shoppers_picture_is_kept(preparer: ItemPreparer, tmp_path: Path) -> None:
    picture = encoded(scene("white"))
    assert len(preparer.propose_regions(picture)) >= len(THINGS)
    assert preparer.preview(picture)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_preview_is_small_and_of_the_same_shape(preparer: ItemPreparer) -> None:
    large = scene("gradient").resize((2000, 1500))
    with Image.open(io.BytesIO(preparer.preview(encoded(large)))) as preview:
        assert preview.format == "WEBP"
        assert preview.size == (PREVIEW_PX, PREVIEW_PX * 3 // 4)


def test_what_is_no_picture_has_no_regions(preparer: ItemPreparer) -> None:
    for broken in (b"", b"<html>", b"\xff\xd8\xff\xe0 once a picture"):
        with pytest.raises(PictureRejected):
            preparer.propose_regions(broken)
