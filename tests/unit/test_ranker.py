"""The score of the second stage, and the file that its weights are in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.errors import SettingsError
from shopsearch.ranking.features import FEATURES, WORD_FEATURES
from shopsearch.ranking.ranker import SHIPPED, Ranker, spread

N_FEATURES = len(FEATURES)
cosines_of = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=20)


@given(
    cosines=cosines_of,
    seed=st.integers(0, 1000),
    text_weight=st.floats(0, 1),
    scale=st.floats(0, 50),
)
def test_a_score_never_leaves_the_range_of_a_cosine(
    cosines: list[float], seed: int, text_weight: float, scale: float
) -> None:
    chance = np.random.default_rng(seed)
    ranker = Ranker(dict(zip(FEATURES, scale * chance.normal(size=N_FEATURES), strict=True)))
    features = chance.random((len(cosines), N_FEATURES), dtype=np.float32)
    scores = ranker.scores(np.array(cosines, dtype=np.float32), features, text_weight)
    assert np.abs(scores).max() <= 1.00001


@given(
    cosines=cosines_of,
    seed=st.integers(0, 1000),
    text_weight=st.floats(0, 1),
    scale=st.floats(0, 50),
    n_weighed=st.integers(0, N_FEATURES),
)
def test_the_parts_of_a_score_sum_to_it(
    cosines: list[float], seed: int, text_weight: float, scale: float, n_weighed: int
) -> None:
    chance = np.random.default_rng(seed)
    weighed = chance.permutation(FEATURES)[:n_weighed].tolist()
    ranker = Ranker(dict(zip(weighed, scale * chance.normal(size=n_weighed), strict=True)))
    features = chance.random((len(cosines), N_FEATURES), dtype=np.float32)
    given_cosines = np.array(cosines, dtype=np.float32)
    scores = ranker.scores(given_cosines, features, text_weight)
    parts = ranker.parts(given_cosines, features, text_weight)
    assert np.abs(parts.sum(axis=1) - scores).max() < 1e-5
    without = [place for place, name in enumerate(FEATURES, start=1) if name not in weighed]
    assert not parts[:, without].any()


def test_a_feature_without_a_weight_changes_no_bit_of_a_score() -> None:
    chance = np.random.default_rng(0)
    cosines = chance.random(150, dtype=np.float32)
    features = chance.random((150, N_FEATURES), dtype=np.float32)
    shipped = Ranker.load()
    weights = np.array([shipped.weights[name] for name in WORD_FEATURES], dtype=np.float32)
    words_alone = features[:, : len(WORD_FEATURES)].copy()  # (150, 12)
    unit = spread(cosines)
    expected = (cosines + unit * (words_alone @ weights)) / (1.0 + unit * np.abs(weights).sum())
    scores = shipped.scores(cosines, features, 1.0)
    assert scores.tobytes() == expected.astype(np.float32).tobytes()


def test_words_that_weigh_nothing_leave_the_cosines_as_they_are() -> None:
    cosines = np.array([0.4, 0.2, -0.1], dtype=np.float32)
    features = np.random.default_rng(0).random((3, N_FEATURES), dtype=np.float32)
    assert Ranker.load().scores(cosines, features, 0.0).tolist() == cosines.tolist()


def test_products_without_the_words_keep_the_order_of_their_cosines() -> None:
    cosines = np.array([0.4, 0.2, -0.1], dtype=np.float32)
    scores = Ranker.load().scores(cosines, np.zeros((3, N_FEATURES), dtype=np.float32), 1.0)
    assert np.argsort(-scores).tolist() == [0, 1, 2]


def test_features_weigh_alike_however_close_the_cosines_lie() -> None:
    features = np.zeros((4, N_FEATURES), dtype=np.float32)
    features[1:3] = np.random.default_rng(0).random((2, N_FEATURES), dtype=np.float32)
    wide = np.array([0.9, 0.5, 0.3, 0.1], dtype=np.float32)
    orders = [
        np.argsort(-Ranker.load().scores(cosines, features, 1.0)).tolist()
        for cosines in (wide, wide / 4)
    ]
    assert orders[0] == orders[1]


def test_the_shipped_weights_say_where_they_come_from() -> None:
    ranker = Ranker.load()
    assert set(ranker.weights) == set(WORD_FEATURES)
    assert ranker.weights["unwanted"] <= 0.0
    assert "trained_on" in ranker.story
    assert ranker.as_json() == json.loads(SHIPPED.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "cannot be read"),
        ("[]", "no ranking weights of format 1"),
        ('{"format": 2, "weights": {}}', "no ranking weights of format 1"),
        ('{"format": 1}', "no weights"),
        ('{"format": 1, "weights": {"charm": 1}}', "'charm', which is no feature"),
        ('{"format": 1, "weights": {"title": "much"}}', "'title' is 'much'"),
        ('{"format": 1, "weights": {"title": NaN}}', "'title' is nan"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "weights.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=message):
        Ranker.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SHOPSEARCH_RANKER"):
        Ranker.load(tmp_path / "none.json")
