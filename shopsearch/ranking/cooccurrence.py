"""What counts tell: how much more often something happened than it would have by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LIFT_SHRINKAGE = 5.0  # events; how many it takes to be believed half


def expected_together(n_a: float, n_b: float, n_all: float) -> float:
    """In how many of `n_all` baskets two products would meet if they had nothing to do with each
    other, of which each is in so many.
    """
    return n_a * n_b / n_all if n_all else 0.0


def lift(observed: float, expected: float, shrinkage: float = LIFT_SHRINKAGE) -> float:
    """How many times more often something was observed than expected; 1 is as often.

    (observed + s) / (expected + s): the mean of a Poisson rate over its expectation, once counts
    have been seen, where a gamma distribution with shape and rate s says beforehand that it is 1
    (DuMouchel, Bayesian data mining in large frequency tables, The American Statistician 53, 1999,
    with one component). Without it (`shrinkage` 0) this is the plain lift of association rules
    (Dynamic itemset counting and implication rules for market basket data, SIGMOD 1997), which is
    highest for what was seen once.
    """
    if expected + shrinkage <= 0.0:
        return 1.0
    return (observed + shrinkage) / (expected + shrinkage)


def score_of_lift(value: float) -> float:
    """A lift as a score in [-1, 1], 0 for 1: the score whose odds, as rules that boost have them
    (see `ranking.rules.lifted`), are the lift.
    """
    return (value - 1.0) / (value + 1.0)


def together_lift(lifts: Sequence[float]) -> float:
    """One lift for several products at hand: their geometric mean, so that each has a say.

    The sum of logarithms is what naive Bayes weighs a candidate by; over their number, it does not
    grow with the basket.
    """
    return float(np.exp(np.mean(np.log(np.maximum(lifts, 1e-9))))) if lifts else 1.0


def shares(
    counts: NDArray[np.float64], before: NDArray[np.float64], shrinkage: float
) -> NDArray[np.float64]:
    """(C,) the shares that counts (C,) tell, drawn towards those assumed `before` (C,), which sum
    to 1: the mean of a multinomial with a Dirichlet prior that is worth `shrinkage` counts
    (Gelman and others, Bayesian Data Analysis, section 3.4).
    """
    total = counts.sum() + shrinkage
    if total <= 0.0:
        return before
    told: NDArray[np.float64] = (counts + shrinkage * before) / total
    return told
