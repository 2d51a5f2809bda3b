"""Other views of product pictures, as a shopper's phone would take them: deterministic by seed.

A close view is cropped, turned, mirrored and lit otherwise. A scene view cuts the product out of
its white background and puts it, tilted and smaller, into other surroundings.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

BICUBIC = Image.Resampling.BICUBIC


def close_view(picture: Image.Image, seed: int) -> Image.Image:
    """A part of the picture, turned, perhaps mirrored, and lit otherwise."""
    rng = random.Random(seed)  # noqa: S311 - views, not secrets
    rows = np.asarray(picture)
    edge = tuple(int(c) for c in np.median(rows[[0, -1]].reshape(-1, 3), axis=0))
    turned = picture.rotate(rng.uniform(-15, 15), BICUBIC, fillcolor=edge)
    width = max(8, int(picture.width * rng.uniform(0.55, 0.9)))
    height = max(8, int(picture.height * rng.uniform(0.55, 0.9)))
    left = rng.randint(0, max(0, picture.width - width))
    top = rng.randint(0, max(0, picture.height - height))
    view = _lit(turned.crop((left, top, left + width, top + height)), rng)
    return ImageOps.mirror(view) if rng.random() < 0.5 else view


def scene_view(picture: Image.Image, seed: int, surroundings: Sequence[Image.Image]) -> Image.Image:
    """The product tilted, smaller, and in other surroundings: a part of one of those, or plain."""
    rng = random.Random(seed)  # noqa: S311 - views, not secrets
    cut = picture.convert("RGBA")
    cut.putalpha(_product_mask(picture))
    cut = _tilted(cut, rng).rotate(rng.uniform(-20, 20), BICUBIC, expand=True)
    side = max(picture.size)
    scale = rng.uniform(0.6, 1.05)
    cut = cut.resize((max(8, int(cut.width * scale)), max(8, int(cut.height * scale))), BICUBIC)
    size = rng.choice([(side, side), (side, int(side * 1.33)), (int(side * 1.33), side)])
    scene = _background(size, rng, surroundings)
    left = (size[0] - cut.width) // 2 + int(rng.uniform(-0.12, 0.12) * size[0])
    top = (size[1] - cut.height) // 2 + int(rng.uniform(-0.12, 0.12) * size[1])
    scene.paste(cut, (left, top), cut)
    return _lit(scene, rng)


def _product_mask(picture: Image.Image) -> Image.Image:
    """White where the product is: everything that is not white and joined to the border."""
    rows = np.asarray(picture)
    border = np.concatenate([rows[0], rows[-1], rows[:, 0], rows[:, -1]])
    if (border > 235).all(axis=1).mean() <= 0.6:
        return Image.new("L", picture.size, 255)  # no white background: all of it
    framed = Image.new("L", (picture.width + 2, picture.height + 2), 255)
    framed.paste(Image.fromarray(((rows > 238).all(axis=2) * 255).astype(np.uint8)), (1, 1))
    ImageDraw.floodfill(framed, (0, 0), 128)
    product = Image.fromarray(((np.asarray(framed) != 128) * 255).astype(np.uint8))
    inner = (1, 1, picture.width + 1, picture.height + 1)
    return product.crop(inner).filter(ImageFilter.GaussianBlur(1))


def _tilted(cut: Image.Image, rng: random.Random) -> Image.Image:
    width, height = cut.size
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    moved = [
        (x + rng.uniform(-0.1, 0.1) * width, y + rng.uniform(-0.1, 0.1) * height)
        for x, y in corners
    ]
    rows, targets = [], []
    for (x, y), (u, v) in zip(corners, moved, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -x * u, -x * v], [0, 0, 0, u, v, 1, -y * u, -y * v]]
        targets += [x, y]
    eight = np.linalg.solve(np.array(rows, dtype=float), np.array(targets, dtype=float))
    fill = (255, 255, 255, 0)
    return cut.transform(
        cut.size, Image.Transform.PERSPECTIVE, eight.tolist(), BICUBIC, fillcolor=fill
    )


def _background(
    size: tuple[int, int], rng: random.Random, surroundings: Sequence[Image.Image]
) -> Image.Image:
    if rng.random() < 0.5:
        other = rng.choice(surroundings)
        share = rng.uniform(0.3, 0.6)
        width, height = max(1, int(other.width * share)), max(1, int(other.height * share))
        left, top = rng.randint(0, other.width - width), rng.randint(0, other.height - height)
        part = other.crop((left, top, left + width, top + height)).resize(size, BICUBIC)
        return part.filter(ImageFilter.GaussianBlur(rng.uniform(0, 3)))
    one = tuple(rng.randint(40, 230) for _ in range(3))
    two = tuple(min(255, max(0, c + rng.randint(-50, 50))) for c in one)
    fade = Image.linear_gradient("L").resize(size).rotate(rng.choice([0, 90, 180, 270]))
    plain = Image.composite(
        Image.new("RGB", size, one), Image.new("RGB", size, two), fade.resize(size)
    )
    grain = np.random.default_rng(rng.randint(0, 1 << 30)).integers(-12, 13, (size[1], size[0], 1))
    return Image.fromarray(
        (np.asarray(plain).astype(np.int16) + grain).clip(0, 255).astype(np.uint8)
    )


def _lit(view: Image.Image, rng: random.Random) -> Image.Image:
    for enhancer, most in (
        (ImageEnhance.Brightness, 0.35),
        (ImageEnhance.Contrast, 0.3),
        (ImageEnhance.Color, 0.3),
    ):
        view = enhancer(view).enhance(1 + rng.uniform(-most, most))
    tint = np.array([1 + rng.uniform(-0.1, 0.1), 1, 1 + rng.uniform(-0.12, 0.12)])
    tinted = (np.asarray(view).astype(np.float32) * tint).clip(0, 255).astype(np.uint8)
    view = Image.fromarray(tinted)
    if rng.random() < 0.5:
        view = view.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5) * max(view.size) / 400))
    return view
