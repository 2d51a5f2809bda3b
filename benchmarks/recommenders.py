"""How good recommendations are by what the people of a shop have linked by hand: one table.

    python benchmarks/recommenders.py --data ../shared/data --home scratch-home

Needs the archive `catalog-luma` in `--data`, as a zip file or unpacked; its 461 products are
indexed into `--home` with the encoder of the settings. Its links name for a product what the shop
shows beside it: upsell (the same kind, better), related (all of other categories: trousers beside a
hoodie) and cross-sell (fitness equipment beside clothes). For each product with links, the first
ten recommendations are compared with them, product groups and not colours: the share of products
with a hit with its 95 % interval over products, and recall.

Parameters were tuned on one half of the products, those whose id hashes to an even number; the
other half is reported. "after baskets" is what `complementary` answers once baskets were seen that
hold a product of the first half and what is linked to it, never one that is asked about. Nobody's
purchases are known, so these baskets are links in disguise; they show how fast categories are
learnt, not how people buy. Last come the recall of a weighed `similar` against brute force, and
how long one request takes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from ranking_quality import unpacked

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.catalog.mapping import FieldMapping
from shopsearch.domain import (
    EVERYTHING,
    BoughtTogether,
    ByExamples,
    ByHistory,
    Complementary,
    Deed,
    Event,
    EventKind,
    Product,
    Recommend,
    SimilarTo,
    Trending,
    Wanting,
)
from shopsearch.embedding import ContentHashes
from shopsearch.evaluation.uncertainty import mean_intervals
from shopsearch.recommend import RecommendService
from shopsearch.settings import Settings
from shopsearch.store.event_list import ListedEvents

K = 10
COLUMNS = FieldMapping({"item_group_id": "product_group"})
NOW = datetime(2026, 12, 1, tzinfo=UTC)
KINDS = ("upsell", "related", "crosssell")
Links = Mapping[str, frozenset[str]]  # product group -> product groups
Recommender = Callable[[str], Sequence[str]]  # product group -> product groups, best first


def links_of(folder: Path, kind: str, groups: Mapping[str, Product]) -> Links:
    links: defaultdict[str, set[str]] = defaultdict(set)
    with (folder / f"links_{kind}.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            known = {one for one in row["linked_sku"].split("\n") if one in groups}
            if row["sku"] in groups and known:
                links[row["sku"]] |= known
    return {group: frozenset(linked) for group, linked in links.items()}


def is_tuned_on(group: str) -> bool:
    return hashlib.sha256(group.encode()).digest()[0] % 2 == 0


def by_service(
    service: RecommendService, groups: Mapping[str, Product], wanting: Callable[[str], Wanting]
) -> Recommender:
    def recommend(group: str) -> list[str]:
        found = service.recommend(Recommend(wanting=wanting(groups[group].product_id), k=K))
        return [one.hit.product.item_group_id for one in found.hits]

    return recommend


def at_random(groups: Mapping[str, Product], *, other: bool) -> Recommender:
    chance = random.Random(0)

    def recommend(group: str) -> list[str]:
        own = groups[group].product_type
        pool = [
            one
            for one, product in groups.items()
            if one != group and not (other and product.product_type == own)
        ]
        return chance.sample(pool, K)

    return recommend


def most_linked(links: Links, tuned: bool) -> Recommender:
    """What is linked most often in the half that is tuned on: popularity, as far as it is known."""
    counts = Counter(
        one for group, linked in links.items() if is_tuned_on(group) is tuned for one in linked
    )
    return lambda group: [one for one, _ in counts.most_common(K + 1) if one != group][:K]


def measured(recommend: Recommender, links: Links) -> tuple[float, str, float, int]:
    rows = []
    for group, linked in sorted(links.items()):
        if not is_tuned_on(group):
            n = len(linked & set(recommend(group)))
            rows.append((float(n > 0), n / min(K, len(linked))))
    values = np.array(rows)
    interval = mean_intervals(values)[0]
    hits, recall = values.mean(axis=0).tolist()
    return hits, f"{interval.low:.2f} to {interval.high:.2f}", recall, len(rows)


def baskets(links: Sequence[Links], groups: Mapping[str, Product], share: float) -> list[Event]:
    """A basket for each link of a part of the first half."""
    events: list[Event] = []
    asked = {group for one in links for group in one if not is_tuned_on(group)}
    for kind, one in enumerate(links):
        tuned = sorted(group for group in one if is_tuned_on(group))
        for group in tuned[: round(share * len(tuned))]:
            for n, linked in enumerate(sorted(one[group] - asked)):
                order = f"{kind}-{group}-{n}"
                events += [
                    Event(
                        event_id=f"{order}-{other}",
                        kind=EventKind.PURCHASE,
                        product_id=groups[other].product_id,
                        at=NOW - timedelta(days=1),
                        order_id=order,
                    )
                    for other in (group, linked)
                ]
    return events


def recall_of_weighed(services: Services, service: RecommendService) -> dict[float, float]:
    """Of the ten best by the kept embeddings of the whole catalog, how many are found."""
    keys = services.live.get().index.fields.matching(EVERYTHING).tolist()
    stored = services.store.fetch(keys)
    kept = services.embedder.kept([ContentHashes.of(stored[key].record) for key in keys])
    recalls: defaultdict[float, list[float]] = defaultdict(list)
    for n in range(0, len(keys), 7):
        if not (kept.has_text[n] and kept.has_image[n]):
            continue
        for weight in (0.0, 0.5, 1.0):
            scores = weight * kept.text @ kept.text[n] + (1 - weight) * kept.image @ kept.image[n]
            scores[n] = -np.inf
            best = np.sort(scores)[::-1][K - 1]
            wanting = SimilarTo(product_id=stored[keys[n]].product.product_id, text_weight=weight)
            found = service.recommend(Recommend(wanting=wanting, k=K, collapse=False))
            recalls[weight].append(np.mean([h.hit.score >= best - 1e-5 for h in found.hits]))
    return {weight: float(np.mean(values)) for weight, values in recalls.items()}


def timed(service: RecommendService, wanting: Wanting) -> float:
    service.recommend(Recommend(wanting=wanting))
    took = []
    for _ in range(20):
        started = time.perf_counter()
        service.recommend(Recommend(wanting=wanting))
        took.append(time.perf_counter() - started)
    return float(np.median(took)) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        folder = unpacked(options.data, "catalog-luma", home)
        with Services.open(Settings(home=home)) as services:
            services.indexer.run(open_feed(folder, mapping=COLUMNS), feed_name="luma")
            report(services, folder)


def report(services: Services, folder: Path) -> None:
    keys = services.live.get().index.fields.matching(EVERYTHING).tolist()
    stored = [one.product for one in services.store.fetch(keys).values()]
    groups = {one.item_group_id: one for one in reversed(stored)}
    links = {kind: links_of(folder, kind, groups) for kind in KINDS}
    print(f"{len(keys)} products in {len(groups)} groups, {services.embedder.encoder_id}\n")
    cold = services.recommend_from(ListedEvents(), lambda: NOW)
    rows = {
        "similar": by_service(cold, groups, lambda id_: SimilarTo(product_id=id_)),
        "complementary": by_service(cold, groups, lambda id_: Complementary(product_ids=(id_,))),
        "random": at_random(groups, other=False),
        "random, other categories": at_random(groups, other=True),
    }
    for share in (0.05, 0.2, 1.0):
        events = baskets([links["related"], links["crosssell"]], groups, share)
        warm = services.recommend_from(ListedEvents(events), lambda: NOW)
        rows[f"complementary after {len(events) // 2} baskets"] = by_service(
            warm, groups, lambda id_: Complementary(product_ids=(id_,))
        )
    print("| links | n | recommender | hit@10 | 95 % | recall@10 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        for name, recommend in {**rows, "most linked": most_linked(links[kind], True)}.items():
            hits, interval, recall, n = measured(recommend, links[kind])
            print(f"| {kind} | {n} | {name} | {hits:.2f} | {interval} | {recall:.2f} |")
    print("\nrecall@10 of a weighed `similar` against brute force:", end=" ")
    print(recall_of_weighed(services, cold))
    one, other = stored[0].product_id, stored[200].product_id
    deeds = tuple(Deed(product_id=product.product_id) for product in stored[::20])
    for wanting in (
        SimilarTo(product_id=one),
        SimilarTo(product_id=one, text_weight=0.5),
        ByExamples(liked=(one, other)),
        ByHistory(deeds=deeds),
        BoughtTogether(product_ids=(one,)),
        Complementary(product_ids=(one,)),
        Trending(),
    ):
        print(f"{type(wanting).__name__}: {timed(warm, wanting):.1f} ms, median of 20")


if __name__ == "__main__":
    main()
