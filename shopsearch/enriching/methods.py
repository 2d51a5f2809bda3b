"""The two ways to predict a value, each measured on products that taught it nothing.

`learned` is a softmax head over the vectors of products whose value is known. `zero-shot` compares
a vector with the embeddings of the values' names, and needs no product whose value is known.

Letters: N examples, C values, D the length of a vector, M products to predict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shopsearch.enriching.calibration import Scores, best_temperature, log_loss, softmax

PENALTIES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # strongest first: each head starts at the one before
ZERO_SHOT_TEMPERATURE = 0.025  # of cosines, where no product tells a better one
_MIN_CALIBRATED = 50  # products whose value is known, for a temperature of their own
_UNSEEN = 10.0  # how far below the others the score of a value lies that a fold did not learn

Step = Callable[[int, int], None]  # how many heads are trained, of how many


class Method(StrEnum):
    """How a value is predicted; `AUTO` takes what cross-validation says is better."""

    LEARNED = "learned"
    ZERO_SHOT = "zero-shot"
    AUTO = "auto"


class Head(Protocol):
    """What a trainer gives: linear scores."""

    def logits(self, vectors: NDArray[np.float32]) -> Scores:
        """(N, C) for (N, D) vectors."""


TrainedHead = TypeVar("TrainedHead", bound=Head)


class HeadTrainer(Protocol[TrainedHead]):
    """Trains softmax heads; see `shopsearch.training.attributes`."""

    def train(
        self,
        vectors: NDArray[np.float32],
        labels: NDArray[np.int64],
        n_values: int,
        *,
        penalty: float,
        start: TrainedHead | None = None,
    ) -> TrainedHead:
        """The head of least penalised cross entropy; quicker from the one before."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Products whose value is known, seen as if it were not."""

    vectors: NDArray[np.float32]  # (N, D)
    values: NDArray[np.str_]  # (N,)
    folds: NDArray[np.int64]  # (N,) no title is in two of them

    def __len__(self) -> int:
        """N."""
        return len(self.values)

    def numbered(self, values: Sequence[str]) -> NDArray[np.int64]:
        """(N,) the place of each value among `values`; C where it is none of them."""
        places = {value: place for place, value in enumerate(values)}
        return np.array([places.get(v, len(values)) for v in self.values.tolist()], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Predictor:
    """A way to predict, and what it said of the examples without having seen them."""

    method: Method
    values: tuple[str, ...]
    predict: Callable[[NDArray[np.float32]], NDArray[np.float64]]  # (M, D) -> (M, C) probabilities
    held_out: NDArray[np.float64]  # (N, C) probabilities of the examples, by cross-validation
    temperature: float
    calibrated: bool  # whether the temperature was found by examples
    penalty: float | None = None  # of a learned head


def learned(
    trainer: HeadTrainer[Any], examples: Examples, values: Sequence[str], *, step: Step
) -> Predictor:
    """A softmax head; penalty and temperature are those of least log loss on held-out examples.

    Examples of other values are one more value together, which is never proposed: the head knows
    that a product may be something else. What it says of a fold comes from heads, penalty and
    temperature that this fold had no part in.
    """
    labels = examples.numbered(values)
    lessons = _Lessons(trainer, examples, labels, _n_learned(examples, labels, len(values)))
    done = _Count(step, len(PENALTIES) * len(np.unique(examples.folds)) + 1)
    tables = lessons.held_out(done)
    penalty, temperature = _best(tables, labels, lessons.taught)
    head = lessons.trained(lessons.taught, penalty, None)
    done.one_more()
    n = len(values)
    return Predictor(
        method=Method.LEARNED,
        values=tuple(values),
        predict=lambda vectors: softmax(head.logits(vectors), temperature)[:, :n],
        held_out=_crossed(tables, labels, lessons.taught, examples.folds)[:, :n],
        temperature=temperature,
        calibrated=True,
        penalty=penalty,
    )


def zero_shot(prompts: NDArray[np.float32], examples: Examples, values: Sequence[str]) -> Predictor:
    """Softmax over the cosines to (C, D) embeddings of the values' names.

    The examples, where there are enough, give the temperature and nothing else.
    """
    labels = examples.numbered(values)
    known = labels < len(values)  # (N,)
    scores = cosines(examples.vectors, prompts)  # (N, C)
    temperature, held_out = ZERO_SHOT_TEMPERATURE, softmax(scores, ZERO_SHOT_TEMPERATURE)
    n_folds = len(np.unique(examples.folds[known]))
    calibrated = n_folds > 1 and int(known.sum()) >= _MIN_CALIBRATED
    if calibrated:
        temperature = best_temperature(scores[known], labels[known])
        held_out = _crossed({0.0: scores}, labels, known, examples.folds)
    return Predictor(
        method=Method.ZERO_SHOT,
        values=tuple(values),
        predict=lambda vectors: softmax(cosines(vectors, prompts), temperature),
        held_out=held_out,
        temperature=temperature,
        calibrated=calibrated,
    )


def cosines(vectors: NDArray[np.float32], prompts: NDArray[np.float32]) -> Scores:
    """(N, C) cosines of unit rows."""
    scores: Scores = vectors.astype(np.float64) @ prompts.astype(np.float64).T
    return scores


@dataclass(frozen=True, slots=True)
class _Lessons:
    """The examples of a head. `n_values` counts "another value" where it is learned."""

    trainer: HeadTrainer[Any]
    examples: Examples
    labels: NDArray[np.int64]
    n_values: int

    @property
    def taught(self) -> NDArray[np.bool_]:
        """(N,) which examples teach."""
        return self.labels < self.n_values

    def held_out(self, done: _Count) -> dict[float, Scores]:
        """By penalty, the (N, n_values) scores from heads that did not learn the example's fold.

        Weaker penalties are left out once they make the log loss worse.
        """
        tables: dict[float, Scores] = {}
        least = np.inf
        folds = np.unique(self.examples.folds)
        heads: dict[int, _Spread | None] = dict.fromkeys(folds.tolist())
        for penalty in PENALTIES:
            scores = np.empty((len(self.labels), self.n_values))
            for fold in folds.tolist():
                inside = self.examples.folds == fold  # (N,)
                head = self.trained(self.taught & ~inside, penalty, heads[fold])
                scores[inside] = head.logits(self.examples.vectors[inside])
                heads[fold] = head
                done.one_more()
            tables[penalty] = scores
            loss = _loss(scores[self.taught], self.labels[self.taught])
            if loss > least:
                break
            least = loss
        return tables

    def trained(self, rows: NDArray[np.bool_], penalty: float, start: _Spread | None) -> _Spread:
        """The head of some examples, begun at one of the same examples."""
        there, labels = np.unique(self.labels[rows], return_inverse=True)
        head = self.trainer.train(
            self.examples.vectors[rows],
            labels.astype(np.int64),
            len(there),
            penalty=penalty,
            start=None if start is None else start.head,
        )
        return _Spread(head, there, self.n_values)


@dataclass(frozen=True, slots=True)
class _Spread:
    """A head that learned some values only, with low scores for the others."""

    head: Head
    there: NDArray[np.int64]  # the values it learned
    n_values: int

    def logits(self, vectors: NDArray[np.float32]) -> Scores:
        scores = self.head.logits(vectors)  # (M, len(there))
        spread = np.repeat(scores.min(axis=1, keepdims=True) - _UNSEEN, self.n_values, axis=1)
        spread[:, self.there] = scores
        return spread


@dataclass(slots=True)
class _Count:
    step: Step
    total: int
    done: int = 0

    def one_more(self) -> None:
        self.done += 1
        self.step(self.done, self.total)


def _n_learned(examples: Examples, labels: NDArray[np.int64], n_values: int) -> int:
    """One more than the values where "another value" is met in two folds or more."""
    folds = np.unique(examples.folds[labels == n_values])
    return n_values + (len(folds) > 1)


def _best(
    tables: Mapping[float, Scores], labels: NDArray[np.int64], rows: NDArray[np.bool_]
) -> tuple[float, float]:
    """The penalty of least log loss over some rows, and its temperature."""
    penalty = min(tables, key=lambda penalty: _loss(tables[penalty][rows], labels[rows]))
    return penalty, best_temperature(tables[penalty][rows], labels[rows])


def _loss(scores: Scores, labels: NDArray[np.int64]) -> float:
    """The log loss under the best temperature."""
    return log_loss(scores, labels, best_temperature(scores, labels))


def _crossed(
    tables: Mapping[float, Scores],
    labels: NDArray[np.int64],
    rows: NDArray[np.bool_],
    folds: NDArray[np.int64],
) -> NDArray[np.float64]:
    """(N, C) probabilities, each fold under the penalty and temperature that the others choose."""
    shares = np.empty_like(next(iter(tables.values())))
    for fold in np.unique(folds):
        inside = folds == fold  # (N,)
        penalty, temperature = _best(tables, labels, rows & ~inside)
        shares[inside] = softmax(tables[penalty][inside], temperature)
    return shares
