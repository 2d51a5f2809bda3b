"""How well the proposed regions of a picture hit the products that it shows.

    python benchmarks/regions.py [--data FOLDER] [--scenes N]

Scenes of one to four product photos of a real catalog, multiplied onto a background at random
places and sizes, so that where each product is is known. Recall: the share of products that one of
the first six proposals covers with an intersection over union of 0.5 or more; beside it a fixed
grid of boxes, and the box around all that differs from the border. Then each product is searched
for in the catalog of all photos used, by the whole scene and by the best proposal of each, with the
compact encoder's picture tower: how often it is the first, or among the first ten.
"""

from __future__ import annotations

import argparse
import io
import random
import statistics
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from shopsearch.domain import Region
from shopsearch.preprocessing.proposals import MAX_PROPOSALS, propose

SCENE_PX = (600, 600)
BACKGROUNDS = ("plain", "gradient", "noise", "photo")
CATALOGS = {"luma": "catalog-luma.zip", "flipkart": "catalog-flipkart.zip"}


@dataclass(frozen=True)
class Scene:
    """A picture, and which products it shows where."""

    picture: Image.Image
    background: str
    products: tuple[tuple[int, Region], ...]


def photos(archive: Path, n: int, chance: random.Random) -> list[Image.Image]:
    """Photos on white, as shops take them."""
    with zipfile.ZipFile(archive) as zipped:
        names = [
            one for one in zipped.namelist() if one.lower().endswith((".jpg", ".jpeg", ".png"))
        ]
        chance.shuffle(names)
        found: list[Image.Image] = []
        for name in names:
            picture = Image.open(io.BytesIO(zipped.read(name))).convert("RGB")
            edge = np.asarray(picture)[[0, -1]].reshape(-1, 3)
            if edge.mean() > 244 and extent(picture) is not None:
                found.append(picture)
            if len(found) == n:
                break
    return found


def extent(photo: Image.Image) -> tuple[int, int, int, int] | None:
    """Where a photo on white is not white."""
    return (
        ImageChops.invert(photo.convert("L"))
        .point(lambda value: 255 if value > 24 else 0)
        .getbbox()
    )


def background(kind: str, others: Sequence[Image.Image], chance: random.Random) -> Image.Image:
    """What the products lie on."""
    colour = tuple(chance.randrange(140, 256) for _ in range(3))
    if kind == "plain":
        return Image.new("RGB", SCENE_PX, colour)
    if kind == "gradient":
        ramp = Image.linear_gradient("L").resize(SCENE_PX).rotate(chance.choice((0, 90, 180, 270)))
        return Image.composite(
            Image.new("RGB", SCENE_PX, colour), Image.new("RGB", SCENE_PX, "white"), ramp
        )
    if kind == "noise":
        noise = Image.effect_noise(SCENE_PX, 40).convert("RGB")
        return Image.blend(Image.new("RGB", SCENE_PX, colour), noise, 0.25)
    blurred = chance.choice(others).resize(SCENE_PX).filter(ImageFilter.GaussianBlur(18))
    return Image.blend(blurred, Image.new("RGB", SCENE_PX, "white"), 0.35)


def scene(kind: str, given: Sequence[Image.Image], chance: random.Random) -> Scene:
    """One to four products in the cells of a grid, none over another."""
    picture = background(kind, given, chance)
    n = chance.randint(1, 4)
    side = 1 if n == 1 else 2
    cells = chance.sample([(x, y) for x in range(side) for y in range(side)], n)
    products = []
    for x, y in cells:
        number = chance.randrange(len(given))
        cut = given[number].crop(extent(given[number]))
        cell = (SCENE_PX[0] // side, SCENE_PX[1] // side)
        scale = chance.uniform(0.45, 0.9) * min(cell[0] / cut.width, cell[1] / cut.height)
        cut = cut.resize((max(1, int(cut.width * scale)), max(1, int(cut.height * scale))))
        left = x * cell[0] + chance.randint(0, cell[0] - cut.width)
        top = y * cell[1] + chance.randint(0, cell[1] - cut.height)
        box = (left, top, left + cut.width, top + cut.height)
        picture.paste(ImageChops.multiply(picture.crop(box), cut), box)
        parts = (
            left / SCENE_PX[0],
            top / SCENE_PX[1],
            cut.width / SCENE_PX[0],
            cut.height / SCENE_PX[1],
        )
        products.append((number, Region(*parts)))
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=88)  # as it would come in
    return Scene(Image.open(encoded), kind, tuple(products))


def grid(_: Image.Image) -> list[Region]:
    """Six boxes that need no look at the picture."""
    quarters = [Region(x, y, 0.5, 0.5) for x in (0.0, 0.5) for y in (0.0, 0.5)]
    return [Region(0.15, 0.15, 0.7, 0.7), *quarters, Region(0.25, 0.25, 0.5, 0.5)]


def around_all(picture: Image.Image) -> list[Region]:
    """One box around what differs from the colour of the first corner."""
    flat = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    differs = (
        ImageChops.difference(picture, flat)
        .convert("L")
        .point(lambda value: 255 if value > 32 else 0)
    )
    box = differs.getbbox() or (0, 0, *picture.size)
    width, height = picture.size
    return [
        Region(
            box[0] / width, box[1] / height, (box[2] - box[0]) / width, (box[3] - box[1]) / height
        )
    ]


def proposed(picture: Image.Image) -> list[Region]:
    """What the shop window offers."""
    return [one.region for one in propose(picture)]


def overlap(one: Region, other: Region) -> float:
    """Intersection over union."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0.0, across) * max(0.0, down)
    return both / (one.width * one.height + other.width * other.height - both)


def recall(scenes: Sequence[Scene], method: Callable[[Image.Image], list[Region]]) -> float:
    """The share of products that are hit."""
    hits = [
        any(overlap(region, true) >= 0.5 for region in regions[:MAX_PROPOSALS])
        for one in scenes
        for regions in [method(one.picture)]
        for _, true in one.products
    ]
    return sum(hits) / len(hits)


def searched(scenes: Sequence[Scene], given: Sequence[Image.Image]) -> None:
    """Whether the product is found by the whole scene, by the best proposal, and by the truth."""
    from shopsearch.adapters import encoder_of
    from shopsearch.settings import Settings

    encoder = encoder_of(Settings())

    def encoded(pictures: Sequence[Image.Image]) -> np.ndarray:
        return encoder.encode_images(list(pictures))

    gallery = encoded(given)
    ranks: dict[str, list[int]] = {
        "whole picture": [],
        "best of the proposals": [],
        "true region": [],
    }
    for one in scenes:
        boxes = [Region(0, 0, 1, 1), *proposed(one.picture)]
        rows = encoded([_cut(one.picture, box) for box in boxes])
        for number, true in one.products:
            scores = [rank_of(row, gallery, number) for row in rows]
            ranks["whole picture"].append(scores[0])
            hit = [
                s for s, box in zip(scores[1:], boxes[1:], strict=True) if overlap(box, true) >= 0.3
            ]
            ranks["best of the proposals"].append(min(hit, default=scores[0]))
            ranks["true region"].append(
                rank_of(encoded([_cut(one.picture, true)])[0], gallery, number)
            )
    for name, found in ranks.items():
        first, ten = (sum(rank < k for rank in found) / len(found) for k in (1, 10))
        print(f"  {name:24} first {first:.3f}, among ten {ten:.3f} of {len(given)}")


def rank_of(row: np.ndarray, gallery: np.ndarray, number: int) -> int:
    """How many photos are nearer than the right one."""
    scores = gallery @ row
    return int((scores > scores[number]).sum())


def _cut(picture: Image.Image, region: Region) -> Image.Image:
    width, height = picture.size
    return picture.crop((
        int(region.x * width),
        int(region.y * height),
        max(int(region.x * width) + 8, int((region.x + region.width) * width)),
        max(int(region.y * height) + 8, int((region.y + region.height) * height)),
    ))  # fmt: skip


def main(given: argparse.Namespace) -> None:
    """Measure, and print."""
    for name, archive in CATALOGS.items():
        chance = random.Random(6)
        shown = photos(given.data / archive, 150, chance)
        print(f"{name}: {len(shown)} photos on white")
        scenes = [scene(kind, shown, chance) for kind in BACKGROUNDS for _ in range(given.scenes)]
        for kind in BACKGROUNDS:
            of_kind = [one for one in scenes if one.background == kind]
            n = sum(len(one.products) for one in of_kind)
            told = ", ".join(
                f"{method.__name__} {recall(of_kind, method):.3f}"
                for method in (proposed, grid, around_all)
            )
            print(f"  {kind:9} {n} products: recall at IoU 0.5: {told}")
        times = []
        for one in scenes:
            start = time.perf_counter()
            propose(one.picture)
            times.append(1000 * (time.perf_counter() - start))
        print(f"  {statistics.median(times):.1f} ms a picture (p50), {max(times):.1f} ms at most")
        if given.search:
            searched(scenes[:: max(1, len(scenes) // 60)], shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--scenes", type=int, default=40, help="of each background")
    parser.add_argument("--search", action="store_true", help="search by them too")
    main(parser.parse_args())
