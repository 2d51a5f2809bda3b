"""Candidates near vectors: similar products, examples, and what fits a visitor's interests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Alike, ModalityEmbeddings, OfInterest, ProductFilter, Reason
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.index import VectorIndex
from shopsearch.ranking.examples import average_vector, best_scores
from shopsearch.ranking.interests import Interest
from shopsearch.recommend.source import (
    MAX_WIDTH,
    Line,
    Seed,
    Taken,
    best_first,
    keys_of,
    nearest,
    vectors_of,
)
from shopsearch.store import ProductStore

Vector = NDArray[np.float32]
N_TOLD = 3  # products of an interest that a reason names


class Similar:
    """What is like one product, by the vector that fuses its picture and its words."""

    def __init__(self, index: VectorIndex, seed: Seed) -> None:
        self._index = index
        self._seed = seed

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        near = nearest(self._index, self._seed.vector, width, within)
        return [Line(near.cosines, is_whole=near.is_whole)]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        cosines = self._index.fetch(keys_of(taken)) @ self._seed.vector
        return [
            (Alike(kind="similar", product_id=self._seed.product_id, cosine=float(cosine)),)
            for cosine in cosines
        ]


class LooksLike:
    """What is like one product, picture and words weighed as asked.

    Candidates are the nearest by the fused vector, by the picture alone and by the words alone, so
    that what is near in any of them is among those that are scored by the kept embeddings. What a
    candidate lacks counts 0; what the product asked about lacks does not count.
    """

    def __init__(
        self,
        index: VectorIndex,
        seed: Seed,
        text_weight: float,
        embedder: Embedder,
        store: ProductStore,
    ) -> None:
        self._index = index
        self._seed = seed
        self._embedder = embedder
        self._store = store
        self._own = embedder.kept([ContentHashes.of(seed.stored.record)])
        has_text, has_image = bool(self._own.has_text[0]), bool(self._own.has_image[0])
        self._text_weight = float(has_text) if not (has_text and has_image) else text_weight
        self._is_known = has_text or has_image
        self._weighed: dict[int, tuple[float | None, float | None]] = {}  # of text, of image

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        found = [nearest(self._index, vector, width, within) for vector in self._vectors()]
        if not self._is_known:
            return [Line(found[0].cosines, is_whole=found[0].is_whole)]
        keys = sorted({key for near in found for key in near.cosines})
        self._weigh([key for key in keys if key not in self._weighed])
        scores = {key: self._score(*self._weighed[key]) for key in keys if key in self._weighed}
        return [Line(best_first(scores), is_whole=all(near.is_whole for near in found))]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        cosines = self._index.fetch(keys_of(taken)) @ self._seed.vector
        return [
            (
                Alike(
                    kind="similar",
                    product_id=self._seed.product_id,
                    cosine=float(cosine),
                    text_cosine=self._weighed.get(one.key, (None, None))[0],
                    image_cosine=self._weighed.get(one.key, (None, None))[1],
                ),
            )
            for one, cosine in zip(taken, cosines, strict=True)
        ]

    def _vectors(self) -> list[Vector]:
        """The fused vector, and those of one modality alone."""
        own = self._own
        if not (own.has_text[0] and own.has_image[0]):
            return [self._seed.vector]
        nothing = np.zeros_like(own.text)
        no = np.array([False])
        alone = [
            ModalityEmbeddings(own.image, nothing, own.has_image, no),
            ModalityEmbeddings(nothing, own.text, no, own.has_text),
        ]
        return [self._seed.vector, *(self._embedder.fuse(one)[0] for one in alone)]

    def _weigh(self, keys: Sequence[int]) -> None:
        stored = self._store.fetch(keys)
        there = [key for key in keys if key in stored]
        kept = self._embedder.kept([ContentHashes.of(stored[key].record) for key in there])
        if not kept.text.shape[1]:
            return
        text = kept.text @ self._own.text[0]
        image = kept.image @ self._own.image[0]
        has_text = kept.has_text & self._own.has_text
        has_image = kept.has_image & self._own.has_image
        for n, key in enumerate(there):
            self._weighed[key] = (
                float(text[n]) if has_text[n] else None,
                float(image[n]) if has_image[n] else None,
            )

    def _score(self, text: float | None, image: float | None) -> float:
        return self._text_weight * (text or 0.0) + (1.0 - self._text_weight) * (image or 0.0)


class Examples:
    """What is like the liked and unlike the disliked, all of them taken as one vector."""

    def __init__(self, index: VectorIndex, liked: Sequence[Seed], disliked: Sequence[Seed]) -> None:
        self._index = index
        self._liked, self._disliked = liked, disliked
        self._vector = average_vector(
            vectors_of(liked, index.dimension), vectors_of(disliked, index.dimension)
        )

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        near = nearest(self._index, self._vector, width, within)
        return [Line(near.cosines, is_whole=near.is_whole)]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        return examples_told(self._index, taken, self._liked, self._disliked)


class BestScore:
    """What is like the best liked example of each candidate, and not more like a disliked one.

    Exact up to a width of `MAX_WIDTH`: what no liked example has among its nearest scores no more
    than the worst of those, so that only candidates above that are given, and the width grows.
    """

    def __init__(self, index: VectorIndex, liked: Sequence[Seed], disliked: Sequence[Seed]) -> None:
        self._index = index
        self._liked, self._disliked = liked, disliked
        self._likes = vectors_of(liked, index.dimension)
        self._dislikes = vectors_of(disliked, index.dimension)

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        asked = self._likes if self._liked else -self._dislikes
        found = [nearest(self._index, vector, width, within) for vector in asked]
        keys = sorted({key for near in found for key in near.cosines})
        rows = self._index.fetch(np.array(keys, dtype=np.int64))
        scores = best_scores(rows, self._likes, self._dislikes)
        is_whole = all(near.is_whole for near in found)
        sure = max(0.0, *(near.bound for near in found)) if self._liked else -1.0
        if is_whole or width >= MAX_WIDTH:
            sure = -np.inf
        by_key = zip(keys, scores.tolist(), strict=True)
        return [Line(best_first({k: s for k, s in by_key if s >= sure}), is_whole=is_whole)]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        return examples_told(self._index, taken, self._liked, self._disliked)


def examples_told(
    index: VectorIndex, taken: Sequence[Taken], liked: Sequence[Seed], disliked: Sequence[Seed]
) -> Sequence[tuple[Reason, ...]]:
    """For each hit the liked example that it is most like; without one, the disliked."""
    seeds, kind = (liked, "like") if liked else (disliked, "dislike")
    rows = index.fetch(keys_of(taken))  # (N, D)
    cosines = rows @ vectors_of(seeds, index.dimension).T  # (N, S)
    best = cosines.argmax(axis=1)
    return [
        (Alike(kind=kind, product_id=seeds[at].product_id, cosine=float(cosines[n, at])),)
        for n, at in enumerate(best.tolist())
    ]


class Interests:
    """What is like each of a visitor's interests; they take turns by weight."""

    def __init__(
        self, index: VectorIndex, interests: Sequence[Interest], product_ids: Sequence[str]
    ) -> None:
        self._index = index
        self._interests = interests
        self._product_ids = product_ids  # of the products that interests name by place
        self._total = sum(one.weight for one in interests)

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        found = [nearest(self._index, one.vector, width, within) for one in self._interests]
        return [
            Line(near.cosines, one.weight, near.is_whole)
            for near, one in zip(found, self._interests, strict=True)
        ]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        rows = self._index.fetch(keys_of(taken))
        return [
            (self._reason(self._interests[one.line], row),)
            for row, one in zip(rows, taken, strict=True)
        ]

    def _reason(self, interest: Interest, row: Vector) -> OfInterest:
        return OfInterest(
            product_ids=tuple(self._product_ids[n] for n in interest.members[:N_TOLD]),
            share=interest.weight / self._total,
            cosine=float(row @ interest.vector),
        )
