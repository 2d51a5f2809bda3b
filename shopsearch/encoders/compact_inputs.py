"""What the towers of the compact model are fed with, in either runtime: squares and tokens.

Torch is not needed here. Letters: B pictures or texts of a batch, S the side of a square, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 224
MAX_STRETCH = 1.5  # a longer picture keeps its shape beyond this ratio and gets white margins
MAX_TOKENS = 256
_MAX_CHARS = 8_000  # no 256 tokens are longer, and the tokenizer need not read a whole book
PICTURES_PER_BATCH = 32
TOKENS_PER_BATCH = 4096

Squares = NDArray[np.uint8]  # (B, S, S, 3)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Texts of like length as tokens, padded to the longest."""

    places: NDArray[np.int64]  # (B,), where among all texts each one stands
    ids: NDArray[np.int64]  # (B, T)
    mask: NDArray[np.float32]  # (B, T), 1 where there is a token


class TextReader:
    """Reads texts as the tokens that MiniLM knows."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = _load_tokenizer(folder)

    def batches(self, texts: Sequence[str]) -> Iterator[TokenBatch]:
        """All texts, those of like length together, at most TOKENS_PER_BATCH tokens a batch."""
        readable = [_readable(text) for text in texts]
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(readable)]
        for places in batches_by_length([len(ids) for ids in tokens]):
            yield _padded(places, [tokens[place] for place in places])


def square_batches(
    pictures: Sequence[Image.Image], size: int = PICTURES_PER_BATCH
) -> Iterator[Squares]:
    """Batches of squares; the next one is made ready while the network works on this one."""
    if len(pictures) == 1:  # a query: not worth a thread
        yield squares_of(pictures)
        return
    slices = [pictures[start : start + size] for start in range(0, len(pictures), size)]
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="squares") as ahead:
        yield from ahead.map(squares_of, slices)


def squares_of(pictures: Sequence[Image.Image], side_px: int = SIDE_PX) -> Squares:
    """Pictures of any shape as squares of pixels."""
    squares = np.empty((len(pictures), side_px, side_px, 3), dtype=np.uint8)
    for square, picture in zip(squares, pictures, strict=True):
        square[:] = np.asarray(fit_to_square(picture, side_px))
    return squares


def fit_to_square(picture: Image.Image, side_px: int = SIDE_PX) -> Image.Image:
    """A square picture: stretched by up to MAX_STRETCH, and white margins for what is left."""
    width, height = picture.size
    ratio = max(width, height) / min(width, height)
    if ratio <= MAX_STRETCH:
        return _resize(picture, (side_px, side_px))
    short_px = max(1, round(side_px * MAX_STRETCH / ratio))
    size = (side_px, short_px) if width > height else (short_px, side_px)
    square = Image.new("RGB", (side_px, side_px), "white")
    square.paste(_resize(picture, size), ((side_px - size[0]) // 2, (side_px - size[1]) // 2))
    return square


def batches_by_length(lengths: Sequence[int]) -> Iterator[NDArray[np.int64]]:
    """Places of texts of like length together, at most TOKENS_PER_BATCH tokens with padding."""
    order = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or (end + 1 - start) * lengths[order[end]] > TOKENS_PER_BATCH
        if full:
            yield order[start:end]
            start = end


def _padded(places: NDArray[np.int64], tokens: Sequence[Sequence[int]]) -> TokenBatch:
    shape = (len(tokens), max(len(ids) for ids in tokens))
    ids, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
    for row, known in enumerate(tokens):
        ids[row, : len(known)] = known
        mask[row, : len(known)] = 1.0
    return TokenBatch(places, ids, mask)


def _resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _load_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _readable(text: str) -> str:
    """The beginning of a text; half of a surrogate pair, which is no character, becomes "?"."""
    return text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8")
