"""Whether words and vectors together are better than the better of both, on judged queries.

    python benchmarks/hybrid.py --home scratch [--data ../shared/data]

Needs the archive `judgments-esci-dev` in `--data`, unpacked or as a zip file; its 6,764 products
are indexed into `--home` without pictures, which takes some minutes; a second run starts at once.
Each method orders the same candidates, the nearest 100 and the best 100 by words, of which its own
first ten are all there: BM25 alone, the cosines alone, and the ranking of both, whose weights are
learned by five-fold cross-validation over the queries, three times over, so that no query is judged
by weights that have seen it. The p-value is that of a paired randomisation test against the better.
"""

from __future__ import annotations

import argparse
import csv
import json
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.catalog.fields import FieldMapping
from shopsearch.domain import Query
from shopsearch.evaluation.uncertainty import mean_intervals, p_value
from shopsearch.ranking.features import FEATURES
from shopsearch.settings import Settings
from shopsearch.training.ranking import JudgedWindow, Recipe, cross_validated, window_ndcg

ARCHIVE = "judgments-esci-dev"
LEXICAL = FEATURES.index("lexical")


def unpacked(data: Path, home: Path) -> Path:
    if (data / ARCHIVE).is_dir():
        return data / ARCHIVE
    folder = home / "archive"
    if not folder.is_dir():
        with zipfile.ZipFile(data / f"{ARCHIVE}.zip") as packed:
            packed.extractall(folder)
    return next(folder.rglob("products.jsonl")).parent


def without_pictures(source: Path, target: Path) -> Path:
    """The same products without the addresses of their pictures, which are not fetched here."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as kept:
        for line in lines:
            record = json.loads(line)
            record.pop("image_url", None)
            kept.write(json.dumps(record) + "\n")
    return target


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


def main(options: argparse.Namespace) -> None:
    options.home.mkdir(parents=True, exist_ok=True)
    folder = unpacked(options.data, options.home)
    with Services.open(Settings(home=options.home)) as services:
        if not services.generations.ids():
            feed = without_pictures(folder / "products.jsonl", options.home / "texts.jsonl")
            opened = open_feed(feed, mapping=FieldMapping(currency="USD"))
            services.indexer.run(opened, feed_name="esci")
        judged = windows(services, folder / "qrels.csv")
    values = {
        "BM25 alone": [window_ndcg(one, one.features[:, LEXICAL]) for one in judged],
        "vectors alone": [window_ndcg(one, one.cosines) for one in judged],
        "both, cross-validated": cross_validated(judged, Recipe()).tolist(),
    }
    print(f"{len(judged)} queries, nDCG@10\n| method | nDCG@10 | 95 % |\n|---|---|---|")
    for name, each in values.items():
        (interval,) = mean_intervals(np.array(each)[:, None])
        print(f"| {name} | {np.mean(each):.3f} | {interval.low:.3f} to {interval.high:.3f} |")
    *alone, (_, both) = values.items()
    name, best = max(alone, key=lambda one: float(np.mean(one[1])))
    gained = np.array(both) - np.array(best)
    (interval,) = mean_intervals(gained[:, None])
    print(
        f"\nover {name}: {gained.mean():+.3f} ({interval.low:+.3f} to {interval.high:+.3f})", end=""
    )
    print(f", p = {p_value(gained):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path, required=True)
    main(parser.parse_args())
