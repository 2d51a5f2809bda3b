"""A small encoder whose maps can be told beforehand: it sees nothing but red, green and blue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

COLOURS = ("red", "green", "blue")


class ColourEncoder:
    """A working `Encoder` and `RegionExplainer`.

    A picture's row is its mean colour, and some of what any picture has; a text's row is the
    colours that it names, or, naming none, what any picture has.
    The relevance of a pixel is how much of the wanted colour it has.
    """

    encoder_id = "colours"
    dimension = 4

    def encode_images(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        means = [[*np.asarray(picture).mean(axis=(0, 1)), 40.0] for picture in pictures]
        return _unit(np.array(means).reshape(-1, 4))

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        named = [[float(colour in text.split()) for colour in COLOURS] for text in texts]
        rows = np.array([[*row, float(not any(row))] for row in named])
        return _unit(rows.reshape(-1, 4))

    def relevance(self, picture: Image, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        pixels = np.asarray(picture, dtype=np.float32) / 255
        evidence = (pixels @ (2 * wanted[:3] - wanted.max())).clip(min=0.0)
        return evidence / evidence.max() if evidence.any() else evidence


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
