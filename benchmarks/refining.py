"""Whether turns of talk become what they ask for: the share that is right, and the time of each.

    python benchmarks/refining.py --data ../shared/data --home scratch-home

Turns, each with a search before and the search that is right afterwards, stand in
`refining_turns/`: those in `tuned.txt` were at hand while the rules were written, those in
`unseen.txt` were not. They speak of the drawn shop of this project, and of Luma, whose archive
`catalog-luma` `--data` needs, unpacked; each is indexed into a folder of `--home`. A turn is right
where every field of the search is, in any case and order, and where something is said not to be
done exactly where it should be. `--wrong` prints the others.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import Product
from shopsearch.refining import ChangeKind, Refined
from shopsearch.server.addresses import search_fields
from shopsearch.server.refined_search import query_to_refine, refined_request
from shopsearch.server.search_request import SearchRequest, read_search
from shopsearch.settings import Settings

HERE = Path(__file__).parent
TURNS = HERE / "refining_turns"
DRAWN = HERE.parent / "data" / "drawn-shop" / "products.csv"
N_SHOWN = 24
PLACE = re.compile(r"\{([^}]+)\}")

Fields = list[tuple[str, str]]


@dataclass(frozen=True)
class Judged:
    shop: str
    search: str
    said: str
    afterwards: str  # as in the files


@dataclass(frozen=True)
class Outcome:
    judged: Judged
    refined: Refined
    found: Fields
    wanted: Fields
    seconds: float

    @property
    def is_right(self) -> bool:
        is_missed = self.judged.afterwards.endswith("!")
        kinds = {change.kind for change in self.refined.changes}
        named = {kind for kind in (ChangeKind.UNDO, ChangeKind.RESTART) if kind in kinds}
        expected = {kind for kind in (ChangeKind.UNDO, ChangeKind.RESTART) if kind in self._marks}
        return (
            sorted(self.found) == sorted(self.wanted)
            and bool(self.refined.missed) is is_missed
            and named == expected
        )

    @property
    def _marks(self) -> set[str]:
        last = self.judged.afterwards.rpartition(" ")[2]
        names = {"undo": ChangeKind.UNDO, "restart": ChangeKind.RESTART}
        return {names[last]} if last in names else set()


def read_turns(path: Path) -> list[Judged]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        Judged(*(part.strip() for part in line.split("|")))
        for line in lines
        if line and not line.startswith("#")
    ]


def fields_of(text: str) -> Fields:
    pairs = (part.partition("=") for part in text.split("&") if "=" in part)
    return [(name, unquote(value)) for name, _, value in pairs]


def wanted_fields(judged: Judged, shown: Sequence[Product]) -> Fields:
    """The fields that are right, with what is shown filled in."""
    plain = re.sub(r"\s*(?:!|\bundo|\brestart)$", "", judged.afterwards)
    filled = PLACE.sub(lambda place: filled_in(place[1], shown), plain)
    request = read_search((n, v) for n, v in fields_of(filled))
    return normal(request)


def filled_in(place: str, shown: Sequence[Product]) -> str:
    if place == "cheapest":
        return min(shown, key=lambda one: float(one.price.amount)).product_id
    side, _, landmark = place.rpartition(" ")
    if not side:
        at = int(landmark)
        return shown[at - 1 if at > 0 else at].product_id
    prices = [float(one.price.amount) for one in shown]
    if landmark.isdigit():
        price = prices[int(landmark) - 1]
    else:
        quarter = {"lower": 25, "median": 50, "upper": 75}[landmark]
        price = float(np.percentile(prices, quarter))
    cents = int(price * 100 + 1e-6) + (-1 if side == "below" else 1)
    return f"{cents / 100:.2f}"


def normal(request: SearchRequest) -> Fields:
    return [(name, value.casefold()) for name, value in search_fields(request)]


def outcomes(judged: Sequence[Judged], services: Services) -> Iterator[Outcome]:
    for one in judged:
        request = read_search(fields_of(one.search))
        page = services.search.search(request.query())
        shown = [hit.product for hit in page.hits][:N_SHOWN]
        started = time.perf_counter()
        refined = services.refining.refine(
            one.said, query_to_refine(request), [product.product_id for product in shown]
        )
        seconds = time.perf_counter() - started
        found = normal(refined_request(request, refined.query))
        yield Outcome(one, refined, found, wanted_fields(one, shown), seconds)


def services_of(shop: str, home: Path, data: Path) -> Services:
    services = Services.open(Settings(home=home / shop, encoder="hashing", index="exact"))
    if not services.store.count():
        feed = DRAWN if shop == "drawn" else data / f"catalog-{shop}"
        services.indexer.run(open_feed(feed), feed_name=shop)
    return services


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--set", choices=("tuned", "unseen", "both"), default="both")
    parser.add_argument("--wrong", action="store_true", help="also print what is not right")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    names = ("tuned", "unseen") if options.set == "both" else (options.set,)
    print("| turns | number | right | share | median ms | 95 % ms |\n|---|---|---|---|---|---|")
    wrong: list[Outcome] = []
    for name in names:
        judged = read_turns(TURNS / f"{name}.txt")
        done: list[Outcome] = []
        for shop in dict.fromkeys(one.shop for one in judged):
            with services_of(shop, options.home, options.data) as services:
                services.refining.refine("in blue", query_to_refine(SearchRequest()))  # warm up
                done += outcomes([one for one in judged if one.shop == shop], services)
        ms = [1000 * one.seconds for one in done]
        right = sum(one.is_right for one in done)
        print(
            f"| {name} | {len(done)} | {right} | {right / len(done):.1%} "
            f"| {statistics.median(ms):.1f} | {np.percentile(ms, 95):.1f} |"
        )
        wrong += [one for one in done if not one.is_right]
    if options.wrong:
        for one in wrong:
            print(f"\n{one.judged.said!r} after {one.judged.search!r}: {one.refined.reply}")
            print(f"  is     {sorted(one.found)}\n  should {sorted(one.wanted)}")


if __name__ == "__main__":
    main()
