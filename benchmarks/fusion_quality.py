"""How well each fusion finds products: one table over methods, ways of asking, and what lacks.

    python benchmarks/fusion_quality.py --data ../shared/data --weights fusion --home scratch-home

`--weights` is a folder with one weights file per method, as `shopsearch train fusion --method M
--out fusion/M.safetensors` writes them. A combiner `M-combiner.safetensors` beside one, from
`shopsearch train combiner`, adds a row: it makes the queries of words and picture, which are the
mean of both elsewhere. Embeddings are kept in `--home`, so a second run starts at once.

Products tell their title alone; their pictures are those of the archive. Judged are the column
`split` = val of the fashion sets, which no weights have learned from, and all of Flipkart and Luma.
Queries are made from the products' colours, uses, kinds and people (see
shopsearch/training/fusion_asking.py); right is every other product that has what is asked for.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from compact_bench import Bench, silent
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import FeedRow, Product
from shopsearch.fusion.card import read_card, weights_id
from shopsearch.fusion.learned import load_module
from shopsearch.fusion.module import Items
from shopsearch.fusion.replacing_combiner import LearnedCombiner, read_combiner_card
from shopsearch.settings import Settings
from shopsearch.training.fusion_asking import query_rows
from shopsearch.training.fusion_lessons import FusionLessons
from shopsearch.training.fusion_measure import Found, answered
from shopsearch.training.fusion_reading import Road, read_products
from shopsearch.training.fusion_words import COLOR, FACETS, GENDER, KIND

ARCHIVES = ("train-fashion-60x80", "train-fashion-224", "catalog-flipkart", "catalog-luma")
LARGEST = 1500
# of image over text, tried for the tuned sum
RATIOS = (0.05, 0.1, 0.15, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 4.0)
N_RESAMPLES = 500
COMBINER = "-combiner"  # the end of the name of a combiner's weights
TWIN = 0.995  # the cosine of pictures that are the same
Fuse = Callable[[Items], Tensor]


class Method(NamedTuple):
    """How products become rows, and how queries do."""

    fuse: Fuse
    fuse_query: Fuse

    @classmethod
    def of(cls, fuse: Fuse) -> Method:
        return cls(fuse, lambda items: query_rows(fuse, items))


def alone(which: str) -> Fuse:
    """One modality; the other only where that is all there is."""

    def fuse(items: Items) -> Tensor:
        first, has = (
            (items.image, items.has_image) if which == "image" else (items.text, items.has_text)
        )
        other = items.text if which == "image" else items.image
        return normalize(torch.where(has > 0, first, other), dim=1)

    return fuse


def weighted(ratio: float) -> Fuse:
    return lambda items: normalize(ratio * items.image + items.text, dim=1)


def learned(path: Path) -> Fuse:
    module = load_module(path).eval()
    return lambda items: module(items, torch.full((len(items.image),), 0.5))


def combined(fuse: Fuse, path: Path) -> Fuse:
    """Queries of words and a picture by a combiner, at the middle of the slider."""
    combiner = LearnedCombiner.load(path)

    def fuse_query(items: Items) -> Tensor:
        has_both = (items.has_image * items.has_text).squeeze(1) > 0
        picture, words = fuse(items.image_alone()), fuse(items.text_alone())
        even = torch.full((len(picture),), 0.5)
        rows = combiner.combine(picture.numpy(), words.numpy(), even.numpy())
        return torch.where(has_both[:, None], torch.from_numpy(rows), picture)

    return fuse_query


def tuned(lessons: FusionLessons) -> float:
    """The ratio of the weighted sum that does best on products to train with."""

    def quality(ratio: float) -> float:
        cells = [cell for cell in answered(weighted(ratio), lessons) if cell.state == "full"]
        return float(np.mean([float(cell.ndcg_at_10.mean()) for cell in cells]))

    return max(RATIOS, key=quality)


def interval(values: Tensor) -> tuple[float, float]:
    """Half the width of the bootstrap 95 % interval of the mean, and the mean."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(values), (N_RESAMPLES, len(values)))
    means = values.numpy()[drawn].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(values.mean()), float(high - low) / 2


def read(
    bench: Bench, road: Road, archive: str, split: str, largest: int | None = LARGEST
) -> FusionLessons:
    feed = open_feed(bench.folder(archive))
    products = [row.product for row in feed if isinstance(row, FeedRow) and row.product.images]
    products = [p for p in products if p.attributes.get("split", split) == split]
    random.Random(0).shuffle(products)
    return read_products(products[:largest], road, stage=lambda _: silent).lessons


def own_picture_first(fuse: Fuse, lessons: FusionLessons) -> float:
    """The share of products that come first for their own picture, or share it with who does."""
    n = len(lessons)
    told = lessons.texts[lessons.told[:, 2]].float()
    yes, no = torch.ones(n, 1), torch.zeros(n, 1)
    pictures = lessons.images.float()
    twins = pictures @ pictures.T > TWIN
    rows = fuse(Items(pictures, torch.zeros_like(told), yes, no))
    scores = rows @ fuse(Items(pictures, told, yes, yes)).T
    own = scores.diagonal()[:, None]
    return float(((scores <= own + 1e-6) | twins).all(dim=1).float().mean())


def print_table(
    archive: str, results: Mapping[str, list[Found]], first: Mapping[str, float]
) -> None:
    cells = [(cell.way.value, cell.state) for cell in next(iter(results.values()))]
    print(f"\n## {archive}\n")
    for measure, name in (("ndcg_at_10", "nDCG@10"), ("recall_at_10", "recall@10")):
        print(f"{name}, with half the width of the bootstrap 95 % interval\n")
        print(f"| | {' | '.join(f'{way}, {state}' for way, state in cells)} |")
        print(f"|---|{'---|' * len(cells)}")
        for method, found in results.items():
            shown = [interval(getattr(cell, measure)) for cell in found]
            print(f"| {method} | {' | '.join(f'{m:.3f} ±{h:.3f}' for m, h in shown)} |")
        print()
    print("The product of a picture comes first for it (both there): ", end="")
    print(", ".join(f"{method} {share:.3f}" for method, share in first.items()))


def phrases(bench: Bench, road: Road, methods: Mapping[str, Method]) -> None:
    """P@10 of "navy blue casual shirts for men", a query for each product that tells all of it.

    Right is every product of that colour and kind for these people: the use cannot be seen.
    """
    lessons = read(bench, road, "train-fashion-60x80", "val", largest=None)
    asking = lessons.asked[:, 0].all(dim=1).nonzero().squeeze(1)  # (Q,)
    seen = lessons.facets[:, [COLOR, KIND, GENDER]]  # (N, 3)
    right = (seen[asking][:, None] == seen[None]).all(dim=2).float()  # (Q, N)
    words = lessons.texts[lessons.queries[asking, 0]].float()
    n, q = len(lessons), len(asking)
    yes = torch.ones(n, 1)
    gallery = Items(lessons.images.float(), lessons.texts[lessons.told[:, 2]].float(), yes, yes)
    query = Items(torch.zeros_like(words), words, torch.zeros(q, 1), torch.ones(q, 1))
    possible = float((right.sum(dim=1).clamp_max(10) / 10).mean())
    print(f"\n## Phrases of {', '.join(FACETS)} ({q} of them, {n} products), P@10\n")
    for method, (fuse, _) in methods.items():
        found = right.gather(1, (fuse(query) @ fuse(gallery).T).topk(10, dim=1).indices)
        mean, half = interval(found.mean(dim=1))
        print(f"- {method}: {mean:.3f} ±{half:.3f}")
    print(f"- possible: {possible:.3f}")


def main() -> None:
    given = arguments()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(home=given.home or Path(scratch) / "home", fusion="average")
        with Services.open(settings) as services:
            report(given, services, Path(scratch))


def report(given: argparse.Namespace, services: Services, scratch: Path) -> None:
    preparer, embedder = services.preparer, services.embedder

    def prepare(product: Product):
        return preparer.prepare(preparer.identify(product))

    road = Road(prepare, lambda items: embedder.encode(items)[0])
    bench = Bench.__new__(Bench)  # its archives alone: no tower is needed here
    bench.data, bench.cache = given.data, scratch
    ratio = tuned(read(bench, road, "train-fashion-224", "train"))
    simple: dict[str, Fuse] = {
        "image only": alone("image"),
        "text only": alone("text"),
        "average": weighted(1.0),
        f"tuned weighted sum ({ratio:g} to 1)": weighted(ratio),
    }
    methods = {name: Method.of(fuse) for name, fuse in simple.items()}
    for path in sorted(given.weights.glob("*.safetensors")):
        if not path.stem.endswith(COMBINER):
            read_card(path).check(embedder.encoder_id, path)
            methods |= from_weights(path)
    print(f"encoder {embedder.encoder_id}; {torch.get_num_threads()} threads")
    with torch.no_grad():
        for archive in ARCHIVES:
            lessons = read(bench, road, archive, "val")
            results = {
                name: answered(method.fuse, lessons, fuse_query=method.fuse_query)
                for name, method in methods.items()
            }
            first = {name: own_picture_first(m.fuse, lessons) for name, m in methods.items()}
            print_table(archive, results, first)
        phrases(bench, road, methods)


def from_weights(path: Path) -> dict[str, Method]:
    """A trained fusion, and once more with the combiner that stands beside it."""
    fuse = learned(path)
    found = {path.stem: Method.of(fuse)}
    combiner = path.with_stem(path.stem + COMBINER)
    if combiner.is_file():
        assert read_combiner_card(combiner).sizes["fusion_id"] == weights_id(path), combiner
        found[f"{path.stem} with combiner"] = Method(fuse, combined(fuse, combiner))
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--home", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
