"""What query understanding is worth: the same queries with and without it, in one table.

    python benchmarks/understanding.py --data ../shared/data --home scratch-home

Needs the archives `catalog-flipkart`, `catalog-luma` and `catalog-tailwind` in `--data`, as zip
files or unpacked, and for the last rows `judgments-esci-dev`. They are indexed into `--home`, which
takes some minutes; a second run starts at once. `--factor KIND=N` tries another strength of a
preference; it may be given more than once.

The queries are made of what the products themselves tell: a colour and a kind (`blue jackets`), a
brand and a kind, a kind and a bound of the price, a kind and a size. Right is what has both. `of
10` is the share of the first ten that have the one that is understood: the colour, brand, price or
size. ESCI are real queries with judgments by people.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ranking_quality import unpacked

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.catalog.base import FieldMapping
from shopsearch.domain import CATEGORY_SEPARATOR, FeedRow, PartKind, Product, Query
from shopsearch.evaluation.measures import Evaluation, evaluate
from shopsearch.evaluation.uncertainty import mean_intervals
from shopsearch.settings import Settings
from shopsearch.understanding.preferences import FACTORS

NDCG = "ndcg@10"
DEPTH = 50
MAX_QUERIES = 150  # of each sort, the ones that the most products answer
SHOPS = ("luma", "tailwind", "flipkart")


@dataclass(frozen=True)
class Asked:
    name: str
    texts: Sequence[str]
    right: Sequence[frozenset[str]]  # ids that have all that is asked for
    wished: Sequence[frozenset[str]]  # ids that have what is understood


def asked(name: str, products: Sequence[Product], pairs: Iterable[tuple[str, ...]]) -> Asked:
    """From (product id, text, wish); a wish is one thing that a text asks for."""
    right: dict[tuple[str, str], set[str]] = defaultdict(set)
    wished: dict[str, set[str]] = defaultdict(set)
    for product_id, text, wish in pairs:
        right[text, wish].add(product_id)
    for product in products:
        for wish in {wish for _, wish in right}:
            if has(product, wish):
                wished[wish].add(product.product_id)
    most = sorted(right, key=lambda key: -len(right[key]))[:MAX_QUERIES]
    return Asked(
        name,
        [text for text, _ in most],
        [frozenset(right[key]) for key in most],
        [frozenset(wished[wish]) for _, wish in most],
    )


def has(product: Product, wish: str) -> bool:
    field, _, value = wish.partition("=")
    if field == "price":
        return product.price is not None and float(product.price.amount) <= float(value)
    return str(getattr(product, field)).casefold() == value


def kind_of(product: Product) -> str:
    """The last level of the category, as a shopper says it."""
    names = product.product_type.lower().split(CATEGORY_SEPARATOR)
    return names[-1].split("&")[0].strip() if product.product_type else ""


def queries(products: Sequence[Product]) -> Iterator[Asked]:
    for field in ("color", "brand", "size"):
        found = [
            (p.product_id, text(field, value, kind_of(p)), f"{field}={value}")
            for p in products
            if (value := getattr(p, field).casefold()) and is_plain(value) and kind_of(p)
        ]
        if found:
            yield asked(f"{field}, kind", products, found)
    by_kind: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        if product.price is not None and kind_of(product):
            by_kind[kind_of(product)].append(product)
    bounded = []
    for kind, some in by_kind.items():
        bound = round(statistics.median(float(p.price.amount) for p in some if p.price))
        cheap = [p for p in some if p.price and float(p.price.amount) <= bound]
        if len(some) > 3 and cheap:
            bounded += [(p.product_id, f"{kind} under {bound}", f"price={bound}") for p in cheap]
    yield asked("kind, price", products, bounded)


def is_plain(value: str) -> bool:
    return len(value) > 1 and not any(mark in value for mark in ",|/;")


def text(field: str, value: str, kind: str) -> str:
    return f"{kind} size {value}" if field == "size" else f"{value} {kind}"


def run(services: Services, texts: Sequence[str], *, understand: bool) -> list[list[str]]:
    return [
        [
            hit.product.product_id
            for hit in services.search.search(Query(text=t, k=DEPTH, understand=understand)).hits
        ]
        for t in texts
    ]


def report(shop: str, services: Services, products: Sequence[Product]) -> Iterator[str]:
    for one in queries(products):
        judged = {str(n): dict.fromkeys(ids, 1.0) for n, ids in enumerate(one.right)}
        found, fulfilled = {}, {}
        for understand in (False, True):
            ranked = run(services, one.texts, understand=understand)
            found[understand] = evaluate({str(n): ids for n, ids in enumerate(ranked)}, judged)
            fulfilled[understand] = np.mean(
                [
                    len(wished.intersection(ids[:10])) / max(1, min(10, len(wished)))
                    for ids, wished in zip(ranked, one.wished, strict=True)
                ]
            )
        yield row(shop, f"{one.name} ({len(one.texts)})", found[False], found[True], fulfilled)


def row(
    shop: str, name: str, plain: Evaluation, understood: Evaluation, of_ten: dict[bool, float]
) -> str:
    both = [(understood.per_query[q][NDCG], plain.per_query[q][NDCG]) for q in plain.per_query]
    (interval,) = mean_intervals(np.array(both) @ [[1.0], [-1.0]])
    wish = f"{of_ten[False]:.3f} | {of_ten[True]:.3f}" if of_ten else " | "
    return (
        f"| {shop} | {name} | {plain.means[NDCG]:.3f} | {understood.means[NDCG]:.3f} "
        f"| {interval.low:+.3f} to {interval.high:+.3f} | {wish} |"
    )


def esci(home: Path, data: Path) -> Iterator[str]:
    folder = unpacked(data, "judgments-esci-dev", home)
    feed = without_pictures(folder / "products.jsonl", home / "esci-texts.jsonl")
    judged: dict[str, dict[str, float]] = defaultdict(dict)
    texts: dict[str, str] = {}
    with (folder / "qrels.csv").open(encoding="utf-8", newline="") as rows:
        for one in csv.DictReader(rows):
            judged[one["query_id"]][one["doc_id"]] = float(one["gain"])
            texts[one["query_id"]] = one["query"]
    with Services.open(Settings(home=home / "esci")) as services:
        mapping = FieldMapping(currency="USD")
        services.indexer.run(open_feed(feed, mapping=mapping), feed_name="esci")
        plain, understood = (
            evaluate(
                dict(zip(texts, run(services, list(texts.values()), understand=on), strict=True)),
                judged,
            )
            for on in (False, True)
        )
    yield row("ESCI dev", f"as people asked ({len(texts)})", plain, understood, {})


def without_pictures(source: Path, target: Path) -> Path:
    """The same products without the addresses of their pictures, which are not fetched here."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as kept:
        for line in lines:
            record = json.loads(line)
            record.pop("image_url", None)
            kept.write(json.dumps(record) + "\n")
    return target


def reading_times(services: Services, texts: Sequence[str]) -> str:
    """How long reading a query takes: with the first one, new ones, and those known already."""
    generation = services.live.get()
    took: list[float] = []
    for t in [*texts, *texts]:
        started = time.perf_counter()
        services.understanding.read(Query(text=t), generation)
        took.append((time.perf_counter() - started) * 1000)
    new, known = took[1 : len(texts)], took[len(texts) :]
    return (
        f"{len(generation.index):,} products: the first query {took[0]:.1f} ms, new ones "
        f"{statistics.median(new):.2f} ms (p95 {np.percentile(new, 95):.2f}), "
        f"known ones {statistics.median(known):.2f} ms (p95 {np.percentile(known, 95):.2f})"
    )


def shop_rows(shop: str, home: Path, data: Path) -> tuple[list[str], str]:
    folder = unpacked(data, f"catalog-{shop}", home)
    feed = folder / "products.csv"
    products = [one.product for one in open_feed(feed) if isinstance(one, FeedRow)]
    with Services.open(Settings(home=home / shop)) as services:
        services.indexer.run(open_feed(feed), feed_name=shop)
        texts = [t for one in queries(products) for t in one.texts]
        times = f"{shop}, {reading_times(services, texts)}"
        return list(report(shop, services, products)), times


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--only", action="append", choices=[*SHOPS, "esci"], default=[])
    parser.add_argument("--factor", action="append", default=[], metavar="KIND=N")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    for given in options.factor:
        kind, _, factor = given.partition("=")
        FACTORS[PartKind(kind)] = float(factor)
    chosen = options.only or [*SHOPS, "esci"]
    print(f"factors {', '.join(f'{kind} {factor:g}' for kind, factor in FACTORS.items())}\n")
    print("| shop | queries | nDCG@10 without | with | gain | of 10 without | with |")
    print("|---" * 7 + "|")
    times = []
    for shop in SHOPS:
        if shop in chosen:
            rows, took = shop_rows(shop, options.home, options.data)
            print("\n".join(rows), flush=True)
            times.append(took)
    if "esci" in chosen:
        print("\n".join(esci(options.home, options.data)), flush=True)
    print("\nreading a query:", *times, sep="\n")


if __name__ == "__main__":
    main()
