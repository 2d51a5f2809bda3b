"""`shopsearch train head`: catalogs in, a head with its curves and its card out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from shopsearch.encoders.compact_head import CompactHead, HeadShape, Mix
from shopsearch.errors import TrainingError
from shopsearch.training.cached_towers import CachedTowers, Stage, in_slices
from shopsearch.training.captions import COLOUR_AND_KIND, FULL, KIND, TITLE
from shopsearch.training.curves import Epoch, draw_curves
from shopsearch.training.effort import Stopwatch
from shopsearch.training.frozen_parts import (
    embed_class_names,
    fit_components,
    fit_looks,
    set_class_words,
    set_landmarks,
)
from shopsearch.training.imagined import Imagination
from shopsearch.training.learning import Lessons, Recipe, learn
from shopsearch.training.model_card import TrainingRun, write_model_card
from shopsearch.training.pairs import Pair, TrainingPairs
from shopsearch.training.recall import draw_gallery, recall_at
from shopsearch.training.run_report import RunFiles, RunReport
from shopsearch.training.seeding import seeded

_SMALL_CATALOG_WEIGHT = 3.0  # a pair of a catalog below the mean size is drawn so much more often
_GALLERY_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadReport(RunReport):
    """What a run came to."""

    n_pairs: int
    n_held_out: int
    recall_at_10: float | None

    def figures(self) -> dict[str, Any]:
        """See `RunReport.figures`."""
        return {
            "pairs": self.n_pairs,
            "held_out": self.n_held_out,
            "recall@10": self.recall_at_10,
        }


def train_head(
    pairs: TrainingPairs,
    catalogs: Sequence[Path],
    weights: Path,
    recipe: Recipe,
    *,
    left_out: Sequence[str] = (),
    stopwatch: Stopwatch,
    stage: Stage,
    watch: Callable[[Epoch], None],
) -> HeadReport:
    """Train a head on pairs, and write its weights, curves and card.

    Nothing is written before the run is over; Ctrl-C ends it early and keeps the best so far.
    Raises `TrainingError` and `EncoderUnavailable`.
    """
    files = RunFiles(weights)
    with seeded(recipe.seed):
        head = CompactHead(HeadShape(), Mix())
    classroom = _prepare(pairs, head, files.cache, recipe.seed, stage)
    learned = learn(
        head,
        classroom.lessons,
        classroom.imagination,
        recipe,
        measure=classroom.measure,
        watch=watch,
    )
    head.save(files.weights)
    draw_curves(learned.epochs, files.curves)
    report = HeadReport(
        files=files,
        epochs=learned.epochs,
        best_epoch=learned.best_epoch,
        interrupted=learned.interrupted,
        effort=stopwatch.effort(),
        n_pairs=len(pairs.learned),
        n_held_out=len(pairs.held_out),
        recall_at_10=learned.epochs[learned.best_epoch - 1].recall_at_10,
    )
    counts = Counter(pair.catalog for pair in pairs.learned)
    named = [(path, counts[number]) for number, path in enumerate(catalogs)]
    write_model_card(TrainingRun(report, named, left_out, recipe.seed))
    return report


@dataclass(frozen=True, slots=True)
class _Classroom:
    """Everything that a run looks at, ready as tensors."""

    lessons: Lessons
    imagination: Imagination
    measure: Callable[[CompactHead], float | None]


def _prepare(
    pairs: TrainingPairs, head: CompactHead, cache: Path, seed: int, stage: Stage
) -> _Classroom:
    """Encode what the cache does not have, and fit the parts of the head that stay as they are."""
    towers = CachedTowers(cache, stage)
    generator = torch.Generator().manual_seed(seed)
    features = towers.features(pairs.learned)  # (N, F)
    _check(features, "pictures", cache)
    fit_components(head, features, generator)
    components = in_slices(head.compress, features)  # (N, K)
    places, views = towers.views(pairs.learned, seed)
    fit_looks(head, components, head.compress(views), components[places])
    class_names = embed_class_names(towers.texts)  # (ways, C, T)
    set_class_words(head, class_names)
    caption_ids, captions = towers.captions(pairs.learned)
    _check(captions, "words", cache)
    logits = in_slices(towers.images.logits, features)  # (N, C)
    told = caption_ids[:, [TITLE, KIND, COLOUR_AND_KIND, FULL]].unique()
    set_landmarks(head, captions[told], generator)
    lessons = Lessons(
        components=components,
        priors=in_slices(head.prior, logits),
        caption_ids=caption_ids,
        captions=captions,
        pair_weights=_pair_weights(pairs.learned),
        class_names=class_names,
    )
    measure = _measure(towers, pairs.held_out)
    return _Classroom(lessons, Imagination(components, logits, generator), measure)


def _check(rows: Tensor, what: str, cache: Path) -> None:
    """Raises `TrainingError` where embeddings cannot be learned from."""
    if n_bad := int((~torch.isfinite(rows).all(dim=1)).sum()):
        raise TrainingError(
            f"{n_bad} of {len(rows)} embeddings of {what} hold values that are no numbers; delete "
            f"{cache}, check the encoder with `shopsearch doctor`, and train again"
        )


def _pair_weights(pairs: Sequence[Pair]) -> Tensor:
    """(N,) how often each pair is drawn: those of small catalogs more often."""
    counts = Counter(pair.catalog for pair in pairs)
    mean = len(pairs) / len(counts)
    heavy = [counts[pair.catalog] < mean for pair in pairs]
    return torch.where(torch.tensor(heavy), _SMALL_CATALOG_WEIGHT, 1.0)


def _measure(towers: CachedTowers, pairs: Sequence[Pair]) -> Callable[[CompactHead], float | None]:
    """What measures a head: recall@10 from title to picture in a gallery of held-out pairs."""
    if not pairs:
        return lambda head: None  # noqa: ARG005 - there is nothing to measure it with
    gallery = [pairs[place] for place in draw_gallery(len(pairs), _GALLERY_SEED).tolist()]
    features = towers.features(gallery, stage="held-out pictures").float()
    logits = towers.images.logits(features)  # (n, C)
    titles = [pair.captions.texts[TITLE] for pair in gallery]
    embedded = towers.texts.embed(titles)  # (n, T)
    numbers = {title: number for number, title in enumerate(dict.fromkeys(titles))}
    groups = torch.tensor([numbers[title] for title in titles])  # (n,)

    @torch.no_grad()
    def measure(head: CompactHead) -> float:
        scores = head.text_rows(embedded) @ head.image_rows(features, logits).T  # (n, n)
        return recall_at(scores, groups, groups, k=10)

    return measure
