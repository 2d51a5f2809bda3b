"""The training loop of the learned part of a head.

Half of the time it is taught beside the prior, as both will be used, to learn what the prior does
not know; half of the time alone.

Letters: N pairs, K components, W ways to say a pair, T text embedding, B pairs of a batch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from shopsearch.encoders.compact_head import CompactHead, join
from shopsearch.errors import TrainingError
from shopsearch.training.curves import Epoch
from shopsearch.training.imagined import Imagination
from shopsearch.training.objective import contrastive_loss
from shopsearch.training.schedule import MovingAverage, rate_share
from shopsearch.training.seeding import seeded

_START_SHARPNESS = 20.0
_MAX_SHARPNESS = 100.0
_WAYS_WEIGHTS = (0.55, 0.10, 0.12, 0.13, 0.05, 0.05)  # in the order of captions.py
_DROPPED_COMPONENTS = 0.1
_BESIDE_PRIOR = 0.5  # the share of batches that are learned beside the prior
_TRUST = 1.5  # of the learned part beside it


@dataclass(frozen=True, slots=True)
class Recipe:
    """How long and how fast to learn."""

    epochs: int = 10
    batch_size: int = 1024
    n_imagined: int = 256  # imagined pictures beside each batch
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    patience: int = 4  # epochs without a better recall before the run stops early
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Lessons:
    """What is learned from, as tensors."""

    components: Tensor  # (N, K)
    priors: Tensor  # (N, T)
    caption_ids: Tensor  # (N, W), rows of `captions`
    captions: Tensor  # (n, T) unit embeddings
    pair_weights: Tensor  # (N,) how often a pair is drawn
    class_names: Tensor  # (ways, C, T) unit embeddings


@dataclass(frozen=True, slots=True)
class Learned:
    """What a run came to; the head given to it holds the weights of `best_epoch`."""

    epochs: Sequence[Epoch]
    best_epoch: int
    interrupted: bool


Measure = Callable[[CompactHead], float | None]
Watch = Callable[[Epoch], None]


def learn(
    head: CompactHead,
    lessons: Lessons,
    imagination: Imagination,
    recipe: Recipe,
    *,
    measure: Measure,
    watch: Watch,
) -> Learned:
    """Teach a head; it ends up with the best weights by `measure`, the last where that is None.

    Ctrl-C ends the run early and keeps the best so far; before the first epoch is done it is passed
    on. The same recipe and lessons give the same weights on the same machine. Raises
    `TrainingError` where the loss is no number.
    """
    course = _Course(head, lessons, imagination, recipe)
    epochs: list[Epoch] = []
    best, best_state, interrupted = -1.0, None, False
    try:
        for number in range(1, recipe.epochs + 1):
            # the dropout of the head takes no generator; no two epochs of two seeds draw alike
            with seeded(1_000 * recipe.seed + number):
                epoch = course.run_epoch(number, measure)
            epochs.append(epoch)
            watch(epoch)
            if epoch.recall_at_10 is None or epoch.recall_at_10 > best:
                best, best_epoch = epoch.recall_at_10 or 0.0, number
                best_state = {n: w.clone() for n, w in course.average.model.state_dict().items()}
            if number - best_epoch >= recipe.patience:
                break
    except KeyboardInterrupt:
        if best_state is None:
            raise
        interrupted = True
    assert best_state is not None  # noqa: S101 - one epoch at least was run, or Ctrl-C was passed on
    head.load_state_dict(best_state)
    head.eval().requires_grad_(False)
    return Learned(epochs, best_epoch, interrupted)


@dataclass(frozen=True, slots=True)
class _Batch:
    components: Tensor  # (B, K)
    priors: Tensor  # (B, T)
    words: Tensor  # (B, T)
    ids: Tensor  # (B,) tell like words apart


class _Course:
    """The state that goes from epoch to epoch."""

    def __init__(
        self, head: CompactHead, lessons: Lessons, imagination: Imagination, recipe: Recipe
    ) -> None:
        self._head, self._lessons, self._recipe = head, lessons, recipe
        self._imagination = imagination
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._sharpness = nn.Parameter(torch.tensor(math.log(_START_SHARPNESS)))
        self._optimizer = torch.optim.AdamW(
            [*head.requires_grad_().train().parameters(), self._sharpness],
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
        )
        self.average = MovingAverage(head)
        self._step = 0

    def run_epoch(self, number: int, measure: Measure) -> Epoch:
        started = time.monotonic()
        losses = [self._learn_batch(places) for places in self._batches()]
        recall = measure(self.average.model)
        return Epoch(number, sum(losses) / len(losses), recall, time.monotonic() - started)

    def _batches(self) -> Iterator[Tensor]:
        size = min(self._recipe.batch_size, len(self._lessons.components))
        drawn = torch.multinomial(
            self._lessons.pair_weights,
            len(self._lessons.components),
            replacement=True,
            generator=self._generator,
        )
        for start in range(0, len(drawn) - size + 1, size):
            yield drawn[start : start + size]

    def _learn_batch(self, places: Tensor) -> float:
        batch = self._batch(places)
        head = self._head
        pictures = head.learned(dropout(batch.components, _DROPPED_COMPONENTS))  # (B, J)
        captions = head.learned_words(batch.words)  # (B, J)
        if self._is_beside_prior():
            pictures = join(batch.priors, pictures, _TRUST)  # (B, T + J)
            captions = torch.cat([batch.words, captions], dim=1)  # (B, T + J)
        sharpness = self._sharpness.exp().clamp(max=_MAX_SHARPNESS)
        loss = contrastive_loss(pictures, captions, batch.ids, sharpness)
        if not bool(torch.isfinite(loss)):
            raise TrainingError("the loss is no number any more; try another --seed")
        self._set_rate()
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self.average.follow(head)
        self._step += 1
        return float(loss.detach())

    def _batch(self, places: Tensor) -> _Batch:
        """Real pairs, and imagined ones behind them."""
        lessons = self._lessons
        ways = torch.tensor(_WAYS_WEIGHTS)
        way = torch.multinomial(ways, len(places), replacement=True, generator=self._generator)
        ids = lessons.caption_ids[places, way]  # (B,)
        imagined, classes = self._imagination.draw(self._recipe.n_imagined)
        spoken = torch.randint(
            0, len(lessons.class_names), (len(classes),), generator=self._generator
        )
        head = self._head
        return _Batch(
            torch.cat([lessons.components[places], imagined]),
            torch.cat([lessons.priors[places], head.class_words[classes]]),
            torch.cat([lessons.captions[ids], lessons.class_names[spoken, classes]]),
            torch.cat([ids, len(lessons.captions) + classes]),
        )

    def _is_beside_prior(self) -> bool:
        """Half of the time: the learned part must be good alone too."""
        return torch.rand(1, generator=self._generator).item() < _BESIDE_PRIOR

    def _set_rate(self) -> None:
        n_batches = max(1, len(self._lessons.components) // self._recipe.batch_size)
        share = rate_share(self._step, self._recipe.epochs * n_batches)
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * share
