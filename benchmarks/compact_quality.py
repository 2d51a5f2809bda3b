"""What the compact model reaches on real pictures, beside its own parts alone.

    python benchmarks/compact_quality.py --data DIR [--head FILE] [--vendure DIR]
        [--unseen SEED=FILE]... [--draw-unseen SEED] [--cache DIR]

`--data` holds the archives, zipped or unpacked; `--vendure` the folder `assets` of the npm package
@vendure/create 3.7.3. `--draw-unseen` only prints the 12 article types of a seed, to be left out of
the training of a head that is then given as `--unseen`. Features are kept in `--cache`.

Rows of the tables: the model as shipped, the prior alone, the learned part alone; for pictures by
pictures the tower's own centred embedding. All figures are of one model and one setting.
"""

from __future__ import annotations

import argparse
import collections
import csv
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from compact_bench import Bench, Row, ndcg_at_10, numbered, opened, precision_at_5, silent, small
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.encoders.compact_head import CompactHead
from shopsearch.encoders.compact_id import SHIPPED_HEAD
from shopsearch.encoders.compact_towers import POOLED_DIM
from shopsearch.training.feature_cache import cached_rows
from shopsearch.training.recall import draw_gallery, recall_at
from shopsearch.training.views import close_view, scene_view

FASHION = "train-fashion-60x80"
VIEWED = {
    "catalog-flipkart": 350,
    "catalog-luma": 200,
    "train-fashion-224": 350,
    "catalog-tailwind": 35,
    "catalog-oro": 29,
}
GALLERY_SEEDS = (1, 2, 3)
N_UNSEEN = 12
MIN_PRODUCTS_OF_UNSEEN = 200
Scorer = Callable[[CompactHead, Tensor, Tensor, Tensor], Tensor]


def whole(head: CompactHead, words: Tensor, features: Tensor, logits: Tensor) -> Tensor:
    return head.text_rows(words) @ head.image_rows(features, logits).T


def prior_alone(head: CompactHead, words: Tensor, _features: Tensor, logits: Tensor) -> Tensor:
    return words @ head.prior(logits).T


def learned_alone(head: CompactHead, words: Tensor, features: Tensor, _logits: Tensor) -> Tensor:
    return head.learned_words(words) @ head.learned(head.compress(features)).T


SCORERS: dict[str, Scorer] = {
    "compact": whole,
    "prior alone": prior_alone,
    "learned alone": learned_alone,
}


@torch.no_grad()
def fashion_names(bench: Bench, head: CompactHead) -> dict[str, float]:
    """Recall@10 from name to picture among 1,500 unseen fashion products, mean of 3 galleries."""
    rows = [row for row in bench.rows(FASHION) if row["split"] == "val"]
    found = collections.defaultdict(list)
    for seed in GALLERY_SEEDS:
        gallery = [rows[place] for place in draw_gallery(len(rows), seed).tolist()]
        features, logits = bench.features([bench.folder(FASHION) / r["image"] for r in gallery])
        groups = numbered([row["title"] for row in gallery])
        words = bench.texts.embed([row["title"] for row in gallery])
        for name, scorer in SCORERS.items():
            found[name].append(recall_at(scorer(head, words, features, logits), groups, groups, 10))
    return {name: float(np.mean(recalls)) for name, recalls in found.items()}


def draw_unseen(rows: Sequence[Row], seed: int) -> list[str]:
    """12 of the larger article types."""
    counts = collections.Counter(row["articleType"] for row in rows)
    larger = sorted(kind for kind, n in counts.items() if n >= MIN_PRODUCTS_OF_UNSEEN)
    return sorted(np.random.default_rng(seed).choice(larger, N_UNSEEN, replace=False).tolist())


@torch.no_grad()
def unseen_types(bench: Bench, head: CompactHead, seed: int) -> dict[str, tuple[float, float]]:
    """Top-1 among the names of 12 types, over all their pictures, and as a mean over types."""
    every = bench.rows(FASHION)
    kinds = draw_unseen(every, seed)
    rows = [row for row in every if row["articleType"] in kinds]
    features, logits = bench.features([bench.folder(FASHION) / row["image"] for row in rows])
    words = bench.texts.embed(kinds)
    truth = torch.tensor([kinds.index(row["articleType"]) for row in rows])
    figures = {}
    for name, scorer in SCORERS.items():
        right = scorer(head, words, features, logits).argmax(dim=0) == truth  # (N,)
        by_kind = [float(right[truth == k].float().mean()) for k in range(N_UNSEEN)]
        figures[name] = (float(right.float().mean()), float(np.mean(by_kind)))
    return figures


def vendure_products(assets: Path) -> list[tuple[str, Path]]:
    with (assets / "products.csv").open(encoding="utf-8", newline="") as file:
        rows = [{k.strip(): v.strip() for k, v in row.items()} for row in csv.DictReader(file)]
    return [
        (row["name"], assets / "images" / row["assets"].split("|")[0])
        for row in rows
        if row["assets"]
    ]


@torch.no_grad()
def everyday_names(bench: Bench, head: CompactHead, assets: Path) -> dict[str, tuple[float, ...]]:
    """Recall@1, 5 and 10 from name to picture over the demo catalog's photos."""
    products = vendure_products(assets)
    features, logits = bench.features([path for _, path in products])
    groups = numbered([name for name, _ in products])
    words = bench.texts.embed([name for name, _ in products])
    return {
        name: tuple(
            recall_at(scorer(head, words, features, logits), groups, groups, k) for k in (1, 5, 10)
        )
        for name, scorer in SCORERS.items()
    }


@torch.no_grad()
def views_found(
    bench: Bench, head: CompactHead, name: str, paths: Sequence[Path]
) -> dict[str, tuple[float, ...]]:
    """Recall@1 and @5 from a view to its own product, among all of them: close views, scenes."""
    features, logits = bench.features(paths)
    others = [small(p) for p in viewed_paths(bench, "catalog-flipkart")[:40]]
    makers = (
        ("close", lambda path, seed: close_view(small(path), seed)),
        ("scene", lambda path, seed: scene_view(small(path), seed, others)),
    )
    figures: dict[str, list[float]] = {"compact": [], "tower, centred": []}
    own = torch.arange(len(paths))
    for kind, make in makers:
        jobs = [lambda p=p, s=s, m=make: m(p, s) for s, p in enumerate(paths)]
        seen = bench.views(f"{name}-{kind}", jobs)
        tower = centred(seen, features) @ centred(features, features).T
        rows = head.image_rows(seen, bench.tower.logits(seen))
        for who, scores in (
            ("compact", rows @ head.image_rows(features, logits).T),
            ("tower, centred", tower),
        ):
            figures[who] += [recall_at(scores, own, own, k) for k in (1, 5)]
    return {who: tuple(values) for who, values in figures.items()}


def viewed_paths(bench: Bench, archive: str) -> list[Path]:
    """Products of an archive; of fashion those that no head has learned from."""
    rows = [row for row in bench.rows(archive) if row.get("split", "val") == "val"]
    order = np.random.default_rng(5).permutation(len(rows))[: VIEWED[archive]]
    return [bench.folder(archive) / rows[place]["image"] for place in order]


def centred(rows: Tensor, gallery: Tensor) -> Tensor:
    """The tower's own pooled embedding, less the gallery's mean."""
    return normalize(rows[:, -POOLED_DIM:] - gallery[:, -POOLED_DIM:].mean(dim=0), dim=1)


@torch.no_grad()
def like_products(bench: Bench, head: CompactHead) -> dict[str, tuple[float, float]]:
    """Precision@5 of pictures by pictures: same Luma group; same type and colour in fashion."""
    luma, fashion = bench.rows("catalog-luma"), bench.rows(FASHION)
    val = [row for row in fashion if row["split"] == "val"]
    val = [val[place] for place in draw_gallery(len(val), GALLERY_SEEDS[0]).tolist()]
    sets = (
        ("catalog-luma", luma, [row["product_group"] for row in luma]),
        (FASHION, val, [f"{row['articleType']} {row['baseColour']}" for row in val]),
    )
    figures: dict[str, list[float]] = {"compact": [], "tower, centred": []}
    for archive, rows, labels in sets:
        paths = [bench.folder(archive) / row["image"] for row in rows]
        features, logits = bench.features(paths)
        ours = head.image_rows(features, logits)
        tower = centred(features, features)
        figures["compact"].append(precision_at_5(ours @ ours.T, numbered(labels)))
        figures["tower, centred"].append(precision_at_5(tower @ tower.T, numbered(labels)))
    return {who: (values[0], values[1]) for who, values in figures.items()}


@torch.no_grad()
def texts_by_texts(bench: Bench, head: CompactHead) -> dict[str, float]:
    """nDCG@10 of shopping queries over product texts, beside MiniLM alone."""
    folder = bench.folder("judgments-esci-dev")
    lines = (folder / "products.jsonl").read_text(encoding="utf-8").strip().split("\n")
    products = [json.loads(line) for line in lines]
    ids = [str(product.get("id") or product["product_id"]) for product in products]
    titles = [str(product.get("title") or "") for product in products]
    judged: dict[str, dict[str, float]] = collections.defaultdict(dict)
    with (folder / "qrels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            judged[row["query"]][row["doc_id"]] = float(row["gain"])
    words = cached_rows(bench.cache, "esci", titles, titles, bench.texts.embed, report=silent)
    asked = bench.texts.embed(list(judged))
    both = {"compact": head.text_rows, "MiniLM alone": lambda rows: rows}
    return {
        name: float(
            np.mean(
                [
                    ndcg_at_10(ids, scores, gains)
                    for scores, gains in zip(
                        rows(asked) @ rows(words.float()).T, judged.values(), strict=True
                    )
                ]
            )
        )
        for name, rows in both.items()
    }


def show(title: str, columns: Sequence[str], figures: dict[str, object]) -> None:
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, values in figures.items():
        row = values if isinstance(values, tuple) else (values,)
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |")


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(given.data, given.cache or Path(scratch))
        if given.draw_unseen is not None:
            print("\n".join(draw_unseen(bench.rows(FASHION), given.draw_unseen)))
            return
        report(bench, CompactHead.load(given.head), given)


def speed(bench: Bench, paths: Sequence[Path], titles: Sequence[str]) -> dict[str, float]:
    """How many a second, on ready pictures; the best of three."""
    pictures = [opened(path) for path in paths]
    figures = {}
    for name, encode, contents in (
        ("pictures", bench.tower.features, pictures),
        ("titles", bench.texts.embed, titles),
    ):
        encode(contents[:32])
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            encode(contents)
            seconds.append(time.perf_counter() - started)
        figures[name] = len(contents) / min(seconds)
    return figures


def report(bench: Bench, head: CompactHead, given: argparse.Namespace) -> None:
    print(f"head: {given.head.name}, {head.dimension} dimensions, {head.mix}")
    show(
        "Fashion, 1,500 unseen products, name -> picture", ["recall@10"], fashion_names(bench, head)
    )
    for seed, file in given.unseen:
        title = f"12 article types left out of training (seed {seed}), top-1 among their names"
        figures = unseen_types(bench, CompactHead.load(file), seed)
        show(title, ["over pictures", "over types"], figures)
    if given.vendure:
        figures = everyday_names(bench, head, given.vendure)
        show("Demo catalog, name -> picture", ["recall@1", "recall@5", "recall@10"], figures)
    columns = ["close @1", "close @5", "scene @1", "scene @5"]
    for archive in VIEWED:
        paths = viewed_paths(bench, archive)
        learned = "unseen" if archive.startswith("train-") else "learned from too"
        title = f"Views -> {archive}, {len(paths)} products, {learned}"
        show(title, columns, views_found(bench, head, archive, paths))
    if given.vendure:
        paths = [path for _, path in vendure_products(given.vendure)]
        show("Views -> demo catalog, unseen", columns, views_found(bench, head, "vendure", paths))
    show(
        "Like products, precision@5", ["Luma group", "type and colour"], like_products(bench, head)
    )
    show("Texts by texts, nDCG@10 on judgments-esci-dev", ["titles"], texts_by_texts(bench, head))
    paths = viewed_paths(bench, "catalog-flipkart")[:128]
    titles = [row["title"] for row in bench.rows(FASHION)[:512]]
    figures = speed(bench, paths, titles)
    show(f"Speed, {torch.get_num_threads()} threads", ["a second"], figures)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--head", type=Path, default=SHIPPED_HEAD)
    parser.add_argument("--vendure", type=Path)
    parser.add_argument("--unseen", type=seed_and_head, action="append", default=[])
    parser.add_argument("--draw-unseen", type=int)
    parser.add_argument("--cache", type=Path)
    return parser.parse_args()


def seed_and_head(pair: str) -> tuple[int, Path]:
    seed, file = pair.split("=", 1)
    return int(seed), Path(file)


if __name__ == "__main__":
    main()
