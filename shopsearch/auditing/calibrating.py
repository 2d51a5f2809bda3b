"""How likely a pair does not belong together, learned from a catalog that nobody has labelled.

Pairs that are certainly wrong are made from the catalog itself: a text with the picture of another
product. Pairs as the catalog tells them are mostly right, and some are not: which, is the question.
That is learning from positive and unlabelled examples (Elkan & Noto 2008), done here by expectation
and maximisation: a logistic regression tells wrong pairs from told ones, and the share of wrong
ones among the told ones is estimated (Saerens et al. 2002); then each told pair counts as a right
one only as far as it seems to be right, and all is done once more. A pair is judged by a regression
that has seen neither of its two products.

Letters: N told pairs, W wrong ones, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_FOLDS = 5
N_ROUNDS = 5  # after these, figures do not change any more (docs/decisions/0027-audit.md)
_START_SHARE = 0.01
LEAST_SHARE, _MOST_SHARE = 1e-3, 0.3  # the share of wrong pairs is looked for between these
_PENALTY = 1.0
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of a text and a picture: what is seen of each, and the folds of its two products."""

    features: Floats  # (N, F)
    text_folds: NDArray[np.int64]  # (N,)
    picture_folds: NDArray[np.int64]  # (N,)

    def outside(self, fold: int) -> NDArray[np.bool_]:
        """(N,) which have neither product in a fold."""
        apart: NDArray[np.bool_] = (self.text_folds != fold) & (self.picture_folds != fold)
        return apart


@dataclass(frozen=True, slots=True)
class Doubt:
    """What was learned of N told pairs."""

    probabilities: Floats  # (N,) that a pair is wrong
    odds: Floats  # (N,) logits before the share counts: the order, where probabilities are 0
    share: float  # of wrong pairs among the told ones


def doubt(told: Pairs, wrong: Pairs) -> Doubt:
    """The probability of each told pair to be a wrong one; both kinds must be there."""
    mean, spread = told.features.mean(axis=0), told.features.std(axis=0) + 1e-9  # (F,)
    told_rows = (told.features - mean) / spread
    wrong_rows = (wrong.features - mean) / spread
    probabilities, share = np.zeros(len(told_rows)), _START_SHARE
    odds = np.zeros(len(told_rows))
    for _ in range(N_ROUNDS):
        for fold in range(N_FOLDS):
            learned, others = told.outside(fold), wrong.outside(fold)
            weights = _Weights(
                _regression(told_rows[learned], wrong_rows[others], 1.0 - probabilities[learned])
            )
            odds[~learned] = weights.odds(told_rows[~learned])
        share = _share(odds, share)
        probabilities = sigmoid(odds + _logit(share))
    return Doubt(probabilities, odds, share)


def sigmoid(odds: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    bounded: Floats = 1.0 / (1.0 + np.exp(-np.clip(odds, -50.0, 50.0)))
    return bounded


@dataclass(frozen=True, slots=True)
class _Weights:
    values: Floats  # (F + 1,) the last one is the bias

    def odds(self, rows: Floats) -> Floats:
        result: Floats = rows @ self.values[:-1] + self.values[-1]
        return result


def _regression(right: Floats, wrong: Floats, trust: Floats) -> Floats:
    """(F + 1,) weights of a logistic regression by Newton's method; both sides weigh the same."""
    rows = np.concatenate([right, wrong])
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)  # (N + W, F + 1)
    labels = np.concatenate([np.zeros(len(right)), np.ones(len(wrong))])
    counts = np.concatenate([trust, np.full(len(wrong), trust.sum() / max(1, len(wrong)))])
    ridge = np.full(rows.shape[1], _PENALTY)
    ridge[-1] = 1e-6  # the bias is free
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        expected = sigmoid(rows @ weights)
        gradient = rows.T @ (counts * (expected - labels)) + ridge * weights
        bend = (rows * (counts * expected * (1.0 - expected))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(bend, gradient)
        weights = weights - np.clip(step, -5.0, 5.0)
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _share(odds: Floats, share: float) -> float:
    """The share of wrong pairs under which their mean probability is that share."""
    for _ in range(_MOST_STEPS):
        mean = float(sigmoid(odds + _logit(share)).mean())
        renewed = min(max(mean, LEAST_SHARE), _MOST_SHARE)
        if abs(renewed - share) < 1e-6:
            break
        share = renewed
    return share


def _logit(share: float) -> float:
    return float(np.log(share / (1.0 - share)))
