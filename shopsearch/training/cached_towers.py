"""The two frozen towers, with a cache on disk of what they made of pictures, views and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from shopsearch.encoders.compact_id import PREPROCESSING
from shopsearch.encoders.compact_towers import ImageTower, TextTower
from shopsearch.errors import PictureRejected, TrainingError
from shopsearch.preprocessing.images import decode
from shopsearch.training.feature_cache import Report, cached_rows, picture_key
from shopsearch.training.pairs import Pair
from shopsearch.training.views import close_view, scene_view

N_VIEWED = 1500  # products of which other views are made
SHARP_PX = 160  # the least longest side of a picture worth other views
VIEW_PX = 320  # views are made at this size: the tower sees no more, and it is quick
MAX_PIXELS = 50_000_000
_FEWEST_SHARP = 200  # with fewer, small pictures have to do
_N_SURROUNDINGS = 40
_DECODERS = 4
_VIEWS = ("close", "scene")

Stage = Callable[[str], Report]  # the name of a stage -> what its progress is reported to


class CachedTowers:
    """Encodes what the cache does not have, and tells how far it is."""

    def __init__(self, cache: Path, stage: Stage) -> None:
        self.images, self.texts = ImageTower(), TextTower()
        self._cache, self._stage = cache, stage

    def features(self, pairs: Sequence[Pair], stage: str = "pictures") -> Tensor:
        """(N, F) features of the pictures, in half precision."""
        return cached_rows(
            self._cache,
            f"features-{PREPROCESSING}",
            [picture_key(pair.picture) for pair in pairs],
            pairs,
            lambda some: self._encode(pair.picture for pair in some),
            report=self._stage(stage),
        )

    def captions(self, pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
        """The (N, W) ids of the captions of each pair, and the (n, T) embeddings they point to."""
        numbers: dict[str, int] = {}
        ids = [[numbers.setdefault(t, len(numbers)) for t in pair.captions.texts] for pair in pairs]
        words = list(numbers)
        rows = cached_rows(
            self._cache, "captions", words, words, self.texts.embed, report=self._stage("captions")
        )
        return torch.tensor(ids), rows.float()

    def views(self, pairs: Sequence[Pair], seed: int) -> tuple[Tensor, Tensor]:
        """The (n,) places of some pairs, each twice, and the (n, F) features of views of them."""
        places = draw_sharp(pairs, N_VIEWED, seed)
        surroundings = [_small(pairs[place].picture) for place in places[:_N_SURROUNDINGS]]
        jobs = [(place, kind) for place in places for kind in _VIEWS]

        def view(job: tuple[int, str]) -> Image.Image:
            place, kind = job
            picture = _small(pairs[place].picture)
            if kind == "close":
                return close_view(picture, seed + place)
            return scene_view(picture, seed + place, surroundings)

        rows = cached_rows(
            self._cache,
            f"views-{PREPROCESSING}-{seed}",
            [f"{picture_key(pairs[place].picture)} {place} {kind}" for place, kind in jobs],
            jobs,
            lambda some: self.images.features([view(job) for job in some]),
            report=self._stage("views"),
        )
        return torch.tensor([place for place, _ in jobs]), rows.float()

    def _encode(self, paths: Iterable[Path]) -> Tensor:
        with ThreadPoolExecutor(_DECODERS) as decoders:
            return self.images.features(list(decoders.map(_opened, paths)))


def draw_sharp(pairs: Sequence[Pair], n: int, seed: int) -> list[int]:
    """The places of at most n pairs, drawn by seed; small pictures only where others are few.

    A view of a thumbnail would mostly be a blur.
    """
    order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(seed)).tolist()
    sharp: list[int] = []
    for place in order:
        with Image.open(pairs[place].picture) as picture:  # reads no more than the header
            if max(picture.size) >= SHARP_PX:
                sharp.append(place)
        if len(sharp) == n:
            break
    return sharp if len(sharp) >= _FEWEST_SHARP else order[:n]


@torch.no_grad()
def in_slices(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A function of rows, without all of them in full precision at once."""
    return torch.cat([function(part.float()) for part in rows.split(4096)])


def _small(path: Path) -> Image.Image:
    picture = _opened(path)
    picture.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.BICUBIC)
    return picture


def _opened(path: Path) -> Image.Image:
    try:
        return decode(path.read_bytes(), max_pixels=MAX_PIXELS)
    except (OSError, PictureRejected) as error:
        raise TrainingError(
            f"{path}: {error}; replace the picture, or take the product out of the catalog"
        ) from error
