"""`shopsearch train head`: catalogs in, a head with its curves and its card out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from shopsearch.encoders.compact_head import CompactHead, HeadShape, Mix
from shopsearch.encoders.compact_id import PREPROCESSING
from shopsearch.encoders.compact_towers import ImageTower, TextTower
from shopsearch.errors import PictureRejected, TrainingError
from shopsearch.preprocessing.images import decode
from shopsearch.training.captions import TITLE
from shopsearch.training.curves import Epoch, draw_curves
from shopsearch.training.feature_cache import Report, cached_rows, picture_key
from shopsearch.training.frozen_parts import (
    embed_class_names,
    fit_components,
    fit_looks,
    set_class_words,
)
from shopsearch.training.imagined import Imagination
from shopsearch.training.learning import Lessons, Recipe, learn
from shopsearch.training.model_card import TrainingRun, write_model_card
from shopsearch.training.pairs import Pair, TrainingPairs
from shopsearch.training.recall import draw_gallery, recall_at

MAX_PIXELS = 50_000_000
_SMALL_CATALOG_WEIGHT = 3.0  # a pair of a catalog below the mean size is drawn so much more often
_GALLERY_SEED = 1


@dataclass(frozen=True, slots=True)
class HeadFiles:
    """Where a run writes: the weights, and beside them their curves, card and cache."""

    weights: Path

    @property
    def curves(self) -> Path:
        """Loss and recall by epoch, PNG."""
        return self.weights.with_suffix(".png")

    @property
    def card(self) -> Path:
        """The model card, Markdown."""
        return self.weights.with_suffix(".md")

    @property
    def cache(self) -> Path:
        """Features and embeddings, so that another run starts at once."""
        return self.weights.parent / "feature-cache"


@dataclass(frozen=True, slots=True)
class HeadReport:
    """What a run came to."""

    files: HeadFiles
    n_pairs: int
    n_held_out: int
    epochs: Sequence[Epoch]
    best_epoch: int
    recall_at_10: float | None
    interrupted: bool
    seconds: float


Stage = Callable[[str], Report]  # the name of a stage -> what its progress is reported to


def train_head(
    pairs: TrainingPairs,
    catalogs: Sequence[Path],
    files: HeadFiles,
    recipe: Recipe,
    *,
    left_out: Sequence[str] = (),
    stage: Stage,
    watch: Callable[[Epoch], None],
) -> HeadReport:
    """Train a head on pairs, and write its weights, curves and card.

    Nothing is written before the run is over; Ctrl-C ends it early and keeps the best so far.
    Raises `TrainingError` and `EncoderUnavailable`.
    """
    started = time.monotonic()
    torch.manual_seed(recipe.seed)
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
    counts = Counter(pair.catalog for pair in pairs.learned)
    write_model_card(
        TrainingRun(
            head=files.weights,
            catalogs=[(path, counts[number]) for number, path in enumerate(catalogs)],
            n_held_out=len(pairs.held_out),
            left_out=left_out,
            seed=recipe.seed,
            epochs=learned.epochs,
            best_epoch=learned.best_epoch,
            interrupted=learned.interrupted,
        ),
        files.card,
    )
    return HeadReport(
        files=files,
        n_pairs=len(pairs.learned),
        n_held_out=len(pairs.held_out),
        epochs=learned.epochs,
        best_epoch=learned.best_epoch,
        recall_at_10=learned.epochs[learned.best_epoch - 1].recall_at_10,
        interrupted=learned.interrupted,
        seconds=time.monotonic() - started,
    )


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
    tower, texts = ImageTower(), TextTower()
    generator = torch.Generator().manual_seed(seed)
    features = _features(tower, pairs.learned, cache, stage("pictures"))  # (N, F)
    fit_components(head, features, generator)
    class_names = embed_class_names(texts)  # (ways, C, T)
    set_class_words(head, class_names)
    caption_ids, captions = _captions(texts, pairs.learned, cache, stage("captions"))
    logits = _in_slices(tower.logits, features)  # (N, C)
    components = _in_slices(head.compress, features)  # (N, K)
    fit_looks(head, components)
    lessons = Lessons(
        components=components,
        priors=_in_slices(head.prior, logits),
        caption_ids=caption_ids,
        captions=captions,
        pair_weights=_pair_weights(pairs.learned),
        class_names=class_names,
    )
    measure = _measure(tower, texts, pairs.held_out, cache, stage("held-out pictures"))
    return _Classroom(lessons, Imagination(components, logits, generator), measure)


def _features(tower: ImageTower, pairs: Sequence[Pair], cache: Path, report: Report) -> Tensor:
    """(N, F) features in half precision."""

    def compute(some: Sequence[Pair]) -> Tensor:
        return tower.features([_picture(pair.picture) for pair in some])

    keys = [picture_key(pair.picture) for pair in pairs]
    return cached_rows(cache, f"features-{PREPROCESSING}", keys, pairs, compute, report=report)


def _picture(path: Path) -> Image.Image:
    try:
        return decode(path.read_bytes(), max_pixels=MAX_PIXELS)
    except (OSError, PictureRejected) as error:
        raise TrainingError(
            f"{path}: {error}; replace the picture, or take the product out of the catalog"
        ) from error


def _captions(
    texts: TextTower, pairs: Sequence[Pair], cache: Path, report: Report
) -> tuple[Tensor, Tensor]:
    """The (N, W) ids of the captions of each pair, and the (n, T) embeddings they point to."""
    numbers: dict[str, int] = {}
    ids = [[numbers.setdefault(t, len(numbers)) for t in pair.captions.texts] for pair in pairs]
    words = list(numbers)
    rows = cached_rows(cache, "captions", words, words, texts.embed, report=report)
    return torch.tensor(ids), rows.float()


def _pair_weights(pairs: Sequence[Pair]) -> Tensor:
    """(N,) how often each pair is drawn: those of small catalogs more often."""
    counts = Counter(pair.catalog for pair in pairs)
    mean = len(pairs) / len(counts)
    heavy = [counts[pair.catalog] < mean for pair in pairs]
    return torch.where(torch.tensor(heavy), _SMALL_CATALOG_WEIGHT, 1.0)


def _measure(
    tower: ImageTower, texts: TextTower, pairs: Sequence[Pair], cache: Path, report: Report
) -> Callable[[CompactHead], float | None]:
    """What measures a head: recall@10 from title to picture in a gallery of held-out pairs."""
    if not pairs:
        return lambda head: None  # noqa: ARG005 - there is nothing to measure it with
    gallery = [pairs[place] for place in draw_gallery(len(pairs), _GALLERY_SEED).tolist()]
    features = _features(tower, gallery, cache, report).float()
    logits = tower.logits(features)  # (n, C)
    titles = [pair.captions.texts[TITLE] for pair in gallery]
    embedded = texts.embed(titles)  # (n, T)
    numbers = {title: number for number, title in enumerate(dict.fromkeys(titles))}
    groups = torch.tensor([numbers[title] for title in titles])  # (n,)

    @torch.no_grad()
    def measure(head: CompactHead) -> float:
        scores = head.text_rows(embedded) @ head.image_rows(features, logits).T  # (n, n)
        return recall_at(scores, groups, groups, k=10)

    return measure


@torch.no_grad()
def _in_slices(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """A function of rows, without all of them in full precision at once."""
    return torch.cat([function(part.float()) for part in rows.split(4096)])
