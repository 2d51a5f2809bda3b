"""Whether words and vectors together are better than the better of both, on judged queries.

    python benchmarks/hybrid.py --home scratch [--data ../shared/data]

Needs the archive `judgments-esci-dev` in `--data`, unpacked or as a zip file; its 6,764 products
are indexed into `--home` without pictures, which takes some minutes; a second run starts at once.
Each method orders the same candidates, the nearest 100 and the best 100 by words, of which its own
first hundred are all there, and is judged by these: BM25 alone, the cosines alone, and the ranking
of both, whose weights are learned by five-fold cross-validation over the queries, three times over,
so that no query is judged by weights that have seen it.

All measures of `shopsearch evaluate` are told, whatever they show. The p-value is that of a paired
randomisation test of both against the better one alone in that measure; beside it
stands the one corrected for so many tests at once (Holm, A Simple Sequentially Rejective Multiple
Test Procedure, 1979). At the end stands which difference 75 such queries would show four times in
five, at the 5 % level (Lehr, Sixteen S-squared over D-squared, 1992, for paired samples).
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from ranking_quality import unpacked
from understanding import without_pictures

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.catalog.fields import FieldMapping
from shopsearch.domain import Query
from shopsearch.evaluation.measures import MEASURES, Run, evaluate, matrix
from shopsearch.evaluation.uncertainty import mean_intervals, p_value
from shopsearch.ranking.features import FEATURES
from shopsearch.settings import Settings
from shopsearch.training.ranking import JudgedWindow, Recipe, held_out_scores

ARCHIVE = "judgments-esci-dev"
LEXICAL = FEATURES.index("lexical")
DEPTH = 100  # of each run
COLUMNS = ("measure", "BM25 alone", "vectors alone", "both", "gained", "95 %", "p", "p, Holm")
SEEN_FOUR_TIMES_IN_FIVE = 1.96 + 0.84  # standard errors
Scores = NDArray[np.floating]


def windows(services: Services, qrels: Path) -> list[JudgedWindow]:
    gains: dict[str, dict[str, float]] = defaultdict(dict)
    texts: dict[str, str] = {}
    with qrels.open(encoding="utf-8", newline="") as rows:
        for one in csv.DictReader(rows):
            gains[one["query_id"]][one["doc_id"]] = float(one["gain"])
            texts[one["query_id"]] = one["query"]
    found = []
    for query_id, text in texts.items():
        window = services.search.considered(Query(text=text, k=1))
        ids = tuple(window.product_ids)
        found.append(JudgedWindow(query_id, ids, window.cosines, window.features, gains[query_id]))
    return found


def runs_of_both(judged: Sequence[JudgedWindow], recipe: Recipe) -> list[Run]:
    """One for each cross-validation, over all queries."""
    runs: list[Run] = []
    scored: dict[int, Scores] = {}
    for held_out in held_out_scores(judged, recipe):
        scored |= held_out
        if len(scored) == len(judged):
            runs.append(run_of(judged, [scored[n] for n in range(len(judged))]))
            scored = {}
    return runs


def run_of(judged: Sequence[JudgedWindow], scores: Sequence[Scores]) -> Run:
    return {
        one.query_id: [one.product_ids[n] for n in np.argsort(-each, kind="stable")[:DEPTH]]
        for one, each in zip(judged, scores, strict=True)
    }


def measured(runs: Sequence[Run], judged: Sequence[JudgedWindow]) -> Scores:
    """(Q, M) the mean over runs of each measure, query by query."""
    gains = {one.query_id: one.gains for one in judged}
    found = [matrix(evaluate(run, gains).per_query, gains) for run in runs]
    return np.mean(found, axis=0)


def corrected(p_values: Sequence[float]) -> list[float]:
    """By Holm, in the same order."""
    order = np.argsort(p_values)
    at_least = np.array(p_values)[order] * np.arange(len(p_values), 0, -1)
    stepped = np.minimum(np.maximum.accumulate(at_least), 1.0)
    return stepped[np.argsort(order)].tolist()


def table(words: Scores, vectors: Scores, both: Scores) -> Iterator[str]:
    """From (Q, M) each."""
    best = np.where(words.mean(axis=0) >= vectors.mean(axis=0), words, vectors)
    gained = both - best
    tests = [p_value(column) for column in gained.T]
    intervals = mean_intervals(gained)
    yield f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
    for n, (p, holm) in enumerate(zip(tests, corrected(tests), strict=True)):
        means = " | ".join(f"{each[:, n].mean():.3f}" for each in (words, vectors, both))
        low, high = intervals[n].as_json()
        told = f"{gained[:, n].mean():+.3f} | {low:+.3f} to {high:+.3f} | {p:.4f} | {holm:.4f}"
        yield f"| {MEASURES[n]} | {means} | {told} |"
    spread = gained[:, MEASURES.index("ndcg@10")].std(ddof=1)
    shown = SEEN_FOUR_TIMES_IN_FIVE * spread / np.sqrt(len(gained))
    yield f"\na difference in ndcg@10 that {len(gained)} such queries would show: {shown:.3f}"


def main(options: argparse.Namespace) -> None:
    options.home.mkdir(parents=True, exist_ok=True)
    folder = unpacked(options.data, ARCHIVE, options.home)
    with Services.open(Settings(home=options.home)) as services:
        if not services.generations.ids():
            feed = without_pictures(folder / "products.jsonl", options.home / "texts.jsonl")
            opened = open_feed(feed, mapping=FieldMapping(currency="USD"))
            services.indexer.run(opened, feed_name="esci")
        judged = windows(services, folder / "qrels.csv")
    words = [run_of(judged, [one.features[:, LEXICAL] for one in judged])]
    vectors = [run_of(judged, [one.cosines for one in judged])]
    both = runs_of_both(judged, Recipe())
    print(f"{len(judged)} queries")
    print("\n".join(table(*(measured(runs, judged) for runs in (words, vectors, both)))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, required=True)
    main(parser.parse_args())
