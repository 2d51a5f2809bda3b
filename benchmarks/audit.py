"""How many planted faults `shopsearch audit` finds, and how much else it lists: three tables.

    python benchmarks/audit.py --data ../shared/data --home scratch-home

Needs the archives `catalog-flipkart`, `catalog-luma` and `train-fashion-224` in `--data`, as zip
files or unpacked. They are indexed into `--home`, which takes some minutes; a second run starts at
once.

1. Pictures: 40 products of a catalog have the picture of another one, by pairs, across categories
   or within one (never a variant's), with several seeds. All scores see the same pictures. `listed`
   is what the report would list. Variants of Luma are known by `product_group`.
   The shipped head has learned from the pairs of Luma and Flipkart, and so knows too well what goes
   together there. So the same is measured with its prior alone, which has learned from no pair, and
   on those fashion products that it was not shown (split `val`).
2. Copies: 40 products are there again under another id, their pictures scaled to 70 % and saved
   anew, half of them with the description cut short.
3. Categories: 40 products are in another category, drawn from all that have 12 products or more;
   their words are embedded anew, for these name the category.

What is listed besides what was planted counts as wrong, though some of it may be faulty as found.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from PIL import Image
from ranking_quality import unpacked

from shopsearch.adapters import comparing_index
from shopsearch.auditing import CatalogSnapshot, Section
from shopsearch.auditing.layout import MapWish
from shopsearch.auditing.mismatches import SUSPICIOUS, Doubted, doubted
from shopsearch.auditing.neighbours import Nearest, nearest
from shopsearch.auditing.snapshot import Report, unit
from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import FeedRow, Product
from shopsearch.encoders import LazyEncoder
from shopsearch.settings import Settings

N_PLANTED = 40
SHOPS = ("luma", "flipkart")
MODES = ("across", "within")
N_PRIOR = 384  # the first columns of a row of the compact encoder: words, or the prior of a picture
SCORES = {  # higher is more suspicious
    "cosine": ("cosine",),
    "cosine, standardised by text": ("of_text",),
    "cosine, standardised by text and picture": ("of_text", "of_picture"),
    "rank among all, both ways": ("rank",),
    "CSLS": ("local",),
    "texts of lookalikes, pictures of readalikes": ("texts_alike", "pictures_alike"),
}
LEARNED = "learned from the catalog (all but rank)"


def silent(*_: object) -> None: ...


@contextmanager
def quiet(_: str) -> Iterator[Report]:
    yield silent


class Listed:
    """Products in memory as a feed."""

    def __init__(self, products: Sequence[Product]) -> None:
        self._products = products

    def __iter__(self) -> Iterator[FeedRow]:
        return (FeedRow(row, product) for row, product in enumerate(self._products, 1))

    def size_hint(self) -> int:
        return len(self._products)


def products_of(folder: Path) -> list[Product]:
    rows = [row.product for row in open_feed(folder) if isinstance(row, FeedRow)]
    return [replace(one, item_group_id=one.attributes.get("product_group", "")) for one in rows]


def unseen_fashion(folder: Path, pictures: Path) -> list[Product]:
    """The split that the head was not shown, its pictures as wide as they were."""
    pictures.mkdir(exist_ok=True)
    unseen = [one for one in products_of(folder) if one.attributes.get("split") == "val"]
    for one in unseen:
        picture = pictures / Path(one.images[0]).name
        if not picture.is_file():
            with Image.open(one.images[0]) as opened:
                opened.convert("RGB").resize((168, 224)).save(picture, quality=95)
    return [replace(p, images=(str(pictures / Path(p.images[0]).name),)) for p in unseen]


def with_prior_alone(snapshot: CatalogSnapshot) -> CatalogSnapshot:
    return replace(
        snapshot,
        words=unit(snapshot.words[:, :N_PRIOR]),
        sights=unit(snapshot.sights[:, :N_PRIOR]),
    )


def indexed(home: Path, encoder: LazyEncoder, products: Sequence[Product]) -> Services:
    services = Services.open(Settings(home=home))
    services.encoder = encoder
    services.indexer.run(Listed(products), feed_name=home.name)
    return services


def likenesses(rows: NDArray[np.float32]) -> Nearest:
    return nearest(rows, comparing_index, silent)


def swapped(
    snapshot: CatalogSnapshot, mode: str, chance: np.random.Generator
) -> tuple[CatalogSnapshot, NDArray[np.bool_]]:
    """The catalog with 40 pictures swapped by pairs, and which products have another's."""
    order = np.arange(len(snapshot))
    for one, other in pairs(snapshot, mode, chance):
        order[one], order[other] = other, one
    hashes = [snapshot.image_hashes[place] for place in order]
    moved = replace(
        snapshot, sights=snapshot.sights[order], looks=snapshot.looks[order], image_hashes=hashes
    )
    return moved, order != np.arange(len(snapshot))


def pairs(
    snapshot: CatalogSnapshot, mode: str, chance: np.random.Generator
) -> Iterator[tuple[int, int]]:
    kinds = np.array([one.product_type for one in snapshot.products])
    shown = np.array([one or "" for one in snapshot.image_hashes])
    free = snapshot.has_words & snapshot.has_looks
    n_left = N_PLANTED // 2
    for one in chance.permutation(len(snapshot)).tolist():
        is_alike = kinds == kinds[one]
        fits = (is_alike if mode == "within" else ~is_alike) & free & (shown != shown[one])
        fits &= snapshot.groups != snapshot.groups[one]
        if not free[one] or not fits.any():
            continue
        other = int(chance.choice(np.flatnonzero(fits)))
        free[[one, other]] = False
        yield one, other
        n_left -= 1
        if not n_left:
            return


def suspicions(found: Doubted) -> dict[str, NDArray[np.float64]]:
    own = np.arange(len(found.places))
    features = found.scores.features(own, own)
    cosines = found.scores.words @ found.scores.sights.T  # (M, M): small catalogs only
    mine = np.diag(cosines)
    ranks = ((cosines > mine[:, None]).mean(axis=1), (cosines > mine[None, :]).mean(axis=0))
    features["rank"] = -np.log(np.maximum(ranks, 0.5 / len(own))).sum(axis=0)
    told = {name: -sum(features[one] for one in parts) for name, parts in SCORES.items()}
    return {**told, LEARNED: found.doubt.odds}


def average_precision(scores: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    right = wrong[np.argsort(-scores, kind="stable")]
    return float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean())


def at(scores: NDArray[np.float64], wrong: NDArray[np.bool_], k: int) -> float:
    return float(wrong[np.argsort(-scores, kind="stable")[:k]].mean())


def picture_rows(shop: str, snapshot: CatalogSnapshot, n_seeds: int) -> Iterator[str]:
    like_words = likenesses(snapshot.words)
    untouched = doubted(snapshot, like_words, likenesses(snapshot.looks), silent).doubt
    n_listed = int((untouched.probabilities >= SUSPICIOUS).sum())
    yield f"| {shop} ({len(snapshot)}) | nothing swapped | {LEARNED} | | | {n_listed} | | |"
    for mode in MODES:
        figures: dict[str, list[tuple[float, float]]] = {}
        cuts = []
        for seed in range(n_seeds):
            moved, is_wrong = swapped(snapshot, mode, np.random.default_rng(seed))
            found = doubted(moved, like_words, likenesses(moved.looks), silent)
            wrong = is_wrong[found.places]
            for name, scores in suspicions(found).items():
                both = (average_precision(scores, wrong), at(scores, wrong, N_PLANTED))
                figures.setdefault(name, []).append(both)
            listed = found.doubt.probabilities >= SUSPICIOUS
            cuts.append((listed.sum(), (listed & wrong).sum()))
        for name, values in figures.items():
            (precise, spread), at_40 = mean_and_spread([v[0] for v in values]), values
            cells = f"{precise:.3f} ± {spread:.3f} | {np.mean([v[1] for v in at_40]):.3f}"
            cut = _cut(np.array(cuts)) if name == LEARNED else "| |"
            yield f"| {shop} | {mode} | {name} | {cells} | {cut} |"


def _cut(cuts: NDArray[np.int64]) -> str:
    listed, right = cuts.sum(axis=0)
    precision = f"{right / listed:.3f}" if listed else "-"
    return f"{listed / len(cuts):.1f} | {precision} | {right / (N_PLANTED * len(cuts)):.3f}"


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values))


def with_copies(
    products: Sequence[Product], folder: Path, chance: np.random.Generator
) -> tuple[list[Product], set[str]]:
    """Some products once more, and the ids of the copies."""
    folder.mkdir(exist_ok=True)
    chosen = chance.choice(
        [n for n, one in enumerate(products) if one.images and one.title], N_PLANTED, replace=False
    )
    copies = []
    for number, place in enumerate(chosen.tolist()):
        product = products[place]
        picture = folder / f"{number}.jpg"
        with Image.open(product.images[0]) as opened:
            size = tuple(max(1, round(0.7 * side)) for side in opened.size)
            opened.convert("RGB").resize(size).save(picture, quality=60)
        words = product.description.split()
        kept = words if number % 2 else words[: round(0.9 * len(words))]
        copies.append(
            replace(
                product,
                product_id=f"copy-{number}",
                images=(str(picture),),
                description=" ".join(kept),
                item_group_id="",
            )
        )
    return [*products, *copies], {one.product_id for one in copies}


def with_other_categories(
    products: Sequence[Product], chance: np.random.Generator
) -> tuple[list[Product], set[str]]:
    """Some products in another category, and their ids."""
    counts = Counter(one.product_type for one in products)
    kinds = sorted(kind for kind, n in counts.items() if n >= 12)
    moved = list(products)
    for place in chance.choice(len(products), N_PLANTED, replace=False).tolist():
        others = [kind for kind in kinds if kind != products[place].product_type]
        moved[place] = replace(products[place], product_type=str(chance.choice(others)))
    ids = {one.product_id for one, was in zip(moved, products, strict=True) if one is not was}
    return moved, ids


def planted(
    base: Path, encoder: LazyEncoder, products: Sequence[Product], name: str
) -> tuple[Section, ...]:
    """The sections over a copy of the home folder, with these products in it."""
    home = base.with_name(f"{base.name}-{name}")
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(base, home)
    with indexed(home, encoder, products) as services:
        return tuple(services.auditor.audit(quiet, MapWish.NO).audit.sections)


def copy_row(shop: str, sections: Sequence[Section], ids: set[str]) -> str:
    (section,) = (one for one in sections if one.name == "duplicates")
    clusters = [one for one in section.findings if one.kind == "copy"]
    found = {id_ for one in clusters for id_ in one.ids} & ids
    clean = sum(bool(ids & set(one.ids)) for one in clusters)
    return f"| {shop} | {len(clusters)} | {clean} | {len(found)} of {len(ids)} |"


def category_row(shop: str, products: Sequence[Product], section: Section, ids: set[str]) -> str:
    before = {one.product_id: one.product_type for one in products}
    found = [one for one in section.findings if one.product_id in ids]
    right = sum(before[one.product_id].startswith(one.proposed) for one in found)
    n = len(section.findings)
    precision = f"{len(found) / n:.3f}" if n else "-"
    return f"| {shop} | {n} | {precision} | {len(found)} of {len(ids)} | {right} of {len(found)} |"


def machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.1f}"
    )


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path)
    parser.add_argument("--seeds", type=int, default=10, help="of swapped pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        encoder = Services(Settings(home=home)).encoder
        catalogs = {
            shop: products_of(unpacked(options.data, f"catalog-{shop}", home)) for shop in SHOPS
        }
        print(f"{encoder.encoder_id}; {machine()}; {options.seeds} seeds\n")
        print("| shop | swapped | score | AP | P@40 | listed | precision | recall |\n" + "|---" * 8)
        fashion = unpacked(options.data, "train-fashion-224", home)
        unseen = {"fashion-val": unseen_fashion(fashion, home / "fashion-pictures")}
        for shop, products in {**catalogs, **unseen}.items():
            with indexed(home / shop, encoder, products) as services:
                snapshot = services.auditor.snapshot(quiet)
            told = {shop: snapshot, f"{shop}, prior alone": with_prior_alone(snapshot)}
            for name, one in told.items():
                for row in picture_rows(name, one, options.seeds):
                    print(row, flush=True)
        print("\n| shop | clusters of copies | of planted ones | found |\n" + "|---" * 4)
        for shop, products in catalogs.items():
            more, ids = with_copies(products, home / f"{shop}-saved", np.random.default_rng(0))
            sections = planted(home / shop, encoder, more, "copies")
            print(copy_row(shop, sections, ids), flush=True)
        print("\n| shop | listed | precision | found | proposal right |\n" + "|---" * 5)
        for shop, products in catalogs.items():
            moved, ids = with_other_categories(products, np.random.default_rng(0))
            sections = planted(home / shop, encoder, moved, "categories")
            (section,) = (one for one in sections if one.name == "categories")
            print(category_row(shop, products, section, ids), flush=True)


if __name__ == "__main__":
    main()
