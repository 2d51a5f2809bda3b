"""Whether a request makes sense, and which products it names."""

from __future__ import annotations

import math

from shopsearch.domain import (
    MAX_DEEDS,
    MAX_EXAMPLES,
    MAX_RECOMMENDED,
    MAX_SEEDS,
    BoughtTogether,
    ByExamples,
    ByHistory,
    Complementary,
    Recommend,
    SimilarTo,
    Trending,
    Wanting,
)
from shopsearch.errors import QueryError

MAX_DAYS = 365.0
MIN_DAYS = 1 / 24
MAX_HALF_LIFE_DAYS = 3650.0
MAX_INTERESTS = 10
MAX_DAYS_AGO = 36_500.0


def named(wanting: Wanting) -> tuple[str, ...]:
    """The products that a request names, in its order."""
    match wanting:
        case SimilarTo():
            return (wanting.product_id,)
        case ByExamples():
            return (*wanting.liked, *wanting.disliked)
        case ByHistory():
            return tuple(one.product_id for one in wanting.deeds)
        case BoughtTogether() | Complementary():
            return wanting.product_ids
        case Trending():
            return ()


def check(asked: Recommend) -> None:
    """Raises `QueryError`, which names what is wrong, the value and what would do."""
    _within("k", asked.k, 1, MAX_RECOMMENDED)
    _within("the diversity", asked.diversity, 0.0, 1.0)
    match asked.wanting:
        case SimilarTo(text_weight=weight):
            if weight is not None:
                _within("the text weight", weight, 0.0, 1.0)
        case ByExamples() as examples:
            _check_examples(examples)
        case ByHistory() as history:
            _check_history(history)
        case BoughtTogether(product_ids=ids) | Complementary(product_ids=ids):
            _within("the number of products", len(ids), 1, MAX_SEEDS)
        case Trending(days=days):
            _within("the number of days", days, MIN_DAYS, MAX_DAYS)


def _check_examples(examples: ByExamples) -> None:
    if not (examples.liked or examples.disliked):
        raise QueryError("there is no example: name products that are liked, or disliked ones")
    _within("the number of liked products", len(examples.liked), 0, MAX_EXAMPLES)
    _within("the number of disliked products", len(examples.disliked), 0, MAX_EXAMPLES)
    if both := sorted(set(examples.liked) & set(examples.disliked)):
        raise QueryError(f"the product {both[0]!r} is liked and disliked; name it once")


def _check_history(history: ByHistory) -> None:
    if not (history.deeds or history.visitor):
        raise QueryError("there is no history: tell what a visitor did, or which visitor it is")
    _within("the number of events", len(history.deeds), 0, MAX_DEEDS)
    _within("the half-life in days", history.half_life_days, MIN_DAYS, MAX_HALF_LIFE_DAYS)
    _within("the number of interests", history.max_interests, 1, MAX_INTERESTS)
    for one in history.deeds:
        _within("the age of an event in days", one.days_ago, 0.0, MAX_DAYS_AGO)


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or math.isnan(value):
        raise QueryError(f"{what} is {value:g}, but must be from {low:g} to {high:g}")
