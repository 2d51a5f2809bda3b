"""An encoder without weights, for fast tests only: it knows spelling and colours, nothing else.

A row has two parts. The first holds colours, one place per colour name: a text puts the colour
words it contains there, a picture the colours it shows, so "red mug" finds red pictures. The rest
holds hashed words and letter trigrams of a text (Weinberger et al., Feature Hashing, 2009), or the
coarse layout of a picture under a fixed random projection; between the two it is noise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

_PALETTE: dict[str, tuple[tuple[int, int, int], ...]] = {  # shades of each colour, sRGB
    "red": ((220, 30, 35), (150, 15, 25)),
    "orange": ((245, 130, 30),),
    "yellow": ((250, 215, 40), (235, 200, 90)),
    "green": ((40, 150, 60), (20, 90, 50), (130, 200, 110)),
    "teal": ((20, 150, 150), (70, 200, 195)),
    "blue": ((35, 90, 200), (20, 40, 110), (110, 170, 230)),
    "purple": ((120, 55, 160), (170, 120, 210)),
    "pink": ((245, 120, 170), (250, 180, 200)),
    "brown": ((120, 75, 40), (85, 50, 30)),
    "beige": ((225, 205, 170),),
    "grey": ((128, 128, 128), (180, 180, 180)),
    "black": ((20, 20, 20), (50, 50, 50)),
    "white": ((250, 250, 250),),
}
_OTHER_WORDS = {
    "red": "crimson maroon scarlet burgundy",
    "yellow": "gold golden mustard",
    "green": "olive lime mint",
    "teal": "cyan turquoise aqua",
    "blue": "navy azure indigo",
    "purple": "violet lilac lavender",
    "pink": "magenta rose",
    "beige": "cream tan sand",
    "grey": "gray silver",
    "black": "charcoal",
    "white": "ivory",
}
_SYNONYMS = {word: name for name, words in _OTHER_WORDS.items() for word in words.split()}
_COLOUR_PLACES = {name: place for place, name in enumerate(_PALETTE)}
_SHADE_PLACES = np.array([_COLOUR_PLACES[n] for n, shades in _PALETTE.items() for _ in shades])
_LAYOUT_SIDE_PX = 8
_LAYOUT_WEIGHT = 0.75  # of the part after the colours, which weigh 1
_MIN_DIMENSION = 32


class HashingEncoder:
    """Deterministic embeddings without weights or torch; never offered to users."""

    def __init__(self, dimension: int = 128) -> None:
        if dimension < _MIN_DIMENSION:
            raise ValueError(
                f"a hashing encoder needs {_MIN_DIMENSION} dimensions or more, got {dimension}"
            )
        self.dimension = dimension
        self.encoder_id = f"hashing-{dimension}-v1"
        self._n_rest = dimension - len(_PALETTE)
        self._projection = _random_signs(3 * _LAYOUT_SIDE_PX**2 + 1, self._n_rest)

    def encode_images(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        return self._stack([self._image_row(picture) for picture in pictures])

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        return self._stack([self._text_row(text) for text in texts])

    def _image_row(self, picture: Image) -> NDArray[np.float64]:
        pixels = _thumbnail(picture, 32)  # (32, 32, 3)
        layout = _thumbnail(picture, _LAYOUT_SIDE_PX).ravel()  # (192,)
        features = np.append((layout - layout.mean()) / 255.0, 1.0)  # never all zero
        return _join(_colour_shares(pixels), features @ self._projection)

    def _text_row(self, text: str) -> NDArray[np.float64]:
        words = re.findall(r"\w+", text.casefold())
        colours = np.zeros(len(_PALETTE))
        for word in words:
            if (place := _COLOUR_PLACES.get(_SYNONYMS.get(word, word))) is not None:
                colours[place] += 1.0
        rest = np.zeros(self._n_rest)
        for feature, weight in _features(words):
            digest = hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=9).digest()
            sign = 1.0 if digest[8] & 1 else -1.0
            rest[int.from_bytes(digest[:8], "big") % self._n_rest] += sign * weight
        if not rest.any():  # features that cancel out
            rest[0] = 1.0
        return _join(colours, rest)

    def _stack(self, rows: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dimension)


def _join(colours: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """One unit row; colours that are all zero leave the length to the rest."""
    length = float(np.linalg.norm(colours)) or 1.0
    row = np.concatenate([colours / length, _LAYOUT_WEIGHT * rest / np.linalg.norm(rest)])
    unit: NDArray[np.float64] = row / np.linalg.norm(row)
    return unit


def _features(words: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Words, letter trigrams of words, and one feature that every text has."""
    yield "", 0.1
    for word in words:
        yield word, 1.0
        padded = f" {word} "
        for start in range(len(padded) - 2):
            yield f"3:{padded[start : start + 3]}", 0.4


def _thumbnail(picture: Image, side_px: int) -> NDArray[np.float64]:
    """(side, side, 3) pixels in 0..255."""
    from PIL.Image import Resampling

    small = picture.convert("RGB").resize((side_px, side_px), Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _colour_shares(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of each colour name in what stands before the background, the border's colour."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])  # (4S, 3)
    flat = pixels.reshape(-1, 3)
    foreground = flat[np.abs(flat - np.median(border, axis=0)).max(axis=1) > 24]
    if len(foreground) < len(flat) // 100:  # one colour fills the picture
        foreground = flat
    shades = np.array([shade for shades in _PALETTE.values() for shade in shades], dtype=np.float64)
    gaps = _opponent(foreground)[:, None, :] - _opponent(shades)[None, :, :]  # (P, shades, 3)
    nearest = _SHADE_PLACES[np.argmin((gaps**2).sum(axis=2), axis=1)]  # (P,)
    shares: NDArray[np.float64] = np.bincount(nearest, minlength=len(_PALETTE)) / len(nearest)
    return shares


def _opponent(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lightness, red against green, yellow against blue: hue weighs more than lightness."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    light = (red + green + blue) / 3.0
    return np.stack([0.7 * light, 1.2 * (red - green), (red + green) / 2.0 - blue], axis=-1)


def _random_signs(n_rows: int, n_columns: int) -> NDArray[np.float64]:
    """A fixed matrix of +1 and -1, the same on every machine and with every numpy."""
    n_bytes = (n_rows * n_columns + 7) // 8
    stream = hashlib.shake_256(b"shopsearch hashing encoder").digest(n_bytes)
    bits = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))[: n_rows * n_columns]
    return bits.reshape(n_rows, n_columns).astype(np.float64) * 2.0 - 1.0
