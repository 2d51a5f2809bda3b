"""What benchmarks/compact_quality.py measures with: towers over the archives, and measures."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from shopsearch.encoders.compact_towers import ImageTower, TextTower
from shopsearch.preprocessing.images import decode
from shopsearch.training.cached_towers import VIEW_PX
from shopsearch.training.feature_cache import cached_rows, picture_key

Row = dict[str, str]


class Bench:
    """Towers, archives and a cache of features."""

    def __init__(self, data: Path, cache: Path) -> None:
        self.data, self.cache = data, cache
        self.tower, self.texts = ImageTower(), TextTower()

    def rows(self, archive: str) -> list[Row]:
        with (self.folder(archive) / "products.csv").open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["image"]]

    def folder(self, archive: str) -> Path:
        if (self.data / archive).is_dir():
            return self.data / archive
        unpacked = self.cache / "archives" / archive
        if not unpacked.is_dir():
            with zipfile.ZipFile(self.data / f"{archive}.zip") as packed:
                packed.extractall(unpacked)
        found = next(unpacked.rglob("products.csv"), None) or next(unpacked.rglob("*.jsonl"))
        return found.parent

    def features(self, paths: Sequence[Path]) -> tuple[Tensor, Tensor]:
        keys = [picture_key(path) for path in paths]
        rows = cached_rows(
            self.cache,
            "pictures",
            keys,
            list(paths),
            lambda some: self.tower.features([opened(path) for path in some]),
            report=silent,
        ).float()
        return rows, self.tower.logits(rows)

    def views(self, name: str, views: Sequence[Callable[[], Image.Image]]) -> Tensor:
        keys = [f"{name} {number}" for number in range(len(views))]
        return cached_rows(
            self.cache,
            f"views-{name}",
            keys,
            list(views),
            lambda some: self.tower.features([view() for view in some]),
            report=silent,
        ).float()


def silent(ready: int, total: int) -> None:
    """Progress that nobody watches."""


def opened(path: Path) -> Image.Image:
    return decode(path.read_bytes(), max_pixels=100_000_000)


def small(path: Path) -> Image.Image:
    picture = opened(path)
    picture.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.BICUBIC)
    return picture


def precision_at_5(scores: Tensor, groups: Tensor) -> float:
    """Over pictures that have another one of their group; a picture does not find itself."""
    scores = scores.clone().fill_diagonal_(-torch.inf)
    same = groups[:, None] == groups[None, :]
    others = same.sum(dim=1) - 1
    hits = same.gather(1, scores.topk(5, dim=1).indices).sum(dim=1) / others.clamp(1, 5)
    return float(hits[others > 0].mean())


def ndcg_at_10(ids: Sequence[str], scores: Tensor, gains: dict[str, float]) -> float:
    discounts = 1 / np.log2(np.arange(2, 12))
    found = [2 ** gains.get(ids[place], 0.0) - 1 for place in scores.topk(10).indices.tolist()]
    best = sorted((2**gain - 1 for gain in gains.values()), reverse=True)[:10]
    ideal = float(np.dot(best, discounts[: len(best)]))
    return float(np.dot(found, discounts)) / ideal if ideal else 0.0


def numbered(labels: Sequence[str]) -> Tensor:
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return torch.tensor([numbers[label] for label in labels])
