"""Queries for the drawn shop, with the judgments that follow from how it was made."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from shopsearch.demo.wording import KINDS, PATTERN_WORDS

EXACT, FITTING, FAINT = 3.0, 2.0, 0.3  # gains; below 1 is not relevant, but better than nothing
_N_COMPOSED = 60
_N_CHANGED = 20

_Traits = dict[str, str]  # id, kind, color, pattern


@dataclass(frozen=True, slots=True)
class _Judged:
    query: dict[str, str]
    gains: dict[str, float]


def judged_queries(folder: Path) -> tuple[Path, Path]:
    """Write queries.jsonl and qrels.csv beside the products.csv of a drawn shop; their paths."""
    shop = _read(folder / "products.csv")
    chance = Random(0)  # noqa: S311 - it picks queries, it keeps no secrets
    judged = [
        *_composed(shop, chance),
        *_of_two_traits(shop, "color"),
        *_of_two_traits(shop, "pattern"),
        *_by_other_names(shop),
        *_changed(shop, chance),
    ]
    queries, qrels = folder / "queries.jsonl", folder / "qrels.csv"
    with queries.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(each.query) + "\n" for each in judged)
    with qrels.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("query_id", "product_id", "gain"))
        for each in judged:
            writer.writerows((each.query["query_id"], *gain) for gain in each.gains.items())
    return queries, qrels


def _read(feed: Path) -> list[_Traits]:
    with feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        {
            "id": row["id"],
            "kind": row["item_group_id"].rpartition("-")[0],
            "color": row["color"],
            "pattern": row["pattern"],
        }
        for row in rows
    ]


def _composed(shop: list[_Traits], chance: Random) -> Iterator[_Judged]:
    """`striped red mug`: one product is it; a striped blue or a plain red mug is a faint match."""
    patterned = [one for one in shop if one["pattern"] != "plain"]
    for one in chance.sample(patterned, min(_N_COMPOSED, len(patterned))):
        text = f"{PATTERN_WORDS[one['pattern']]} {one['color']} {KINDS[one['kind']].noun}"
        yield _Judged({"query_id": f"composed-{one['id']}", "text": text}, _graded(shop, one))


def _of_two_traits(shop: list[_Traits], trait: str) -> Iterator[_Judged]:
    """`blue dress`, whatever its pattern; `checked armchair`, whatever its colour."""
    for kind, value in sorted({(one["kind"], one[trait]) for one in shop}):
        text = f"{PATTERN_WORDS.get(value, value)} {KINDS[kind].noun}"
        query = {"query_id": f"{trait}-{kind}-{value}", "text": text}
        yield _Judged(query, _fitting(shop, {"kind": kind, trait: value}))


def _by_other_names(shop: list[_Traits]) -> Iterator[_Judged]:
    """`rucksack`: words that the feed does not use."""
    for kind in sorted({one["kind"] for one in shop}):
        for name in KINDS[kind].other_names:
            query = {"query_id": f"name-{name.replace(' ', '-')}", "text": name}
            yield _Judged(query, _fitting(shop, {"kind": kind}))


def _changed(shop: list[_Traits], chance: Random) -> Iterator[_Judged]:
    """This very product, but in `blue`: a product and a word."""
    pairs = [
        (one, other)
        for one in shop
        for other in shop
        if one is not other and (one["kind"], one["pattern"]) == (other["kind"], other["pattern"])
    ]
    for one, other in chance.sample(pairs, min(_N_CHANGED, len(pairs))):
        query = {
            "query_id": f"changed-{one['id']}-to-{other['color']}",
            "product_id": one["id"],
            "text": other["color"],
        }
        gains = _graded(shop, other)
        gains.pop(one["id"])  # a query does not get its own product back
        yield _Judged(query, gains)


def _graded(shop: list[_Traits], wanted: _Traits) -> dict[str, float]:
    gains = {}
    for one in shop:
        n_shared = sum(one[trait] == wanted[trait] for trait in ("color", "pattern"))
        if one["kind"] == wanted["kind"] and n_shared:
            gains[one["id"]] = EXACT if n_shared == 2 else FAINT
    return gains


def _fitting(shop: list[_Traits], wanted: _Traits) -> dict[str, float]:
    return {one["id"]: FITTING for one in shop if wanted.items() <= one.items()}
