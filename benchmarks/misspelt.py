"""Whether products are found by their titles as people misspell them: one table.

    python benchmarks/misspelt.py --data ../shared/data --home scratch-home

Needs the archives `catalog-flipkart`, `catalog-luma`, `catalog-oro` and `catalog-tailwind` in
`--data`, unpacked. All four are indexed as ONE catalog into `--home`, which takes some minutes; a
second run starts at once. 200 titles are drawn by `--seed`, from each shop in turn, and each is
changed in one way: one typo (a letter left out, put in, exchanged, or two swapped) in a word of
four letters or more; one word in the other number; another order of the words; or another spelling
of a unit, which only titles with a number and a unit can have. Found is a product among the first
five, or another of the very same title. Whole titles forgive much, so a further set of 50 has a
typo in each word of four letters or more; it does not count among the 200.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import string
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, islice
from pathlib import Path

import numpy as np

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import Query
from shopsearch.search import SearchService
from shopsearch.settings import Settings

SHOPS = ("flipkart", "luma", "oro", "tailwind")
N_OF_EACH = 50
TOP = 5
ALL = "the 200"
WORD = re.compile(r"[^\W\d_]{4,}")
UNITS = (  # ways to write one unit after a number
    (" inch", "in", " inches", '"', "-inch"),
    ("gb", " gb", " GB"),
    ("tb", " tb", " TB"),
    (" cm", "cm", " centimeters"),
    (" mm", "mm"),
    (" ml", "ml"),
    (" kg", "kg"),
    (" oz", "oz", " ounce"),
    (" lb", "lb", " lbs"),
    (" ft", "ft", " feet", "'"),
    (" W", "W", " watt", " watts"),
    (" V", "V", " volt"),
    (" L", "L", " litre", " liter"),
)


@dataclass(frozen=True)
class Misspelt:
    kind: str
    title: str
    text: str


def typo(title: str, chance: random.Random) -> str:
    """One slip in one word; the same title where no word is long enough."""
    words = list(WORD.finditer(title))
    if not words:
        return title
    word = chance.choice(words)
    return title[: word.start()] + slipped(word[0], chance) + title[word.end() :]


def slipped(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word))
    letter = chance.choice(string.ascii_lowercase)
    swapped = min(place, len(word) - 2)
    return chance.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:swapped] + word[swapped + 1] + word[swapped] + word[swapped + 2 :],
        )
    )


def typo_in_each(title: str, chance: random.Random) -> str:
    return WORD.sub(lambda word: slipped(word[0], chance), title)


def other_number(title: str, chance: random.Random) -> str:
    """One word as its plural, or a plural as one."""
    words = [w for w in WORD.finditer(title) if not w[0].endswith(("ss", "us", "is"))]
    if not words:
        return title
    word = chance.choice(words)
    return title[: word.start()] + turned(word[0]) + title[word.end() :]


def turned(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("s"):
        return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]
    if word.endswith(("x", "ch", "sh", "z")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def other_order(title: str, chance: random.Random) -> str:
    words = title.split()
    chance.shuffle(words)
    return " ".join(words)


def other_unit(title: str, chance: random.Random) -> str:
    for spellings in chance.sample(UNITS, len(UNITS)):
        for spelling in sorted(spellings, key=len, reverse=True):
            written = re.compile(rf"(?<=\d){re.escape(spelling)}(?!\w)", re.IGNORECASE)
            if written.search(title):
                others = [o for o in spellings if o.lower() != spelling.lower()]
                return written.sub(chance.choice(others), title, count=1)
    return title


KINDS: dict[str, Callable[[str, random.Random], str]] = {
    "one typo": typo,
    "plural": other_number,
    "word order": other_order,
    "unit spelling": other_unit,
}

HARDER: dict[str, Callable[[str, random.Random], str]] = {"a typo in each word": typo_in_each}


def misspelt(titles: Sequence[Sequence[str]], chance: random.Random) -> Iterator[Misspelt]:
    """`N_OF_EACH` of each kind, from the titles of each shop in turn; each title once a kind."""
    for kind, change in (KINDS | HARDER).items():
        shuffled = [chance.sample(list(one), len(one)) for one in titles]
        queues = [changed(kind, change, one, chance) for one in shuffled]
        yield from islice(in_turn(queues), N_OF_EACH)


def changed(
    kind: str,
    change: Callable[[str, random.Random], str],
    titles: Sequence[str],
    chance: random.Random,
) -> Iterator[Misspelt]:
    for title in titles:
        text = change(title, chance)
        if text.lower() != title.lower():
            yield Misspelt(kind, title, text)


def in_turn(queues: Sequence[Iterator[Misspelt]]) -> Iterator[Misspelt]:
    waiting = list(queues)
    for queue in cycle(queues):
        if not waiting:
            return
        if queue in waiting:
            try:
                yield next(queue)
            except StopIteration:
                waiting.remove(queue)


def rank_of(search: SearchService, asked: Misspelt) -> tuple[int, float]:
    """The rank of the product, 0 where it is not among the first `TOP`; and how long it took."""
    page = search.search(Query(text=asked.text, k=TOP))
    for hit in page.hits:
        if " ".join(hit.product.title.split()).casefold() == asked.title.casefold():
            return hit.rank, page.took_ms
    return 0, page.took_ms


def titles_of(folder: Path) -> list[str]:
    with (folder / "products.csv").open(encoding="utf-8", newline="") as rows:
        return sorted({" ".join(row["title"].split()) for row in csv.DictReader(rows)} - {""})


def index_all(services: Services, data: Path) -> None:
    for shop in SHOPS:
        started = time.perf_counter()
        feed = open_feed(data / f"catalog-{shop}")
        done = services.indexer.run(feed, feed_name=shop)
        print(f"{shop}: {done.read} read, {time.perf_counter() - started:.0f} s", flush=True)


def table(asked: Sequence[Misspelt], ranks: Sequence[int]) -> Iterator[str]:
    yield f"| change | queries | in the first {TOP} | share | first |\n|---|---|---|---|---|"
    for kind in (*KINDS, ALL, *HARDER):
        kinds = KINDS if kind == ALL else (kind,)
        some = [r for one, r in zip(asked, ranks, strict=True) if one.kind in kinds]
        found = sum(rank > 0 for rank in some)
        first = sum(rank == 1 for rank in some)
        yield f"| {kind} | {len(some)} | {found} | {found / max(len(some), 1):.1%} | {first} |"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--missed", action="store_true", help="also print what was not found")
    parser.add_argument("--indexed", action="store_true", help="the home is indexed already")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    titles = [titles_of(options.data / f"catalog-{shop}") for shop in SHOPS]
    asked = list(misspelt(titles, random.Random(options.seed)))
    with Services.open(Settings(home=options.home)) as services:
        if not options.indexed:
            index_all(services, options.data)
        services.search.search(Query(text="warm up, pleaze"))
        answers = [rank_of(services.search, one) for one in asked]
        print(f"{services.store.count()} products, encoder {services.encoder.encoder_id}\n")
    ranks = [rank for rank, _ in answers]
    print("\n".join(table(asked, ranks)))
    print(f"\np50 of a search {np.median([took for _, took in answers]):.0f} ms")
    if options.missed:
        missed = (one for one, rank in zip(asked, ranks, strict=True) if not rank)
        print("\n".join(chain(["", "not found:"], (f"{m.kind}: {m.text}" for m in missed))))


if __name__ == "__main__":
    main()
