"""Scenes of known products at known places, for benchmarks of regions: nothing of them is kept.

Product photos of real catalogs on plain or white grounds, cut out or with their ground, are placed
at random sizes and places on a background: plain, a gradient, noise, or another photo enlarged.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

GROUNDS = ("white", "plain", "gradient", "noise", "photo")
SCENE_PX = (512, 384)
LEAST_SHARE = 0.55  # of a photo, that the product's box covers: its ground alone is no product
WHITE = 238
_FLOODED = (255, 0, 255)

Box = tuple[float, float, float, float]  # left, top, right, bottom as parts of the scene


@dataclass(frozen=True, slots=True)
class Photo:
    """A product photo on white, and where the product is in it."""

    product_id: str
    path: Path
    cut: Image.Image  # RGBA, the product alone
    whole: Image.Image
    inner: Box  # of the product in `whole`, in parts of it


@dataclass(frozen=True, slots=True)
class Placed:
    product_id: str
    path: Path
    box: Box


@dataclass(frozen=True, slots=True)
class Scene:
    picture: Image.Image
    ground: str
    placed: tuple[Placed, ...]


def photos(folder: Path, limit: int, seed: int = 0) -> list[Photo]:
    """Photos of a catalog whose ground is white and whose product fills enough of them."""
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["image"]]
    random.Random(seed).shuffle(rows)
    fit = (_photo(row["id"], folder / row["image"]) for row in rows)
    kept: list[Photo] = []
    for photo in fit:
        if photo is not None:
            kept.append(photo)
        if len(kept) == limit:
            break
    return kept


def _photo(product_id: str, path: Path) -> Photo | None:
    if not path.exists():
        return None
    whole = Image.open(path).convert("RGB")
    whole.thumbnail((384, 384))
    pixels = np.asarray(whole)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    if np.mean(border.min(axis=1) > WHITE) < 0.9:
        return None
    flooded = Image.new("RGB", (whole.width + 2, whole.height + 2), "white")
    flooded.paste(whole, (1, 1))
    ImageDraw.floodfill(flooded, (0, 0), _FLOODED, thresh=40)
    mask = np.any(np.asarray(flooded)[1:-1, 1:-1] != _FLOODED, axis=2)
    rows, columns = np.flatnonzero(mask.sum(1) > 2), np.flatnonzero(mask.sum(0) > 2)
    if not len(rows) or not len(columns):
        return None
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    inner = (
        box[0] / whole.width,
        box[1] / whole.height,
        box[2] / whole.width,
        box[3] / whole.height,
    )
    if area(inner) < LEAST_SHARE:
        return None
    cut = whole.convert("RGBA")
    cut.putalpha(Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.BoxBlur(0.6)))
    return Photo(product_id, path, cut.crop(box), whole, inner)


def scenes(of: Sequence[Photo], n: int, seed: int = 1) -> Iterator[Scene]:
    """Scenes of 1 to 4 products, every kind of ground as often."""
    chance = random.Random(seed)
    for number in range(n):
        ground = GROUNDS[number % len(GROUNDS)]
        yield scene(of, ground, 1 + (number // len(GROUNDS)) % 4, chance)


def scene(of: Sequence[Photo], ground: str, n_products: int, chance: random.Random) -> Scene:
    size = SCENE_PX if chance.random() < 0.5 else SCENE_PX[::-1]
    picture = background(ground, size, of, chance)
    placed: list[Placed] = []
    for photo in chance.sample(of, n_products):
        is_cut = ground in ("white", "photo") or chance.random() < 0.6
        if spot := _spot(photo, is_cut, size, [one.box for one in placed], chance):
            box, inner = spot
            pasted = photo.cut if is_cut else photo.whole
            pasted = pasted.resize((box[2] - box[0], box[3] - box[1]), Image.Resampling.LANCZOS)
            picture.paste(pasted, box[:2], pasted if is_cut else None)
            placed.append(Placed(photo.product_id, photo.path, inner))
    return Scene(picture, ground, tuple(placed))


def _spot(
    photo: Photo, is_cut: bool, size: tuple[int, int], taken: list[Box], chance: random.Random
) -> tuple[tuple[int, int, int, int], Box] | None:
    """A free place: the pasted box in pixels, and the product's in parts of the scene."""
    pasted = photo.cut if is_cut else photo.whole
    for _ in range(60):
        longest = chance.uniform(0.25, 0.7 if not taken else 0.5) * min(size) * 1.15
        scale = longest / max(pasted.size)
        width, height = (max(12, round(side * scale)) for side in pasted.size)
        if width >= size[0] or height >= size[1]:
            continue
        left, top = chance.randrange(size[0] - width), chance.randrange(size[1] - height)
        inner = (0.0, 0.0, 1.0, 1.0) if is_cut else photo.inner
        box = (
            (left + inner[0] * width) / size[0],
            (top + inner[1] * height) / size[1],
            (left + inner[2] * width) / size[0],
            (top + inner[3] * height) / size[1],
        )
        if all(overlap(box, other) == 0.0 for other in taken):
            return (left, top, left + width, top + height), box
    return None


def background(
    ground: str, size: tuple[int, int], of: Sequence[Photo], chance: random.Random
) -> Image.Image:
    if ground == "white":
        return Image.new("RGB", size, "white")
    colour = np.array([chance.uniform(40, 235) for _ in range(3)])
    width, height = size
    if ground == "plain":
        return Image.new("RGB", size, tuple(int(one) for one in colour))
    if ground == "photo":
        other = Image.open(chance.choice(of).path).convert("RGB")
        scale = 1.6 * max(width / other.width, height / other.height)
        big = other.resize((round(other.width * scale), round(other.height * scale)))
        left, top = (big.width - width) // 2, (big.height - height) // 2
        blurred = big.crop((left, top, left + width, top + height))
        return blurred.filter(ImageFilter.GaussianBlur(chance.uniform(2, 6)))
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    turn = chance.uniform(0, 2 * np.pi)
    ramp = (np.cos(turn) * across + np.sin(turn) * down)[..., None]
    pixels = colour + ramp * np.array([chance.uniform(-90, 90) for _ in range(3)])
    if ground == "noise":
        seeded = np.random.default_rng(chance.randrange(2**31))
        pixels = pixels + seeded.normal(0, chance.uniform(10, 35), (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    inner = (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )
    both = area(inner) if inner[2] > inner[0] and inner[3] > inner[1] else 0.0
    return both / (area(one) + area(other) - both)
