"""Whether what is not wanted goes away, and what is wanted stays: two tables.

    python benchmarks/negatives.py --data ../shared/data --home scratch-home

Needs the archives `catalog-flipkart` and `catalog-luma` in `--data`, unpacked. Both are indexed
into `--home`, a catalog of each, which takes some minutes; a second run starts at once.

Words: for each kind of thing (the last level of the category) and each value of colour or material
that some of the kind have and some have not, "KIND not VALUE" and "KIND without VALUE", in turn;
`--seed` draws `--n` of all. Told are the shares of the first ten hits that have the value (in
title, colour or material), and that are of the kind. The rows:

    kind alone       what "KIND" finds: how much of the value is there by itself
    as plain words   what "KIND VALUE" finds: an engine that reads over "not"
    read as before   the whole text is encoded; words after "without" weigh a little less
    vector alone     the negated words push the vector away, and nothing comes last for them
    now              the same, and products that hold them come last

Pictures: for two products of one kind that differ in colour and title, the first's picture is asked
for, with and without "less of" the second's. Told is the median rank of the best placed product of
the second's kind and colour, the two themselves left out; its share in the first ten; in how many
pairs that rank fell; and how much of the first ten is of the first's kind.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import CATEGORY_SEPARATOR, Product, Query, Wanted
from shopsearch.search import SearchService
from shopsearch.settings import Settings
from shopsearch.wording import Wording, WordingService

SHOPS = ("luma", "flipkart")
TOP = 10
DEPTH = 300
FEWEST_WITH, FEWEST_WITHOUT = 3, 10  # products of the kind
KINDS = {  # what the last level of a category ends with, as a shopper says it
    "Pants": "pants",
    "Hoodies & Sweatshirts": "hoodie",
    "Tees": "tee",
    "Jackets": "jacket",
    "Shorts": "shorts",
    "Tanks": "tank top",
    "Coffee Mugs": "coffee mug",
    "Wrist Watches": "wrist watch",
    "Curtains": "curtain",
    "Towels": "towel",
    "Cushion Covers": "cushion cover",
    "Blankets, Quilts & Dohars": "blanket",
    "Showpieces": "showpiece",
}
TOLD = re.compile("colou?r|material|fabric", re.IGNORECASE)
VALUE = re.compile(r"[a-z]{3,}(?: [a-z]{3,})?")


@dataclass(frozen=True)
class Asked:
    kind: str  # the last level of the category ends so
    value: str
    says: str  # "not" or "without"

    @property
    def text(self) -> str:
        return f"{KINDS[self.kind]} {self.says} {self.value}"


class ReadAsBefore:
    """All that is typed is encoded, and only words after "without" weigh less."""

    def __init__(self, wording: WordingService) -> None:
        self._wording = wording

    def read(self, text: str, *, as_typed: bool = False) -> Wording:
        meant = self._wording.read(text.replace(" not ", " "), as_typed=as_typed)
        return replace(meant, words=replace(meant.words, text=text, negated=()))


def said(product: Product) -> str:
    """What has the value, if anything: title, colour, material."""
    told = (value for name, value in product.attributes.items() if TOLD.search(name))
    return " | ".join((product.title, product.color, product.material, *told)).casefold()


def has(product: Product, value: str) -> bool:
    return re.search(rf"\b{re.escape(value)}\b", said(product)) is not None


def kind_of(product: Product) -> str | None:
    level = product.product_type.split(CATEGORY_SEPARATOR)[-1]
    return next((kind for kind in KINDS if level.endswith(kind)), None)


def values_of(product: Product) -> set[str]:
    told = (value for name, value in product.attributes.items() if TOLD.search(name))
    parts = re.split(r"[,|&/]", " | ".join((product.color, product.material, *told)).casefold())
    return {part.strip() for part in parts if VALUE.fullmatch(part.strip())}


def questions(products: Sequence[Product], n: int, chance: random.Random) -> list[Asked]:
    """For each kind and value that tells some of the kind from others."""
    found = []
    for kind in KINDS:
        of_kind = [one for one in products if kind_of(one) == kind]
        for value in sorted({value for one in of_kind for value in values_of(one)}):
            n_with = sum(has(one, value) for one in of_kind)
            if FEWEST_WITH <= n_with <= len(of_kind) - FEWEST_WITHOUT:
                found.append((kind, value))
    chosen = chance.sample(found, min(n, len(found)))
    return [Asked(*pair, ("not", "without")[n % 2]) for n, pair in enumerate(chosen)]


def catalog(services: Services, data: Path) -> list[Product]:
    for shop in SHOPS:
        feed = data / f"catalog-{shop}" / "products.csv"
        report = services.indexer.run(open_feed(feed), feed_name=str(feed.resolve()))
        print(f"{shop}: {report.indexed} indexed, {report.unchanged} unchanged")
    changes = services.store.changes_since(0, 100_000)
    return [stored.product for stored in changes.upserted]


Ask = Callable[[Asked], tuple[SearchService, Query]]


def rows(services: Services) -> Iterator[tuple[str, Ask]]:
    search = services.search
    other = Services(services.settings)
    other.encoder = services.encoder
    other.wording = ReadAsBefore(services.wording)
    before = other.search
    just_below = -0.499  # words of this weight push the vector, and nothing comes last for them
    yield "kind alone", lambda one: (search, Query(text=KINDS[one.kind]))
    yield "as plain words", lambda one: (search, Query(text=f"{KINDS[one.kind]} {one.value}"))
    yield "read as before", lambda one: (before, Query(text=one.text))
    yield (
        "vector alone",
        lambda one: (
            search,
            Query(text=KINDS[one.kind], also=(Wanted(text=one.value, weight=just_below),)),
        ),
    )
    yield "now", lambda one: (search, Query(text=one.text))


def words_table(services: Services, asked: Sequence[Asked]) -> None:
    print(f"\n{len(asked)} queries of words, the first {TOP} hits of each")
    print(f"{'':16} {'have the value':>16} {'are of the kind':>16}")
    for name, ask in rows(services):
        unwanted, right = [], []
        for one in asked:
            search, query = ask(one)
            hits = search.search(replace(query, k=TOP)).hits
            unwanted.append(np.mean([has(hit.product, one.value) for hit in hits]))
            right.append(np.mean([kind_of(hit.product) == one.kind for hit in hits]))
        print(f"{name:16} {np.mean(unwanted):>16.3f} {np.mean(right):>16.3f}")


def pairs(products: Sequence[Product], n: int, chance: random.Random) -> list[tuple[Product, ...]]:
    """Two of a kind that differ in colour and title, and more of the second's colour."""
    found = []
    pictured = [one for one in products if one.images and one.color and kind_of(one)]
    while len(found) < n:
        first, second = chance.sample(pictured, 2)
        alike = [one for one in pictured if group_of(one) == group_of(second)]
        is_pair = kind_of(first) == kind_of(second) and first.color != second.color
        if is_pair and first.title != second.title and len(alike) > FEWEST_WITH:
            found.append((first, second))
    return found


def group_of(product: Product) -> tuple[str | None, str]:
    return kind_of(product), product.color


def pictures_table(services: Services, products: Sequence[Product], chance: random.Random) -> None:
    asked = pairs(products, 60, chance)
    print(f"\n{len(asked)} pictures, less like another of the same kind")
    print(f"{'weight':>8} {'first rank':>11} {'in first 10':>12} {'fell':>6} {'of the kind':>12}")
    ranks: dict[float, list[float]] = {}
    for weight in (0.0, -0.25, -0.5, -1.0):
        told = [told_of(services, first, second, weight) for first, second in asked]
        rank, share, kind = np.array(told).T
        ranks[weight] = list(rank)
        fell = np.mean(rank > np.array(ranks[0.0]))
        shares = f"{share.mean():>12.3f} {fell:>6.2f} {kind.mean():>12.3f}"
        print(f"{weight:>8} {np.median(rank):>11.0f} {shares}")


def told_of(
    services: Services, first: Product, second: Product, weight: float
) -> tuple[float, float, float]:
    """Of the second's group: the first rank, and the share in the first ten; the kind's share."""
    image, other = (Path(one.images[0]).read_bytes() for one in (first, second))
    also = (Wanted(image=other, weight=weight),) if weight else ()
    hits = services.search.search(Query(image=image, also=also, k=DEPTH)).hits
    named = (first.product_id, second.product_id)
    found = [hit.product for hit in hits if hit.product.product_id not in named]
    is_group = [group_of(one) == group_of(second) for one in found]
    rank = is_group.index(True) + 1 if True in is_group else DEPTH
    kinds = [kind_of(one) == kind_of(first) for one in found[:TOP]]
    return rank, float(np.mean(is_group[:TOP])), float(np.mean(kinds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with Services.open(Settings(home=options.home)) as services:
        products = catalog(services, options.data)
        chance = random.Random(options.seed)
        words_table(services, questions(products, options.n, chance))
        pictures_table(services, products, chance)


if __name__ == "__main__":
    main()
