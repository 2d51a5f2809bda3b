"""Teaches the combiner of combined queries on triples (reference, words, products meant).

Letters: N products, D the length of a vector, P phrases, T triples, A products that a triple means,
B triples of a batch, M products of a gallery.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.fusion.replacing_combiner import ReplacingCombiner
from shopsearch.training.schedule import MovingAverage, rate_share

_SHARPNESS = 20.0
_TEXT_WEIGHTS = (0.5, 0.75)  # of a triple: at the middle of the slider the reference still counts
_NOISE = 0.6  # the length of what is added to a reference: nobody's picture is the catalog's own


@dataclass(frozen=True, slots=True)
class CombinerRecipe:
    """How long and how fast to learn."""

    epochs: int = 4
    batch_size: int = 512
    n_others: int = 1024  # products beside those that a batch means
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CombinerEpoch:
    """What one pass over the triples came to."""

    number: int  # 1 is the first
    loss: float
    recall_at_1: float  # of held-out queries
    seconds: float


@dataclass(frozen=True, slots=True)
class CombinerLessons:
    """What is learned from, as tensors."""

    vectors: Tensor  # (N, D) unit rows: the products, as the index holds them
    phrases: Tensor  # (P, D) unit rows: the words, as a query holds them
    references: Tensor  # (T,) places in `vectors`
    words: Tensor  # (T,) places in `phrases`
    targets: Tensor  # (T, A) places in `vectors`, -1 where a triple means fewer products


def learn_to_combine(
    lessons: CombinerLessons,
    recipe: CombinerRecipe,
    *,
    measure: Callable[[ReplacingCombiner], float],
    watch: Callable[[CombinerEpoch], None],
) -> tuple[ReplacingCombiner, Sequence[CombinerEpoch]]:
    """A combiner, and how it got there. The same recipe and lessons give the same weights.

    Ctrl-C ends the run early and keeps what was learned so far.
    """
    torch.manual_seed(recipe.seed)
    combiner = ReplacingCombiner(lessons.vectors.shape[1])
    course = _Course(combiner, lessons, recipe)
    epochs: list[CombinerEpoch] = []
    try:
        for number in range(1, recipe.epochs + 1):
            started = time.monotonic()
            loss = course.run_epoch()
            recall = measure(course.average.model)
            epochs.append(CombinerEpoch(number, loss, recall, time.monotonic() - started))
            watch(epochs[-1])
    except KeyboardInterrupt:
        if not epochs:
            raise
    return course.average.model.eval().requires_grad_(False), epochs


class _Course:
    """The state that goes from epoch to epoch."""

    def __init__(
        self, combiner: ReplacingCombiner, lessons: CombinerLessons, recipe: CombinerRecipe
    ) -> None:
        self._combiner, self._lessons, self._recipe = combiner.train(), lessons, recipe
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._optimizer = torch.optim.AdamW(
            combiner.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.average = MovingAverage(combiner)
        self._step = 0
        self._n_steps = recipe.epochs * (len(lessons.references) // recipe.batch_size)

    def run_epoch(self) -> float:
        """The mean loss over all triples, in an order drawn anew."""
        order = torch.randperm(len(self._lessons.references), generator=self._generator)
        size = min(self._recipe.batch_size, len(order))
        batches = [batch for batch in order.split(size) if len(batch) == size]
        return sum(self._learn_batch(batch) for batch in batches) / len(batches)

    def _learn_batch(self, batch: Tensor) -> float:
        lessons = self._lessons
        references, targets = lessons.references[batch], lessons.targets[batch]  # (B,), (B, A)
        others = torch.randint(
            0, len(lessons.vectors), (self._recipe.n_others,), generator=self._generator
        )
        gallery = torch.cat([targets[:, 0], references, others]).unique()  # (M,)
        meant = (gallery[None, :, None] == targets[:, None, :]).any(dim=2)  # (B, M)
        queries = self._queries(references, lessons.words[batch])  # (B, D)
        loss = _loss(_SHARPNESS * queries @ lessons.vectors[gallery].T, meant)
        self._follow(loss)
        return float(loss.detach())

    def _queries(self, references: Tensor, words: Tensor) -> Tensor:
        rows = self._lessons.vectors[references]  # (B, D)
        noise = torch.randn(rows.shape, generator=self._generator) / rows.shape[1] ** 0.5
        rows = normalize(rows + _NOISE * noise, dim=1)
        low, high = _TEXT_WEIGHTS
        weight = low + (high - low) * torch.rand(len(rows), generator=self._generator)  # (B,)
        queries: Tensor = self._combiner(rows, self._lessons.phrases[words], weight)
        return queries

    def _follow(self, loss: Tensor) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * rate_share(self._step, self._n_steps)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        self.average.follow(self._combiner)
        self._step += 1


def _loss(scores: Tensor, meant: Tensor) -> Tensor:
    """-log of the share that the products meant have of the softmax over a gallery.

    `scores` is (B, M), `meant` (B, M) with one at least in each row. Any of them is right, so their
    shares are added before the logarithm (Miech et al. 2020, MIL-NCE, arXiv:1912.06430).
    """
    right = scores.masked_fill(~meant, -torch.inf).logsumexp(dim=1)  # (B,)
    return (scores.logsumexp(dim=1) - right).mean()
