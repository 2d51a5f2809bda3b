"""Learning the weights of the ranking."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopsearch.errors import TrainingError
from shopsearch.ranking.features import FEATURES, OFFER_FEATURES, SIMILARITIES
from shopsearch.ranking.ranker import Ranker
from shopsearch.training.ranking import (
    NEGATIVE,
    JudgedWindow,
    Recipe,
    held_out_scores,
    train_ranking,
    write_ranker,
)

TITLE = FEATURES.index("title")
QUICK = Recipe(folds=2, repeats=1)


def judged(n_queries: int, *, telling: int = TITLE) -> list[JudgedWindow]:
    """Queries in which one feature tells what is relevant, and the cosine hardly does."""
    chance = np.random.default_rng(0)
    windows = []
    for n in range(n_queries):
        gains = (chance.random(30) < 0.2).astype(np.float64)
        gains[0] = 1.0
        features = chance.random((30, len(FEATURES)), dtype=np.float32)
        features[:, telling] = 0.4 * gains + 0.6 * features[:, telling]
        cosines = (0.3 + 0.1 * chance.random(30) + 0.01 * gains).astype(np.float32)
        ids = tuple(f"p{place}" for place in range(30))
        windows.append(
            JudgedWindow(f"q{n}", ids, cosines, features, dict(zip(ids, gains, strict=True)))
        )
    return windows


def ignore(_done: int, _total: int) -> None:
    """Hear nothing."""


def test_the_feature_that_tells_gets_the_most_weight_and_helps_unseen_queries() -> None:
    learned = train_ranking(judged(24), QUICK, ignore)
    weights = learned.ranker.weights
    assert max(weights, key=lambda name: weights[name]) == "title"
    assert learned.ndcg > learned.ndcg_by_cosine + 0.1
    assert learned.gain.low > 0.0
    assert learned.interval.low < learned.ndcg < learned.interval.high


def test_no_weight_crosses_its_sign() -> None:
    unwanted = FEATURES.index("unwanted")
    weights = train_ranking(judged(20, telling=unwanted), QUICK, ignore).ranker.weights
    assert weights["unwanted"] == 0.0
    assert all(weight >= 0.0 for name, weight in weights.items() if name not in NEGATIVE)


@pytest.mark.parametrize("constant", [0.0, 0.5, 1.0])
def test_what_a_catalog_has_the_same_everywhere_gets_no_weight(constant: float) -> None:
    windows = judged(20)
    places = [FEATURES.index(name) for name in (*OFFER_FEATURES, *SIMILARITIES)]
    for window in windows:
        window.features[:, places] = constant
    weights = train_ranking(windows, QUICK, ignore).ranker.weights
    assert {weights[name] for name in (*OFFER_FEATURES, *SIMILARITIES)} == {0.0}
    assert weights["title"] > 0.0


@pytest.mark.parametrize("name", [*OFFER_FEATURES, *SIMILARITIES])
def test_what_tells_earns_a_weight_from_nothing(name: str) -> None:
    windows = judged(20, telling=FEATURES.index(name))
    weights = train_ranking(windows, QUICK, ignore).ranker.weights
    assert max(weights, key=lambda one: weights[one]) == name


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = (train_ranking(judged(20), QUICK, ignore) for _ in range(2))
    assert first == second


def test_each_cross_validation_scores_every_window_once() -> None:
    windows, recipe = judged(20), Recipe(folds=4, repeats=2)
    runs = list(held_out_scores(windows, recipe))
    for first in (0, 4):
        places = [n for run in runs[first : first + 4] for n in run]
        assert sorted(places) == list(range(20))
    assert len(runs) == 8


def test_held_out_scores_do_not_depend_on_the_judgments_of_their_own_window() -> None:
    windows = judged(20)
    (first, *_) = held_out_scores(windows, QUICK)
    changed = list(windows)
    for n in first:
        gains = {product: 1.0 - gain for product, gain in windows[n].gains.items()}
        changed[n] = replace(windows[n], gains=gains)
    (again, *_) = held_out_scores(changed, QUICK)
    assert all(np.array_equal(first[n], again[n]) for n in first)


def test_too_few_queries_are_refused_in_clear_words() -> None:
    same = [JudgedWindow(w.query_id, w.product_ids, w.cosines, w.features, {}) for w in judged(30)]
    with pytest.raises(TrainingError, match="of 49 judged queries with words, 19 have candidates"):
        train_ranking([*judged(19), *same], QUICK, ignore)


def test_features_that_are_no_numbers_are_refused() -> None:
    windows = judged(20)
    windows[3].features[2, 1] = np.nan
    with pytest.raises(TrainingError, match="not finite"):
        train_ranking(windows, QUICK, ignore)


def test_weights_are_written_whole_with_where_they_come_from(tmp_path: Path) -> None:
    learned = train_ranking(judged(20), QUICK, ignore)
    path = tmp_path / "new" / "ranking.json"
    write_ranker(path, learned, {"trained_on": "a test"})
    assert Ranker.load(path) == Ranker(learned.ranker.weights, {"trained_on": "a test"})
    assert json.loads(path.read_text(encoding="utf-8"))["format"] == 1
    assert [one.name for one in path.parent.iterdir()] == ["ranking.json"]
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(TrainingError, match="--out"):
        write_ranker(blocked / "ranking.json", learned, {})
