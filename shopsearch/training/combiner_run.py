"""`shopsearch train combiner`: catalogs in, weights of combined queries with curves and card out.

Letters: N products, D the length of a vector, T triples.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRow, PreparedItem, Product
from shopsearch.errors import ProductRejected, TrainingError
from shopsearch.fusion.replacing_combiner import ReplacingCombiner, save_combiner
from shopsearch.training.combiner import (
    CombinerEpoch,
    CombinerLessons,
    CombinerRecipe,
    learn_to_combine,
)
from shopsearch.training.curves import draw_loss_and
from shopsearch.training.effort import Stopwatch
from shopsearch.training.feature_cache import Report
from shopsearch.training.model_card import run_lines, sources_table, write_card
from shopsearch.training.run_report import RunFiles, RunReport
from shopsearch.training.variants import Triple, triples_of

MIN_TRIPLES = 200
_BATCH = 256
_HELD_OUT_OF = 10  # one title in so many measures, where no column `split` says which
_EVEN = 0.5

Prepare = Callable[[Product], PreparedItem]  # raises ProductRejected
Embed = Callable[[Sequence[PreparedItem]], NDArray[np.float32]]  # the fused vectors of items
Stage = Callable[[str], Report]  # the name of a stage -> what its progress is reported to


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinerReport(RunReport):
    """What a run came to."""

    products_by_catalog: Sequence[int]
    n_triples: int
    weighted_sum: dict[str, float]  # recall@1 of held-out queries, by text weight
    learned: dict[str, float]

    def figures(self) -> dict[str, Any]:
        """See `RunReport.figures`."""
        return {
            "products_by_catalog": self.products_by_catalog,
            "n_triples": self.n_triples,
            "weighted_sum": self.weighted_sum,
            "learned": self.learned,
        }


@dataclass(frozen=True, slots=True)
class Variants:
    """The products of some catalogs: told by their picture alone, and by all that they have."""

    products: Sequence[Product]
    catalogs: Sequence[int]  # which of the feeds each is from
    by_picture: Tensor  # (N, D) unit rows
    by_all: Tensor  # (N, D) unit rows

    def part(self, places: Sequence[int]) -> Variants:
        """Some of them."""
        chosen = torch.tensor(places, dtype=torch.long)
        return Variants(
            [self.products[place] for place in places],
            [self.catalogs[place] for place in places],
            self.by_picture[chosen],
            self.by_all[chosen],
        )


def train_combiner(
    catalogs: Sequence[Path],
    weights: Path,
    recipe: CombinerRecipe,
    *,
    prepare: Prepare,
    embed: Embed,
    encoder_id: str,
    fusion_id: str,
    mapping: FieldMapping,
    stage: Stage,
    watch: Callable[[CombinerEpoch], None],
) -> CombinerReport:
    """Read catalogs, learn from their variants, and write weights, curves and card.

    Nothing is written before the run is over. Raises `TrainingError`.
    """
    stopwatch, files = Stopwatch(), RunFiles(weights)
    variants = _read(catalogs, prepare, embed, mapping, stage("products"))
    learned, held_out = _split(variants)
    lessons = _lessons(learned, recipe.seed, embed, stage("words"))
    exam = _lessons(held_out, recipe.seed, embed, stage("held-out words"), of_both=False)
    combiner, epochs = learn_to_combine(
        lessons, recipe, measure=lambda module: _recall(module, exam, _EVEN), watch=watch
    )
    save_combiner(combiner, encoder_id, fusion_id, weights)
    draw_loss_and(
        "recall@1, held out",
        [epoch.number for epoch in epochs],
        [epoch.loss for epoch in epochs],
        [epoch.recall_at_1 for epoch in epochs],
        files.curves,
    )
    report = CombinerReport(
        files=files,
        epochs=epochs,
        best_epoch=epochs[-1].number,
        interrupted=len(epochs) < recipe.epochs,
        effort=stopwatch.effort(),
        products_by_catalog=[variants.catalogs.count(n) for n in range(len(catalogs))],
        n_triples=len(lessons.references),
        weighted_sum=_by_weight(None, exam),
        learned=_by_weight(combiner, exam),
    )
    _write_card(report, catalogs, encoder_id, fusion_id)
    return report


def _read(
    catalogs: Sequence[Path], prepare: Prepare, embed: Embed, mapping: FieldMapping, report: Report
) -> Variants:
    """The products that have a picture."""
    told = [
        (number, row.product)
        for number, feed in enumerate(catalogs)
        for row in open_feed(feed, mapping=mapping)
        if isinstance(row, FeedRow)
    ]
    products, numbers, pictures, wholes = [], [], [], []
    for start in range(0, len(told), _BATCH):
        some = _pictured(told[start : start + _BATCH], prepare)
        if some:
            products += [product for _, product, _ in some]
            numbers += [number for number, _, _ in some]
            pictures.append(embed([PreparedItem(picture=item.picture) for _, _, item in some]))
            wholes.append(embed([item for _, _, item in some]))
        report(min(start + _BATCH, len(told)), len(told))
    if not products:
        names = ", ".join(str(feed) for feed in catalogs)
        raise TrainingError(f"{names}: no product has a picture; `shopsearch index` says why")
    return Variants(products, numbers, _rows(pictures), _rows(wholes))


def _pictured(
    told: Sequence[tuple[int, Product]], prepare: Prepare
) -> list[tuple[int, Product, PreparedItem]]:
    found = []
    for number, product in told:
        try:
            item = prepare(product)
        except ProductRejected:
            continue  # `shopsearch index` counts and tells it
        if item.picture is not None:
            found.append((number, product, item))
    return found


def _rows(parts: Sequence[NDArray[np.float32]]) -> Tensor:
    rows = torch.from_numpy(np.concatenate(parts))
    if not bool(torch.isfinite(rows).all()):
        raise TrainingError(
            "the encoder gave vectors that are no numbers: run `shopsearch doctor`, and index again"
        )
    return rows


def _split(variants: Variants) -> tuple[Variants, Variants]:
    """What is learned from, and what only measures; no title is in both."""
    told = any(product.attributes.get("split") for product in variants.products)
    measures = [_is_held_out(product, told=told) for product in variants.products]
    return (
        variants.part([n for n, held in enumerate(measures) if not held]),
        variants.part([n for n, held in enumerate(measures) if held]),
    )


def _is_held_out(product: Product, *, told: bool) -> bool:
    if told:
        return product.attributes.get("split", "").casefold() in ("val", "test")
    family = product.item_group_id or product.title.casefold()
    return zlib.crc32(family.encode()) % _HELD_OUT_OF == 0


def _lessons(
    variants: Variants, seed: int, embed: Embed, report: Report, *, of_both: bool = True
) -> CombinerLessons:
    """Triples over pictures alone and, with `of_both`, over pictures with words too."""
    triples = triples_of(variants.products, seed)
    _check(triples, n_least=MIN_TRIPLES if of_both else 1)
    phrases = sorted({triple.words for triple in triples})
    numbers = {phrase: number for number, phrase in enumerate(phrases)}
    vectors = [variants.by_picture, variants.by_all] if of_both else [variants.by_picture]
    n_products, most = len(variants.products), max(len(triple.targets) for triple in triples)
    references, words, targets = [], [], []
    for shift in range(0, len(vectors) * n_products, n_products):
        for triple in triples:
            padding = [-1] * (most - len(triple.targets))
            references.append(shift + triple.reference)
            words.append(numbers[triple.words])
            targets.append([*(shift + target for target in triple.targets), *padding])
    return CombinerLessons(
        vectors=torch.cat(vectors),
        phrases=_embedded(phrases, embed, report),
        references=torch.tensor(references),
        words=torch.tensor(words),
        targets=torch.tensor(targets),
    )


def _check(triples: Sequence[Triple], n_least: int) -> None:
    n_changing = sum(bool(triple.asks_for) for triple in triples)
    if n_changing < n_least:
        raise TrainingError(
            f"{n_changing} examples of the same product in another colour or for somebody else are "
            f"too few to learn from, {n_least} are needed: name the columns that tell colour, "
            "gender and item group (--map color=COLUMN), or give more catalogs"
        )


def _embedded(phrases: Sequence[str], embed: Embed, report: Report) -> Tensor:
    parts = []
    for start in range(0, len(phrases), _BATCH):
        parts.append(embed([PreparedItem(phrase) for phrase in phrases[start : start + _BATCH]]))
        report(min(start + _BATCH, len(phrases)), len(phrases))
    return _rows(parts)


@torch.no_grad()
def _recall(combiner: ReplacingCombiner | None, exam: CombinerLessons, weight: float) -> float:
    """Recall@1 of combined queries, the reference itself left out; None is the weighted sum."""
    found = []
    for some in torch.arange(len(exam.references)).split(_BATCH):
        references, words = exam.vectors[exam.references[some]], exam.phrases[exam.words[some]]
        if combiner is None:
            queries = normalize((1 - weight) * references + weight * words, dim=1)  # (B, D)
        else:
            queries = combiner(references, words, torch.full((len(some),), weight))
        scores = queries @ exam.vectors.T  # (B, N)
        asks = exam.targets[some, 0] != exam.references[some]  # (B,) for another product
        own = exam.references[some][asks]
        scores[asks.nonzero()[:, 0], own] = -torch.inf
        first = scores.argmax(dim=1)  # (B,)
        found.append((first[:, None] == exam.targets[some]).any(dim=1))
    return float(torch.cat(found).float().mean())


def _by_weight(combiner: ReplacingCombiner | None, exam: CombinerLessons) -> dict[str, float]:
    return {f"{weight:.1f}": _recall(combiner, exam, weight) for weight in (0.3, 0.5, 0.7)}


def _write_card(
    report: CombinerReport, catalogs: Sequence[Path], encoder_id: str, fusion_id: str
) -> None:
    n_products = sum(report.products_by_catalog)
    rows = [
        f"| {weight} | {report.weighted_sum[weight]:.3f} | {report.learned[weight]:.3f} |"
        for weight in report.learned
    ]
    lines = [
        f"# Model card: {report.files.weights.name}",
        "",
        "A combiner for shopsearch: it makes one query of a picture or product and of words about",
        'it, such as "this, but in blue". Made by `shopsearch train combiner`.',
        "",
        f"- Encoder {encoder_id}, fusion {fusion_id}: it fits no other.",
        f"- {n_products:,} products, {report.n_triples:,} queries made of them.",
        *run_lines(report),
        "",
        "## Learned from",
        "",
        sources_table(list(zip(catalogs, report.products_by_catalog, strict=True)), "products"),
        "",
        "## Figures",
        "",
        "Recall@1 of held-out queries over held-out products, told by their pictures alone:",
        "",
        "| text weight | weighted sum | learned |",
        "|---|---|---|",
        *rows,
        "",
        "## Limits",
        "",
        "- It has learned to change colour and whom a product is for, not size, price or material.",
        "- It knows the variants of the catalogs above; what other shops call a colour may differ.",
        "",
    ]
    write_card(report, "\n".join(lines))
