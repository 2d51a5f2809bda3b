"""Lays a map of relevance over a picture.

The colours are those of viridis, which is perceptually uniform and told apart by the colour-blind:
yellow speaks most. They are kept here as 17 steps, so that a server needs no plotting library.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_VIRIDIS = np.array(
    [
        (68, 1, 84),
        (72, 24, 106),
        (71, 45, 123),
        (66, 64, 134),
        (59, 82, 139),
        (51, 99, 141),
        (44, 114, 142),
        (38, 130, 142),
        (33, 145, 140),
        (31, 160, 136),
        (40, 174, 128),
        (63, 188, 115),
        (94, 201, 98),
        (132, 212, 75),
        (173, 220, 48),
        (216, 226, 25),
        (253, 231, 37),
    ],
    dtype=np.float64,
)  # (17, 3)
_MOST_COVER = 0.75  # of the picture, where relevance is 1: what lies below can still be made out
_LEAST_COVER = 0.15  # where it is 0: a tint, so that the warm places stand out on white grounds too


def laid_over(picture: Image.Image, relevance: NDArray[np.float32]) -> Image.Image:
    """The RGB picture, in grey, under the colours of (h, w) relevance in 0..1.

    Without any relevance it is the picture as it is.
    """
    if not relevance.any():
        return picture.copy()
    smooth = np.clip(_enlarged(relevance, picture.size), 0.0, 1.0)  # (H, W)
    cover = _LEAST_COVER + (_MOST_COVER - _LEAST_COVER) * smooth[..., None]  # (H, W, 1)
    grey = np.asarray(picture.convert("L").convert("RGB"), dtype=np.float64)  # (H, W, 3)
    mixed = (1.0 - cover) * grey + cover * colours(smooth)
    return Image.fromarray(mixed.round().astype(np.uint8))


def colours(shares: NDArray[np.float32]) -> NDArray[np.float64]:
    """(..., 3) red, green and blue in 0..255 of viridis at shares in 0..1."""
    steps = np.linspace(0.0, 1.0, len(_VIRIDIS))
    channels = [np.interp(shares, steps, _VIRIDIS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1)


def _enlarged(relevance: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """(H, W) for a picture of (W, H) pixels."""
    cells = Image.fromarray(np.ascontiguousarray(relevance, dtype=np.float32))
    return np.asarray(cells.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
