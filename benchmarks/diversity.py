"""What diversity costs in relevance and gives in difference, on colour variants: one table.

    python benchmarks/diversity.py --data ../shared/data --home scratch-home

Needs the archive `catalog-luma` in `--data`, as a zip file or unpacked: each of its models comes in
about three colours, so near-duplicates are what a page is full of. It is indexed into `--home`.

The queries are those of `ranking_quality.py`: a colour and a kind (`blue jacket`), with people
(`men's blue jacket`), where right is everything of that colour and kind; and the kind alone, where
right is everything of the kind in any colour. Shown are nDCG@10 with the paired 95 % interval of
what it changed, how many different models are among the first ten, and the mean cosine between
two of the first ten (intra-list similarity: Ziegler and others, Improving recommendation lists
through topic diversification, WWW 2005).
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ranking_quality import DEPTH, KINDS, NDCG, Asked, asked, gain, looks, unpacked

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import CATEGORY_SEPARATOR, FeedRow, Hit, Product
from shopsearch.evaluation.measures import Evaluation, evaluate
from shopsearch.settings import Settings

VALUES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
TOP = 10


def kinds(products: Sequence[Product]) -> Asked:
    """`jacket`, for each kind that the catalog has."""
    right: dict[str, list[str]] = {}
    for product in products:
        kind = product.product_type.split(CATEGORY_SEPARATOR)[-1]
        if kind in KINDS:
            right.setdefault(KINDS[kind], []).append(product.product_id)
    return asked("kind", right.items())


def likeness(services: Services, hits: Sequence[Hit]) -> float:
    """The mean cosine between two of the hits."""
    stored = services.store.find([hit.product.product_id for hit in hits])
    vectors = services.live.get().index.fetch(np.array([one.key for one in stored.values()]))
    pairs = [float(a @ b) for a, b in itertools.combinations(vectors, 2)]
    return float(np.mean(pairs)) if pairs else 0.0


def n_models(hits: Sequence[Hit]) -> int:
    """How many different models there are: colours of one share a title."""
    return len({hit.product.title for hit in hits})


def measured(services: Services, one: Asked, diversity: float) -> tuple[Evaluation, float, float]:
    found, models, alike = {}, [], []
    for judged in one.queries:
        query = judged.as_query(k=DEPTH)
        hits = services.search.search(replace(query, diversity=diversity)).hits
        found[judged.query_id] = [hit.product.product_id for hit in hits]
        models.append(n_models(hits[:TOP]))
        alike.append(likeness(services, hits[:TOP]))
    return evaluate(found, one.gains), float(np.mean(models)), float(np.mean(alike))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--home", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = options.home or Path(scratch)
        folder = unpacked(options.data, "catalog-luma", home)
        products = [row.product for row in open_feed(folder) if isinstance(row, FeedRow)]
        with Services(Settings(home=home / "luma")) as services:
            services.database.migrate()
            services.indexer.run(open_feed(folder), feed_name="luma")
            print(f"| queries | diversity | {NDCG} | change | models of {TOP} | likeness |")
            print("|---" * 6 + "|")
            for one in (kinds(products), *looks(folder, products)):
                report(services, one)


def report(services: Services, one: Asked) -> None:
    """The rows of one set of queries."""
    plain = None
    for diversity in VALUES:
        found, models, alike = measured(services, one, diversity)
        plain = plain or found
        change = gain(found, plain) if diversity else ""
        name = f"{one.name} ({found.n_queries})"
        cells = (f"{found.means[NDCG]:.3f}", change, f"{models:.1f}", f"{alike:.3f}")
        print(f"| {' | '.join((name, f'{diversity:g}', *cells))} |", flush=True)


if __name__ == "__main__":
    main()
