"""How the middle road makes one vector of words and what they are about."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from shopsearch.domain import PreparedItem
from shopsearch.embedding import Embedder
from shopsearch.encoders.hashing import HashingEncoder
from shopsearch.fusion.average import AverageFusion


class Shot:
    """A picture of one colour."""

    def __init__(self, colour: str) -> None:
        self.content_hash = colour
        self._picture = Image.new("RGB", (16, 16), colour)

    def load(self) -> Image.Image:
        return self._picture


class Forgetful:
    """A cache that keeps nothing."""

    def get(self, encoder_id, content_hashes):
        return {}

    def put(self, encoder_id, embeddings):
        pass


class Turned:
    """A combiner that answers with the reference turned round, and notes what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[np.ndarray, np.ndarray, float]] = []

    def combine(self, reference, words, text_weight):
        self.given.append((reference[0], words[0], float(text_weight[0])))
        return -reference


@pytest.fixture
def combiner() -> Turned:
    return Turned()


def embedder(combiner=None) -> Embedder:
    return Embedder(HashingEncoder(), AverageFusion(), Forgetful(), combiner)


WORDS = PreparedItem("red mug")
PICTURE = PreparedItem(picture=Shot("red"))
BOTH = PreparedItem("red mug", Shot("red"))
LIKE = np.eye(1, 128, dtype=np.float32)[0]


def test_words_about_a_picture_are_combined_with_it(combiner):
    plain = embedder()
    vector = embedder(combiner).embed_query(BOTH, text_weight=0.3)
    ((reference, words, weight),) = combiner.given
    np.testing.assert_allclose(reference, plain.embed_query(PICTURE, text_weight=0.3))
    np.testing.assert_allclose(words, plain.embed_query(WORDS, text_weight=0.3))
    assert weight == pytest.approx(0.3)
    np.testing.assert_allclose(vector, -reference)


def test_words_about_a_product_are_combined_with_its_vector(combiner):
    embedder(combiner).embed_query(WORDS, text_weight=0.5, like=LIKE)
    np.testing.assert_allclose(combiner.given[0][0], LIKE)


@pytest.mark.parametrize(("item", "like"), [(WORDS, None), (PICTURE, None), (PICTURE, LIKE)])
def test_one_side_alone_needs_no_combiner(combiner, item, like):
    vector = embedder(combiner).embed_query(item, text_weight=0.5, like=like)
    assert not combiner.given
    np.testing.assert_allclose(vector, embedder().embed_query(item, text_weight=0.5, like=like))


def test_without_a_combiner_words_and_picture_are_fused_as_a_product_s_are():
    fused, _ = embedder().embed([BOTH])
    np.testing.assert_allclose(embedder().embed_query(BOTH, text_weight=0.5), fused[0], atol=1e-6)


def test_a_query_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a query needs"):
        embedder().embed_query(PreparedItem(), text_weight=0.5)
