"""The arithmetic of explanations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Modality, ModalityEmbeddings, ModalityPart, ScoreParts
from shopsearch.fusion.average import AverageFusion
from shopsearch.ranking.explain import (
    SubsetCosines,
    modality_parts,
    score_parts,
    similarities,
)
from shopsearch.ranking.features import FEATURES

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT
D = 6
HAS = [(True, True), (True, False), (False, True), (False, False)]


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def curved(embeddings: ModalityEmbeddings) -> np.ndarray:
    """A fusion that no sum of its modalities explains."""
    mixed = np.tanh(3.0 * embeddings.image * embeddings.text) + embeddings.image**2
    return unit(mixed + 0.3 * np.sin(5.0 * embeddings.text) + embeddings.has_text[:, None])


def average(embeddings: ModalityEmbeddings) -> np.ndarray:
    weight = np.full(len(embeddings.has_text), 0.5, dtype=np.float32)
    return AverageFusion().fuse(embeddings, weight)


def four(seed: int) -> tuple[np.ndarray, ModalityEmbeddings]:
    """A query and four products: with both modalities, one, the other, and none that is known."""
    chance = np.random.default_rng(seed)
    image, text = unit(chance.normal(size=(4, D))), unit(chance.normal(size=(4, D)))
    has_image, has_text = np.array(HAS).T
    there = ModalityEmbeddings(
        image * has_image[:, None], text * has_text[:, None], has_image, has_text
    )
    return unit(chance.normal(size=D)), there


@given(seed=st.integers(0, 10_000), fuse=st.sampled_from([average, curved]))
def test_the_shares_of_the_modalities_sum_to_the_cosine_of_any_fusion(seed: int, fuse) -> None:
    vector, there = four(seed)
    subsets = SubsetCosines.of(vector, there, fuse)
    known = ModalityEmbeddings(*(each[:3] for each in fields_of(there)))
    cosines = fuse(known) @ vector  # (3,)
    both = modality_parts(
        {IMAGE: float(subsets.image[0]), TEXT: float(subsets.text[0])}, float(subsets.both[0])
    )
    assert sum(part.share or 0.0 for part in both.values()) == pytest.approx(cosines[0], abs=1e-5)
    assert subsets.image[1] == pytest.approx(cosines[1], abs=1e-6)
    assert subsets.text[2] == pytest.approx(cosines[2], abs=1e-6)


def fields_of(there: ModalityEmbeddings) -> tuple[np.ndarray, ...]:
    return (there.image, there.text, there.has_image, there.has_text)


def test_what_a_product_lacks_has_no_cosine() -> None:
    vector, there = four(0)
    subsets = SubsetCosines.of(vector, there, average)
    is_known = [np.isfinite(one).tolist() for one in (subsets.image, subsets.text, subsets.both)]
    assert is_known == [
        [True, True, False, False],
        [True, False, True, False],
        [True, False, False, False],
    ]


def test_the_shares_are_the_shapley_value_of_two_players() -> None:
    parts = modality_parts({IMAGE: 0.6, TEXT: 0.2}, both=0.5)
    image_first, text_first = (0.6, 0.5 - 0.6), (0.5 - 0.2, 0.2)  # (image, text) by who joins first
    assert parts[IMAGE].share == pytest.approx((image_first[0] + text_first[0]) / 2)
    assert parts[TEXT].share == pytest.approx((image_first[1] + text_first[1]) / 2)
    alike = modality_parts({IMAGE: 0.3, TEXT: 0.3}, both=0.5)
    assert (alike[IMAGE].share, alike[TEXT].share) == pytest.approx((0.25, 0.25))


def test_one_modality_has_the_whole_cosine() -> None:
    assert modality_parts({TEXT: 0.4}, both=float("nan")) == {TEXT: ModalityPart(0.4, 0.4)}


def test_shares_are_unknown_where_one_of_two_modalities_is() -> None:
    parts = modality_parts({IMAGE: 0.4, TEXT: float("nan")}, both=float("nan"))
    assert parts == {IMAGE: ModalityPart(None, 0.4), TEXT: ModalityPart(None, None)}
    assert (parts[IMAGE].is_known, parts[TEXT].is_known) == (True, False)


def test_every_pair_that_exists_is_compared_without_fusion() -> None:
    rows = unit(np.random.default_rng(1).normal(size=(3, D)))
    pairs = similarities({TEXT: rows[0]}, {IMAGE: rows[1], TEXT: rows[2]})
    assert {(one.asked, one.found): one.cosine for one in pairs} == {
        (TEXT, IMAGE): pytest.approx(rows[0] @ rows[1]),
        (TEXT, TEXT): pytest.approx(rows[0] @ rows[2]),
    }
    assert similarities({}, {IMAGE: rows[1]}) == ()


def test_a_score_names_its_parts() -> None:
    parts = np.zeros(1 + len(FEATURES))
    features = np.zeros(len(FEATURES), dtype=np.float32)
    title, unwanted = FEATURES.index("title"), FEATURES.index("unwanted")
    parts[[0, 1 + title, 1 + unwanted]] = 0.2, 0.3, -0.1
    features[[title, unwanted]] = 0.5, 1.0
    score = score_parts(parts, features, {"title": 0.6, "unwanted": -0.1, "short": 0.0}, 0.25)
    assert [(one.name, one.value, one.weight, one.part) for one in score.features] == [
        ("title", 0.5, 0.6, 0.3),
        ("unwanted", 1.0, -0.1, -0.1),
    ]
    assert score.total == pytest.approx(0.2 + 0.3 - 0.1 + 0.25)
    assert ScoreParts(cosine=0.7).total == 0.7
