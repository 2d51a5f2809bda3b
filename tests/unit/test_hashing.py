"""The hashing encoder: stable everywhere, and good enough to test cross-modal search with."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from shopsearch.encoders.hashing import HashingEncoder

COLOURS = {
    "red": (220, 30, 35),
    "green": (40, 150, 60),
    "blue": (35, 90, 200),
    "yellow": (250, 215, 40),
    "black": (20, 20, 20),
    "pink": (245, 120, 170),
}


def drawn(colour: str, *, paper: str = "white", left: int = 60) -> Image.Image:
    picture = Image.new("RGB", (240, 200), paper)
    ImageDraw.Draw(picture).ellipse((left, 50, left + 110, 160), fill=COLOURS[colour])
    return picture


@pytest.mark.parametrize("paper", ["white", "#f3efe6", "#dde7f0"])
def test_colour_words_find_pictures_of_that_colour(paper: str):
    encoder = HashingEncoder()
    texts = encoder.encode_texts([f"a {colour} mug with a handle" for colour in COLOURS])
    images = encoder.encode_images([drawn(colour, paper=paper) for colour in COLOURS])
    scores = texts @ images.T
    assert scores.argmax(axis=1).tolist() == list(range(len(COLOURS)))
    assert np.diag(scores).min() > np.sort(scores, axis=1)[:, -2].max()


@pytest.mark.parametrize("near", ["a striped mug with a handle", "striped mugs", "mug, striped"])
def test_texts_that_share_words_or_spelling_are_nearer_than_others(near: str):
    encoder = HashingEncoder()
    text, nearer, other = encoder.encode_texts(["striped mug", near, "wooden chair"])
    assert float(text @ nearer) > float(text @ other) + 0.2


def test_a_picture_is_nearest_to_its_own_kind():
    encoder = HashingEncoder()
    (query,) = encoder.encode_images([drawn("red", left=65)])
    shop = encoder.encode_images([drawn(colour) for colour in COLOURS])
    assert int((shop @ query).argmax()) == 0


def test_rows_are_the_same_in_every_process():
    code = (
        "from shopsearch.encoders.hashing import HashingEncoder;"
        "print(HashingEncoder().encode_texts(['red mug with stripes']).tobytes().hex())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = HashingEncoder().encode_texts(["red mug with stripes"]).tobytes().hex()
    assert seen == {f"{here}\n"}


def test_the_id_names_the_dimension():
    assert HashingEncoder(64).encoder_id == "hashing-64-v1"
    assert HashingEncoder(64).dimension == 64


def test_too_few_dimensions_are_refused():
    with pytest.raises(ValueError, match="32 dimensions or more, got 16"):
        HashingEncoder(16)


def test_it_needs_no_torch():
    code = (
        "import sys; from shopsearch.encoders.hashing import HashingEncoder;"
        "HashingEncoder().encode_texts(['a']); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
