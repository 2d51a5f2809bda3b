"""Learns the weights of the ranking from judged queries, or from clicks logged as gains.

The weights are those of a linear score, learned by the gradient of LambdaRank (Burges, From RankNet
to LambdaRank to LambdaMART, 2010): of each two candidates of a query whose gains differ, the better
one is pushed up, as hard as nDCG would gain by it. Some dozens of queries carry a dozen weights, no
more: each weight is pulled towards where it starts, and has a sign that it cannot cross.

That words tell is known before; their features start with a weight, and keep it where no judged
query has, say, a model number. Prices, stock, popularity and similarities start at 0 and have to
earn a weight: where a catalog has the same of them everywhere, they get none.

Letters: N candidates of a query, F features, R candidates with a gain.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.errors import TrainingError
from shopsearch.evaluation.measures import ndcg
from shopsearch.evaluation.uncertainty import Interval, mean_intervals
from shopsearch.preprocessing.atomic import write_atomically
from shopsearch.ranking.features import FEATURES, WORD_FEATURES
from shopsearch.ranking.ranker import Ranker, spread

FEWEST_QUERIES = 20
DEPTH = 10  # nDCG@10
STEPS = 200
RATE = 0.05
PULL = 0.01  # towards the start
WORDS_START = 0.1  # of the features of words; those of offers and similarities start at 0
SHARPNESS = 8.0  # of the difference of two scores, in spreads
TOP = 30  # of each two candidates, one must stand in the first so many

LEAST_OF_COSINE = 0.2  # words never silence the vectors
NEGATIVE = ("unwanted",)  # the only features that tell against a product

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """The N candidates of a judged query, with everything that is known of them."""

    query_id: str
    product_ids: tuple[str, ...]
    cosines: NDArray[np.float32]  # (N,)
    features: NDArray[np.float32]  # (N, F)
    gains: Mapping[str, float]  # of all judged products, candidates or not

    @property
    def rows(self) -> Rows:
        """(N, 1 + F): the cosine in units of its spread, and the features."""
        cosines = self.cosines.astype(np.float64) / spread(self.cosines)
        return np.column_stack([cosines, self.features])

    @property
    def candidate_gains(self) -> Rows:
        """(N,) 2^gain - 1, 0 without a judgment."""
        gains = np.array([self.gains.get(product_id, 0.0) for product_id in self.product_ids])
        scaled: Rows = np.expm1(gains * np.log(2.0))
        return scaled


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn; the same recipe over the same windows gives the same weights."""

    folds: int = 5
    repeats: int = 3  # cross-validations, each with other folds
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """A ranker trained on all queries, and what cross-validation says of its like."""

    ranker: Ranker
    n_queries: int
    ndcg: float  # mean over queries, each judged by weights that have not seen it
    interval: Interval
    ndcg_by_cosine: float  # the same queries in the order of the vectors
    gain: Interval  # of the difference, query by query


def train_ranking(
    windows: Sequence[JudgedWindow], recipe: Recipe, tell: Callable[[int, int], None]
) -> Learned:
    """Learn from all windows; first measure by cross-validation over queries.

    `tell` hears how many of how many trainings are done. Raises `TrainingError` where the
    judgments cannot carry weights.
    """
    usable = _usable(windows, recipe)
    values = cross_validated(usable, recipe, tell)
    plain = np.array([window_ndcg(one, one.cosines) for one in usable])
    weights = _learn(usable)
    n_runs = recipe.folds * recipe.repeats + 1
    tell(n_runs, n_runs)
    interval, gain = mean_intervals(np.column_stack([values, values - plain]))
    return Learned(
        ranker=Ranker(_relative(weights)),
        n_queries=len(usable),
        ndcg=float(values.mean()),
        interval=interval,
        ndcg_by_cosine=float(plain.mean()),
        gain=gain,
    )


def cross_validated(
    windows: Sequence[JudgedWindow],
    recipe: Recipe,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Rows:
    """(Q,) nDCG@10 of each query, by weights that were learned from other queries."""
    n_runs = recipe.folds * recipe.repeats + 1
    values = np.zeros(len(windows))
    for run, scored in enumerate(held_out_scores(windows, recipe), start=1):
        for n, scores in scored.items():
            values[n] += window_ndcg(windows[n], scores)
        tell(run, n_runs)
    return values / recipe.repeats


def held_out_scores(
    windows: Sequence[JudgedWindow], recipe: Recipe
) -> Iterator[dict[int, NDArray[np.float64]]]:
    """For each training the scores of the windows it has not seen: by place, (N,) of each.

    In each of `recipe.repeats` cross-validations every window has its turn once.
    """
    for repeat in range(recipe.repeats):
        for seen, unseen in _folds(len(windows), recipe, repeat):
            weights = _learn([windows[n] for n in seen])
            yield {int(n): windows[n].rows @ weights for n in unseen}


def write_ranker(path: Path, learned: Learned, story: Mapping[str, object]) -> None:
    """Write the weights and where they come from, whole or not at all."""
    told = Ranker(learned.ranker.weights, story).as_json()
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be written ({error.strerror}); name another place with --out"
        ) from error


def _usable(windows: Sequence[JudgedWindow], recipe: Recipe) -> list[JudgedWindow]:
    """Those that a better order could do better on: with candidates of more than one gain."""
    usable = [one for one in windows if np.unique(one.candidate_gains).size > 1]
    if len(usable) < max(FEWEST_QUERIES, recipe.folds):
        raise TrainingError(
            f"of {len(windows)} judged queries with words, {len(usable)} have candidates of "
            f"different gains, but {max(FEWEST_QUERIES, recipe.folds)} are needed to learn "
            f"{len(FEATURES)} weights; judge more queries, or log more clicks"
        )
    if not all(np.isfinite(one.rows).all() for one in usable):
        raise TrainingError(
            "the features hold a number that is not finite; run `shopsearch reindex`, then train"
        )
    return usable


def _folds(
    n_queries: int, recipe: Recipe, repeat: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    order = np.random.default_rng((recipe.seed, repeat)).permutation(n_queries)
    parts = [order[fold :: recipe.folds] for fold in range(recipe.folds)]
    return [(np.setdiff1d(order, part), part) for part in parts]


def _learn(windows: Sequence[JudgedWindow]) -> Rows:
    """(1 + F,) weights by Adam (Kingma & Ba, 2015) over all windows at once."""
    lessons = [_Lesson.of(one) for one in windows]
    signs = np.array([-1.0 if name in NEGATIVE else 1.0 for name in ("cosine", *FEATURES)])
    starts = {"cosine": 1.0, **dict.fromkeys(WORD_FEATURES, WORDS_START)}
    start: Rows = signs * np.array([starts.get(name, 0.0) for name in ("cosine", *FEATURES)])
    weights, mean, square = start.copy(), np.zeros(len(start)), np.zeros(len(start))
    for step in range(1, STEPS + 1):
        gradient = sum(lesson.gradient(weights) for lesson in lessons) / len(lessons)
        gradient += PULL * (weights - start)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        rate = RATE * (1.0 - step / STEPS)
        weights -= rate * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights = signs * np.maximum(signs * weights, 0.0)
        weights[0] = max(weights[0], LEAST_OF_COSINE)
    return weights


@dataclass(frozen=True, slots=True)
class _Lesson:
    """One query, ready for many steps."""

    rows: Rows  # (N, 1 + F)
    gains: Rows  # (N,)
    better: NDArray[np.int64]  # (R,) candidates with a gain
    difference: Rows  # (R, N) of gains, over the ideal DCG; 0 where it is no better

    @classmethod
    def of(cls, window: JudgedWindow) -> _Lesson:
        gains = window.candidate_gains
        judged = np.sort(np.expm1(np.array(list(window.gains.values())) * np.log(2.0)))[::-1]
        ideal = float(judged[:DEPTH] @ _discounts(np.arange(len(judged[:DEPTH]))))
        better = np.flatnonzero(gains > 0)
        difference = np.maximum(gains[better, None] - gains[None, :], 0.0) / ideal
        return cls(window.rows, gains, better, difference)

    def gradient(self, weights: Rows) -> Rows:
        """(1 + F,) of the loss."""
        scores = SHARPNESS * (self.rows @ weights)  # (N,)
        places = np.empty(len(scores), dtype=np.int64)
        places[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
        discounts = _discounts(places)  # (N,)
        swap = np.abs(discounts[self.better, None] - discounts[None, :])  # (R, N)
        in_top = (places[self.better, None] < TOP) | (places[None, :] < TOP)
        apart = np.clip(scores[self.better, None] - scores[None, :], -50.0, 50.0)  # (R, N)
        push = self.difference * swap * in_top / (1.0 + np.exp(apart))  # (R, N)
        per_candidate = -push.sum(axis=0)  # (N,)
        per_candidate[self.better] += push.sum(axis=1)
        gradient: Rows = -SHARPNESS * (self.rows.T @ per_candidate)
        return gradient


def _discounts(places: NDArray[np.int64]) -> Rows:
    discounts: Rows = 1.0 / np.log2(places + 2.0)
    return discounts


def window_ndcg(window: JudgedWindow, scores: NDArray[np.floating]) -> float:
    """nDCG@10 of a window in the order of (N,) scores."""
    best_first = np.argsort(-scores, kind="stable")
    hits = [window.product_ids[n] for n in best_first[:DEPTH]]
    return ndcg(hits, window.gains, DEPTH)


def _relative(weights: Rows) -> dict[str, float]:
    """By feature, in units of the cosine's own weight."""
    return {
        name: round(float(weight / weights[0]), 4)
        for name, weight in zip(FEATURES, weights[1:], strict=True)
    }
