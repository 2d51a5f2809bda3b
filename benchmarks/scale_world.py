"""Any number of products whose vectors lie as those of a real catalog do.

A sample is a real catalog: vectors, filter rows, and queries of words and of products that are kept
out of it. A further product is a row of the sample, moved part of the way to one of its nearest
neighbours, with noise of the shape in which rows differ from the middle of their neighbours. How
much noise, is found by trial: so that as many made rows as there are real ones have their nearest
neighbour as far away. Whether the rest of the distances agree, `resemblance` shows.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.bootstrap import Services
from shopsearch.domain import EVERYTHING, FilterRow, PreparedItem
from shopsearch.settings import Settings

Vectors = NDArray[np.float32]

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "data" / "train-fashion-224.zip"
SAMPLE_FILE = "sample.npz"
ROWS_FILE = "sample-rows.json"
NEIGHBOURS = 8  # of a row, that it may be moved towards
MADE_AT_ONCE = 10_000
KEPT_OUT = 0.05  # of the products, as queries
N_TEXTS = 400
TRIALS = 12


@dataclass(frozen=True)
class Sample:
    """A real catalog."""

    products: Vectors  # (S, D)
    rows: list[dict[str, Any]]
    texts: Vectors  # (T, D) queries of words
    unseen: Vectors  # (U, D) products that are not among the others

    @classmethod
    def kept(cls, folder: Path, n: int) -> Sample:
        """The sample of a folder, made first where it is not there."""
        if not (folder / SAMPLE_FILE).exists():
            _made(folder, n)
        with np.load(folder / SAMPLE_FILE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        rows = json.loads((folder / ROWS_FILE).read_text(encoding="utf-8"))
        return cls(rows=rows, **arrays)


def _made(folder: Path, n: int) -> None:
    """Index n products of the archive with the compact encoder, and read what came of it."""
    home = folder / "catalog"
    if not (home / "CURRENT").exists():
        feed = _unpacked(folder / "feed", n)
        command = [sys.executable, "-m", "shopsearch", "index", str(feed)]
        subprocess.run(command, check=True, env=os.environ | {"SHOPSEARCH_HOME": str(home)})
    services = Services(Settings(home=home))
    index = services.generations.load().index
    keys = index.fields.matching(EVERYTHING)
    vectors = index.fetch(keys)
    stored = services.store.fetch(keys.tolist())
    products = [stored[key].product for key in keys.tolist()]
    chance = random.Random(0)
    texts = [_words(chance.choice(products).title, chance) for _ in range(N_TEXTS)]
    asked = [
        services.embedder.embed_query(PreparedItem(text=one), text_weight=0.5) for one in texts
    ]
    is_out = np.zeros(len(keys), dtype=np.bool_)
    is_out[chance.sample(range(len(keys)), int(KEPT_OUT * len(keys)))] = True
    rows = [_plain(one.filter_row()) for one in products]
    folder.mkdir(parents=True, exist_ok=True)
    kept = [row for row, out in zip(rows, is_out, strict=True) if not out]
    (folder / ROWS_FILE).write_text(json.dumps(kept), encoding="utf-8")
    np.savez(
        folder / SAMPLE_FILE,
        products=vectors[~is_out],
        texts=np.array(asked, dtype=np.float32),
        unseen=vectors[is_out],
    )


def _plain(row: FilterRow) -> dict[str, Any]:
    return {name: value if isinstance(value, float) else list(value) for name, value in row.items()}


def _words(title: str, chance: random.Random) -> str:
    """One to six words in a row, as somebody might type them."""
    words = title.split()
    length = chance.randint(1, min(6, len(words)))
    start = chance.randint(0, len(words) - length)
    return " ".join(words[start : start + length])


def _unpacked(folder: Path, n: int) -> Path:
    """A feed of n products of the archive, drawn by chance, and their pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(ARCHIVE) as archive:
        table = next(name for name in archive.namelist() if name.endswith(".csv"))
        records = list(csv.DictReader(io.StringIO(archive.read(table).decode("utf-8"))))
        there = set(archive.namelist())
        records = [one for one in records if one["image"] in there]
        some = random.Random(0).sample(records, min(n, len(records)))
        archive.extractall(folder, [one["image"] for one in some])
    feed = folder / "products.csv"
    with feed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["id", "title", "image_link", "product_type", "color", "gender", "brand", "price"]
        )
        for one in some:
            names = ("id", "title", "image", "category", "baseColour", "gender")
            brand, price = one["title"].split()[0], f"{len(one['title'])}.00 EUR"
            writer.writerow([*(one[name] for name in names), brand, price])
    return feed


class Resampler:
    """Makes products like those of a sample."""

    def __init__(self, sample: Vectors) -> None:
        self._sample = sample
        self._near = nearest(sample, sample, NEIGHBOURS + 1)[:, 1:]  # (S, NEIGHBOURS)
        middles = sample[self._near].mean(axis=1)  # (S, D)
        rests = sample - middles
        # by singular values: noise of the covariance of these rests is normal numbers times this
        _, values, directions = np.linalg.svd(rests, full_matrices=False)
        self._shape = (values[:, None] * directions / np.sqrt(len(rests))).astype(np.float32)
        self.noise = self._calibrated()

    def made(
        self, n: int, seed: int, noise: float | None = None
    ) -> tuple[Vectors, NDArray[np.int64]]:
        """(n, D) unit rows, and which row of the sample each is made of."""
        rng = np.random.default_rng(seed)
        of = rng.integers(len(self._sample), size=n)
        to = self._near[of, rng.integers(NEIGHBOURS, size=n)]
        way = rng.random((n, 1), dtype=np.float32)
        rows = self._sample[of] + way * (self._sample[to] - self._sample[of])
        drawn = rng.standard_normal((n, len(self._shape)), dtype=np.float32)
        rows += (self.noise if noise is None else noise) * (drawn @ self._shape)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True), of

    def _calibrated(self) -> float:
        """How much noise puts the nearest neighbour as far away as in the sample."""
        wanted = np.median(nearest_cosines(self._sample, 1))
        low, high = 0.0, 4.0
        for _ in range(TRIALS):
            noise = (low + high) / 2
            rows, _ = self.made(len(self._sample), seed=1, noise=noise)
            if np.median(nearest_cosines(rows, 1)) > wanted:  # too near
                low = noise
            else:
                high = noise
        return high


def nearest(vectors: Vectors, among: Vectors, k: int) -> NDArray[np.int64]:
    """(N, k) the positions of the nearest, the very same one first."""
    found = []
    for start in range(0, len(vectors), 1000):
        scores = vectors[start : start + 1000] @ among.T
        found.append(np.argsort(-scores, axis=1)[:, :k])
    return np.concatenate(found)


def nearest_cosines(vectors: Vectors, k: int) -> NDArray[np.float32]:
    """(N,) the cosine of the k-th nearest other row."""
    found = []
    for start in range(0, len(vectors), 1000):
        scores = vectors[start : start + 1000] @ vectors.T
        found.append(np.partition(scores, -k - 1, axis=1)[:, -k - 1])
    return np.concatenate(found)


def intrinsic_dimension(vectors: Vectors, k: int = 20) -> float:
    """By maximum likelihood from the distances of the k nearest (Levina and Bickel, 2004), with the
    mean over points of MacKay and Ghahramani (2005); rows that are there twice are left out.
    """
    inverse = []
    for start in range(0, len(vectors), 1000):
        scores = -np.partition(-(vectors[start : start + 1000] @ vectors.T), k, axis=1)[:, : k + 1]
        distances = np.sort(np.sqrt(np.maximum(2 - 2 * scores, 0)), axis=1)[:, 1:]  # (n, k)
        distances = distances[distances[:, 0] > 1e-3]
        inverse.append(np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1))
    return float(1 / np.mean(np.concatenate(inverse)))


def resemblance(sample: Vectors, resampler: Resampler) -> dict[str, dict[str, float]]:
    """Real rows beside as many made ones, and beside a half of each, as figures by name."""
    made, _ = resampler.made(len(sample), seed=2)
    half = np.random.default_rng(3).permutation(len(sample))[: len(sample) // 2]
    return {
        "real": _figures(sample),
        "made": _figures(made),
        "half of the real": _figures(sample[half]),
        "half of the made": _figures(made[half]),
    }


def _figures(vectors: Vectors) -> dict[str, float]:
    told = {}
    for k in (1, 10, 100):
        for quantile in (10, 50, 90):
            cosine = np.percentile(nearest_cosines(vectors, k), quantile)
            told[f"cosine of neighbour {k}, {quantile} %"] = round(float(cosine), 4)
    some = vectors[: len(vectors) // 2] @ vectors[len(vectors) // 2 :].T
    told |= {"cosine of any two, mean": round(float(some.mean()), 4)}
    told |= {"cosine of any two, spread": round(float(some.std()), 4)}
    spectrum = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2
    told["directions of 90 % of the variance"] = float(
        np.searchsorted(np.cumsum(spectrum) / spectrum.sum(), 0.9) + 1
    )
    told["intrinsic dimension"] = round(intrinsic_dimension(vectors), 2)
    return told


@dataclass(frozen=True)
class World:
    """Products in a file, made block by block, and what is asked of them."""

    vectors: Vectors  # (N, D), mapped
    of: NDArray[np.int64]  # (N,) the row of the sample that each is made of
    chance: NDArray[np.float64]  # (N,) a number in 0..1 drawn by chance
    queries: Vectors  # (Q, D) words and products in turns
    sample_rows: list[dict[str, Any]]

    @classmethod
    def kept(cls, folder: Path, sample: Sample, n: int, n_queries: int) -> World:
        """The world of n products in a folder, made first where it is not there."""
        place = folder / f"world-{n}.npy"
        if not place.exists():
            _write_world(place, sample, n)
        vectors = np.load(place, mmap_mode="r")
        rng = np.random.default_rng(n)
        half = n_queries // 2
        queries = np.empty((2 * half, vectors.shape[1]), dtype=np.float32)
        queries[0::2], queries[1::2] = sample.texts[:half], sample.unseen[:half]
        of = np.load(folder / f"world-{n}-of.npy")
        return cls(vectors, of, rng.random(n), queries, sample.rows)

    def blocks(self) -> Iterator[tuple[NDArray[np.int64], Vectors, list[FilterRow]]]:
        """Keys from 1 on, vectors and filter rows, so many at a time."""
        for start in range(0, len(self.vectors), MADE_AT_ONCE):
            places = range(start, min(start + MADE_AT_ONCE, len(self.vectors)))
            rows = [self._row(place) for place in places]
            keys = np.arange(start + 1, start + 1 + len(rows))
            yield keys, np.asarray(self.vectors[start : start + len(rows)]), rows

    def _row(self, place: int) -> FilterRow:
        row = self.sample_rows[self.of[place]]
        told: FilterRow = {
            name: value if isinstance(value, float) else tuple(value) for name, value in row.items()
        }
        return told | {"chance": float(self.chance[place])}


def _write_world(place: Path, sample: Sample, n: int) -> None:
    resampler = Resampler(sample.products)
    beside = place.with_suffix(".new.npy")
    vectors = np.lib.format.open_memmap(
        beside, mode="w+", dtype=np.float32, shape=(n, sample.products.shape[1])
    )
    of = np.empty(n, dtype=np.int64)
    for number, start in enumerate(range(0, n, MADE_AT_ONCE)):
        end = min(start + MADE_AT_ONCE, n)
        vectors[start:end], of[start:end] = resampler.made(end - start, seed=100 + number)
    vectors.flush()
    np.save(place.with_name(f"{place.stem}-of.npy"), of)
    beside.replace(place)
