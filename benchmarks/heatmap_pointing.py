"""Whether heat maps of the compact encoder mark what the words name, on real product photos.

    python benchmarks/heatmap_pointing.py --data DIR [--pairs N] [--archive NAME]... [--head FILE]

Pointing: photos of two products of different kinds stand side by side in one picture. The map for
the words of either should have its peak in that half: 0.5 by chance. `mass` is the share of the
relevance that lies there. A pair is asked twice, by the kind of either product.

Deletion: of single photos, the fifth of the cells that the map ranks highest is painted in the mean
colour, or the fifth that it ranks lowest: how much of the cosine is lost, and in what share of the
photos the first costs more (0.5 by chance).

The head has learned from Flipkart and Luma, and from other products of the fashion archive than
those that are shown here (its split `val`).
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from shopsearch.encoders.compact import CompactEncoder
from shopsearch.preprocessing.images import WORKING_LONGEST_SIDE_PX

ARCHIVES = ("catalog-flipkart", "catalog-luma", "train-fashion-224")
SIDE_PX = 256  # of each of two photos
DELETED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Shown:
    """A photo, what it shows, and what must differ between the two of a pair."""

    path: Path
    kind: str
    group: str

    def photo(self) -> Image.Image:
        photo = Image.open(self.path).convert("RGB")
        photo.thumbnail((WORKING_LONGEST_SIDE_PX, WORKING_LONGEST_SIDE_PX))
        return photo


def shown_products(folder: Path) -> list[Shown]:
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("split", "val") == "val"]
    return [
        Shown(folder / row["image"], kind, group)
        for row in rows
        for group, kind in [_group_and_kind(row)]
        if row["image"] and kind
    ]


def _group_and_kind(row: dict[str, str]) -> tuple[str, str]:
    if "articleType" in row:
        return row["subCategory"], row["articleType"]
    levels = row["category"].split(" > ")
    # the last levels of Flipkart are often the name of the product once more
    return levels[0], levels[min(2, len(levels) - 1)]


def drawn_pairs(products: Sequence[Shown], n_pairs: int) -> Iterator[tuple[Shown, Shown]]:
    chance = random.Random(0)
    for _ in range(n_pairs):
        left = chance.choice(products)
        right = chance.choice([other for other in products if other.group != left.group])
        yield left, right


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    both = Image.new("RGB", (2 * SIDE_PX, SIDE_PX), "white")
    for start_px, photo in ((0, left), (SIDE_PX, right)):
        scale = SIDE_PX / max(photo.size)
        fitted = photo.resize(tuple(max(1, round(side * scale)) for side in photo.size))
        spare = (start_px + (SIDE_PX - fitted.width) // 2, (SIDE_PX - fitted.height) // 2)
        both.paste(fitted, spare)
    return both


def pointing(relevance: NDArray[np.float32], *, is_left: bool) -> tuple[float, float]:
    """Whether the peak is in the right half, and the share of relevance there; a tie is 0.5."""
    half = relevance.shape[1] // 2
    halves = (relevance[:, :half], relevance[:, -half:])
    own, other = halves if is_left else halves[::-1]
    hit = 0.5 if own.max() == other.max() else float(own.max() > other.max())
    total = float(own.sum() + other.sum())
    return hit, float(own.sum()) / total if total else 0.5


def pointed(encoder: CompactEncoder, products: Sequence[Shown], n_pairs: int) -> None:
    answers = []
    for pair in drawn_pairs(products, n_pairs):
        both = side_by_side(*(product.photo() for product in pair))
        rows = encoder.encode_texts([product.kind for product in pair])
        for row, is_left in zip(rows, (True, False), strict=True):
            answers.append(pointing(encoder.relevance(both, row), is_left=is_left))
    hits, masses = np.array(answers).T
    error = 1.96 * hits.std() / np.sqrt(len(hits))
    print(
        f"  pointing: peak {hits.mean():.3f} +- {error:.3f}, mass {masses.mean():.3f} "
        f"({n_pairs} pairs, {len(hits)} maps)",
        flush=True,
    )


def painted_over(photo: Image.Image, cells: NDArray[np.bool_]) -> Image.Image:
    mask = Image.fromarray(cells.astype(np.uint8) * 255).resize(
        photo.size, Image.Resampling.NEAREST
    )
    mean = tuple(int(channel) for channel in np.asarray(photo).mean(axis=(0, 1)))
    return Image.composite(Image.new("RGB", photo.size, mean), photo, mask)


def deleted(encoder: CompactEncoder, products: Sequence[Shown], n_photos: int) -> None:
    losses = []
    for product in random.Random(1).sample(products, n_photos):
        photo, row = product.photo(), encoder.encode_texts([product.kind])[0]
        relevance = encoder.relevance(photo, row)
        order = np.argsort(relevance, axis=None, kind="stable")
        n_cells = max(1, round(DELETED_SHARE * order.size))
        masked = []
        for places in (order[-n_cells:], order[:n_cells]):
            cells = np.zeros(order.size, dtype=bool)
            cells[places] = True
            masked.append(painted_over(photo, cells.reshape(relevance.shape)))
        cosines = encoder.encode_images([photo, *masked]) @ row
        losses.append(cosines[0] - cosines[1:])
    most, least = np.array(losses).T
    error = 1.96 * (most > least).std() / np.sqrt(n_photos)
    print(
        f"  deletion: cosine less {most.mean():.3f} without the most relevant fifth, "
        f"{least.mean():.3f} without the least relevant; the first costs more in "
        f"{(most > least).mean():.3f} +- {error:.3f} of {n_photos} photos",
        flush=True,
    )


def main() -> None:
    given = arguments()
    encoder = CompactEncoder(given.head)
    print(f"{encoder.encoder_id} on {platform.machine()}, {os.cpu_count()} CPUs")
    for archive in given.archive or ARCHIVES:
        started = time.perf_counter()
        products = shown_products(given.data / archive)
        print(f"{archive}: {len(products)} products", flush=True)
        pointed(encoder, products, given.pairs)
        deleted(encoder, products, min(given.pairs, len(products)))
        print(f"  {time.perf_counter() - started:.0f} s, {torch.get_num_threads()} threads")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--archive", action="append", default=[])
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--head", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
