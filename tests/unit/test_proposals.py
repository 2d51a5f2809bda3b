"""Proposed regions: what stands out from the border of a picture."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageDraw

from shopsearch.domain import Region
from shopsearch.preprocessing.proposals import MAX_PROPOSALS, propose

RED, BLUE = (190, 30, 40), (30, 60, 170)


def on(background: Image.Image, *shapes: tuple[tuple[int, int, int, int], tuple[int, int, int]]):
    pen = ImageDraw.Draw(background)
    for box, colour in shapes:
        pen.ellipse(box, fill=colour)
    return background


def overlap(one: Region, other: Region) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0.0, across) * max(0.0, down)
    return both / (one.width * one.height + other.width * other.height - both)


def hits(picture: Image.Image, box: tuple[int, int, int, int]) -> bool:
    width, height = picture.size
    left, top, right, bottom = box
    true = Region(left / width, top / height, (right - left) / width, (bottom - top) / height)
    return any(overlap(one.region, true) > 0.7 for one in propose(picture))


BOXES = [(40, 60, 180, 220), (330, 250, 480, 420)]


@pytest.mark.parametrize("background", ["plain", "gradient", "noise", "black"])
def test_each_thing_on_a_calm_background_is_proposed(background: str) -> None:
    paper = {
        "plain": lambda: Image.new("RGB", (520, 480), (236, 232, 220)),
        "gradient": lambda: Image.linear_gradient("L").resize((520, 480)).convert("RGB"),
        "noise": lambda: Image.blend(
            Image.new("RGB", (520, 480), "white"),
            Image.effect_noise((520, 480), 40).convert("RGB"),
            0.25,
        ),
        "black": lambda: Image.new("RGB", (520, 480), "black"),
    }[background]()
    picture = on(paper, (BOXES[0], RED), (BOXES[1], BLUE))
    assert all(hits(picture, box) for box in BOXES)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3, 3), (512, 511)])
def test_an_empty_picture_of_any_size_has_no_region(size: tuple[int, int]) -> None:
    assert propose(Image.new("RGB", size, (12, 200, 90))) == ()


def test_noise_without_end_gives_few_regions_that_differ_and_stay_inside() -> None:
    chance = random.Random(1)
    for _ in range(20):
        size = (chance.randint(20, 400), chance.randint(20, 400))
        found = propose(Image.frombytes("RGB", size, chance.randbytes(3 * size[0] * size[1])))
        assert len(found) <= MAX_PROPOSALS
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for at, one in enumerate(found):
            region = one.region
            assert region.shows_something
            assert region.x + region.width <= 1.0001
            assert region.y + region.height <= 1.0001
            assert all(overlap(region, other.region) <= 0.501 for other in found[:at])
