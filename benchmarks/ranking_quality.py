"""Whether words help or hurt on catalogs the ranking has not learned from: one table.

    python benchmarks/ranking_quality.py --data ../shared/data --home scratch-home

Needs the archives `catalog-flipkart` and `catalog-luma` in `--data`, as zip files or unpacked; the
third shop is drawn. They are indexed into `--home`, which takes some minutes; a second run starts
at once. `--ranker FILE` adds rows for other weights; it may be given more than once.

The order of the vectors is that of the same candidates by cosine alone. (A file of weights that are
all 0 would not show it: whole titles and model numbers come first with any weights.) Right for a
title, or for seven in ten of its words, is the product that has it; for `blue jacket`, everything
blue among the jackets; for the drawn shop, what follows from how it was drawn. The judged queries
that the shipped weights were learned from have no place here: `shopsearch train ranking` measures
those by cross-validation.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.demo.judged import judged_queries
from shopsearch.domain import CATEGORY_SEPARATOR, FeedRow, Product, Query
from shopsearch.encoders import LazyEncoder
from shopsearch.evaluation.measures import Evaluation, evaluate
from shopsearch.evaluation.queries import JudgedQuery, read_qrels, read_queries
from shopsearch.evaluation.uncertainty import mean_intervals
from shopsearch.search import SearchService
from shopsearch.settings import Settings

N_TITLES = 200
KEPT_WORDS = 0.7  # of a title, where only a part of it is asked
DEPTH = 50
NDCG = "ndcg@10"
COLUMNS = (NDCG, "recall@1", "recall@5", "p@10")
KINDS = {  # the last level of Luma's categories, as a shopper says it
    "Hoodies & Sweatshirts": "hoodie",
    "Jackets": "jacket",
    "Pants": "pants",
    "Shorts": "shorts",
    "Tees": "t-shirt",
}
PEOPLE = {"Men": "men's", "Women": "women's"}  # the first level
VECTORS = "vectors"
Order = Callable[[SearchService, Query], list[str]]


@dataclass(frozen=True)
class Asked:
    name: str
    queries: Sequence[JudgedQuery]
    gains: dict[str, dict[str, float]]  # by query, by product


def titles(_: Path, products: Sequence[Product]) -> list[Asked]:
    """Whole titles, and parts of the same ones in their order."""
    chance = random.Random(0)
    chosen = chance.sample([p for p in products if len(p.title.split()) > 2], N_TITLES)
    whole = [(p.title, [p.product_id]) for p in chosen]
    parts = [(part_of(title.split(), chance), right) for title, right in whole]
    return [asked("title", whole), asked("part of a title", parts)]


def part_of(words: Sequence[str], chance: random.Random) -> str:
    n_kept = max(1, round(KEPT_WORDS * len(words)))
    return " ".join(words[place] for place in sorted(chance.sample(range(len(words)), n_kept)))


def looks(_: Path, products: Sequence[Product]) -> list[Asked]:
    """`blue jacket` and `men's blue jacket`, for each that the catalog has."""
    simple: dict[str, list[str]] = {}
    for_people: dict[str, list[str]] = {}
    for product in products:
        people, *_, kind = product.product_type.split(CATEGORY_SEPARATOR)
        if product.color and kind in KINDS:
            text = f"{product.color.lower()} {KINDS[kind]}"
            simple.setdefault(text, []).append(product.product_id)
            if people in PEOPLE:
                text = f"{PEOPLE[people]} {text}"
                for_people.setdefault(text, []).append(product.product_id)
    return [asked("colour, kind", simple.items()), asked("with people", for_people.items())]


def asked(name: str, pairs: Iterable[tuple[str, Sequence[str]]]) -> Asked:
    queries, gains = [], {}
    for number, (text, right) in enumerate(pairs):
        queries.append(JudgedQuery(query_id=str(number), text=text))
        gains[str(number)] = dict.fromkeys(right, 1.0)
    return Asked(name, queries, gains)


def drawn(folder: Path, _: Sequence[Product]) -> list[Asked]:
    queries, qrels = judged_queries(folder)
    return [Asked("judged by how it was drawn", read_queries(queries), read_qrels(qrels))]


SETS = {"luma": looks, "flipkart": titles, "drawn": drawn}


def by_vectors(search: SearchService, query: Query) -> list[str]:
    window = search.considered(query)
    best_first = np.argsort(-window.cosines, kind="stable")[:DEPTH]
    return [window.product_ids[n] for n in best_first]


def by_search(search: SearchService, query: Query) -> list[str]:
    return [hit.product.product_id for hit in search.search(query).hits]


def measured(order: Order, search: SearchService, sets: Sequence[Asked]) -> list[Evaluation]:
    return [
        evaluate({q.query_id: order(search, q.as_query(k=DEPTH)) for q in one.queries}, one.gains)
        for one in sets
    ]


def table_rows(
    shop: str, sets: Sequence[Asked], results: dict[str, list[Evaluation]]
) -> Iterator[str]:
    for place, one in enumerate(sets):
        plain = results[VECTORS][place]
        for name, evaluations in results.items():
            found = evaluations[place]
            cells = [f"{found.means[column]:.3f}" for column in COLUMNS]
            gained = "" if name == VECTORS else gain(found, plain)
            start = (shop, f"{one.name} ({found.n_queries})", name)
            yield f"| {' | '.join((*start, *cells, gained))} |"


def gain(found: Evaluation, plain: Evaluation) -> str:
    """The paired 95 % interval of what nDCG@10 gained."""
    both = [(found.per_query[one][NDCG], plain.per_query[one][NDCG]) for one in plain.per_query]
    (interval,) = mean_intervals(np.array(both) @ [[1.0], [-1.0]])
    return f"{interval.low:+.3f} to {interval.high:+.3f}"


def unpacked(data: Path, archive: str, home: Path) -> Path:
    """The folder of an archive; a zip file is unpacked into `home`."""
    if (data / archive).is_dir():
        return data / archive
    folder = home / "archives" / archive
    if not folder.is_dir():
        with zipfile.ZipFile(data / f"{archive}.zip") as packed:
            packed.extractall(folder)
    return next(folder.rglob("products.*")).parent


def report(folder: Path, home: Path, encoder: LazyEncoder, rankers: Sequence[Path]) -> list[str]:
    """The rows of one shop."""
    products = [row.product for row in open_feed(folder) if isinstance(row, FeedRow)]
    sets = SETS[home.name](folder, products)
    results = {}
    for ranker in (None, *rankers):
        with Services.open(Settings(home=home, ranker=ranker)) as services:
            services.encoder = encoder
            services.indexer.run(open_feed(folder), feed_name=home.name)
            if ranker is None:
                results[VECTORS] = measured(by_vectors, services.search, sets)
            name = "second stage" if ranker is None else ranker.stem
            results[name] = measured(by_search, services.search, sets)
    return list(table_rows(home.name, sets, results))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path)
    parser.add_argument("--ranker", type=Path, action="append", default=[])
    return parser.parse_args()


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        encoder = Services(Settings(home=home)).encoder
        feeds = {
            "luma": unpacked(options.data, "catalog-luma", home),
            "flipkart": unpacked(options.data, "catalog-flipkart", home),
            "drawn": draw_shop(home / "drawn-feed").parent,
        }
        rows = [report(feeds[shop], home / shop, encoder, options.ranker) for shop in feeds]
    print(f"encoder {encoder.encoder_id}\n")
    print(f"| shop | queries | order | {' | '.join(COLUMNS)} | gain in {NDCG} |\n{'|---' * 8}|")
    print("\n".join(chain.from_iterable(rows)))


if __name__ == "__main__":
    main()
