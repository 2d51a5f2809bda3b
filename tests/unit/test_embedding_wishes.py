"""How further wishes move the vector of a query."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shopsearch.domain import PreparedItem
from shopsearch.embedding import Embedder, FurtherWish, moved
from shopsearch.encoders.hashing import HashingEncoder
from shopsearch.fusion.average import AverageFusion

D = 6


class Forgetful:
    """A cache that keeps nothing."""

    def get(self, encoder_id, content_hashes):
        return {}

    def put(self, encoder_id, embeddings):
        pass


class Shot:
    """A picture of one colour."""

    def __init__(self, colour: str) -> None:
        self.content_hash = colour
        self._picture = Image.new("RGB", (16, 16), colour)

    def load(self) -> Image.Image:
        return self._picture


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


weights = st.floats(0.01, 1.0).flatmap(lambda w: st.sampled_from([w, -w]))
wishes = st.lists(st.tuples(st.integers(0, 10_000), weights), min_size=1, max_size=10)


def rows_of(drawn: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    rows = [np.random.default_rng(seed).normal(size=D) for seed, _ in drawn]
    return unit(np.array(rows)), np.array([weight for _, weight in drawn])


MAIN = unit(np.arange(1.0, D + 1.0))


@given(wishes, st.randoms(use_true_random=False))
def test_the_order_of_wishes_does_not_matter(drawn, chance) -> None:
    shuffled = chance.sample(drawn, len(drawn))
    vectors = [moved(MAIN, *rows_of(one)) for one in (drawn, shuffled)]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-4)


@given(wishes)
def test_a_moved_vector_is_a_unit_vector_of_numbers(drawn) -> None:
    vector = moved(MAIN, *rows_of(drawn))
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


@given(wishes, st.sampled_from([1.0, -1.0]))
def test_a_wish_of_hardly_any_weight_changes_hardly_anything(drawn, sign) -> None:
    rows, numbers = rows_of([*drawn, (77, sign)])
    without = moved(MAIN, rows[:-1], numbers[:-1])
    numbers[-1] *= 1e-7
    np.testing.assert_allclose(moved(MAIN, rows, numbers), without, atol=2e-3)


def test_a_wish_that_is_all_there_is_not_left_without_a_direction() -> None:
    opposite = np.array([-MAIN, MAIN])
    np.testing.assert_allclose(moved(MAIN, opposite[:1], np.array([1.0])), MAIN)
    np.testing.assert_allclose(moved(MAIN, opposite[1:], np.array([-1.0])), MAIN)
    np.testing.assert_allclose(moved(None, opposite, np.array([1.0, 1.0])), -MAIN)
    with pytest.raises(ValueError, match="needs words"):
        moved(None, opposite, np.array([-0.5, -0.5]))


def test_the_vector_is_the_one_of_the_formula() -> None:
    p, n, o = np.eye(D, dtype=np.float32)[:3]
    vector = moved(MAIN, np.array([p, n, o]), np.array([0.5, -0.8, -0.2]))
    expected = unit(MAIN + 0.5 * p) - 0.8 * (0.8 * n + 0.2 * o)
    np.testing.assert_allclose(vector, unit(expected), atol=1e-6)


@pytest.mark.parametrize("name", ["hashing", "colours"])
def test_words_pictures_and_products_are_wished_for_alike(name, colour_encoder) -> None:
    encoder = colour_encoder if name == "colours" else HashingEncoder()
    embedder = Embedder(encoder, AverageFusion(), Forgetful())
    red = PreparedItem(picture=Shot("red"))
    plain = embedder.embed_query(red, text_weight=0.5)
    blue = embedder.embed_query(PreparedItem(picture=Shot("blue")), text_weight=0.5)
    as_picture = FurtherWish(PreparedItem(picture=Shot("blue")), 0.5)
    as_product = FurtherWish(blue, 0.5)
    both = [
        embedder.embed_query(red, text_weight=0.5, further=[one])
        for one in (as_picture, as_product)
    ]
    np.testing.assert_allclose(both[0], both[1], atol=1e-6)
    assert both[0] @ blue > plain @ blue
    away = embedder.embed_query(red, text_weight=0.5, further=[FurtherWish(blue, -0.5)])
    assert away @ blue < plain @ blue
    alone = embedder.embed_query(PreparedItem(), text_weight=0.5, further=[as_picture])
    np.testing.assert_allclose(alone, blue, atol=1e-6)
    again = embedder.embed_query(red, text_weight=0.5, further=[])
    np.testing.assert_array_equal(again, plain)


def test_several_negatives_push_from_their_mean_as_they_always_did() -> None:
    embedder = Embedder(HashingEncoder(), AverageFusion(), Forgetful())
    mug, *away = (
        embedder.embed_query(PreparedItem(text), text_weight=0.5)
        for text in ("mug", "blue", "broken")
    )
    vector = embedder.embed_query(
        PreparedItem("mug"), text_weight=0.5, further=[FurtherWish(one, -0.5) for one in away]
    )
    np.testing.assert_allclose(vector, unit(mug - 0.5 * np.mean(away, axis=0)), atol=1e-6)
