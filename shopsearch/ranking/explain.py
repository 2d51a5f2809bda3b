"""Why a hit is one: what each modality gave to its cosine, and each feature to its score.

The arithmetic alone, over plain numbers and rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    FeaturePart,
    Modality,
    ModalityEmbeddings,
    ModalityPart,
    ScoreParts,
    Similarity,
)
from shopsearch.ranking.features import FEATURES

Row = NDArray[np.float32]  # (D,)
Fuse = Callable[[ModalityEmbeddings], NDArray[np.float32]]  # (N, D) of each -> (N, E) unit rows


@dataclass(frozen=True, slots=True)
class SubsetCosines:
    """The cosines of N products with a query, fused from only some of what they have.

    NaN where a product lacks one of these modalities, or it is not known.
    """

    image: NDArray[np.float32]  # (N,) from the image alone
    text: NDArray[np.float32]  # (N,)
    both: NDArray[np.float32]  # (N,)

    @classmethod
    def of(cls, vector: Row, embeddings: ModalityEmbeddings, fuse: Fuse) -> SubsetCosines:
        """By fusing each product anew; `vector` is that of the query, of length E."""
        has_image, has_text = embeddings.has_image, embeddings.has_text  # (N,)
        nothing = np.zeros_like(has_image)
        return cls(
            image=_cosines(vector, _only(embeddings, has_image, nothing), fuse),
            text=_cosines(vector, _only(embeddings, nothing, has_text), fuse),
            both=_cosines(
                vector, _only(embeddings, has_image & has_text, has_image & has_text), fuse
            ),
        )


def modality_parts(alone: Mapping[Modality, float], both: float) -> dict[Modality, ModalityPart]:
    """The share of each modality in the cosine of a product that has these; NaN is not known.

    The Shapley value (A value for n-person games, 1953) of the game v(S) = the cosine of the query
    and the product fused from the modalities in S alone, with v of none = 0. For two players, with
    v1, v2 for one and v12 for both: s1 = (v1 + v12 - v2) / 2, and s1 + s2 = v12. It asks nothing of
    the fusion, which may be as curved as it likes.
    """
    if len(alone) < len(Modality):
        return {one: _part(value, value) for one, value in alone.items()}
    image, text = alone[Modality.IMAGE], alone[Modality.TEXT]
    return {
        Modality.IMAGE: _part((image + both - text) / 2.0, image),
        Modality.TEXT: _part((text + both - image) / 2.0, text),
    }


def similarities(
    asked: Mapping[Modality, Row], found: Mapping[Modality, Row]
) -> tuple[Similarity, ...]:
    """The cosine of each embedding of a query with each of a product."""
    return tuple(
        Similarity(one, other, float(asked[one] @ found[other]))
        for one, other in product(asked, found)
    )


def score_parts(
    parts: NDArray[np.float64],
    features: NDArray[np.float32],
    weights: Mapping[str, float],
    exact: float,
) -> ScoreParts:
    """One row of `Ranker.parts`, named: (1 + F,) parts of a score, from (F,) features."""
    return ScoreParts(
        cosine=float(parts[0]),
        features=tuple(
            FeaturePart(name, float(value), weights[name], float(part))
            for name, value, part in zip(FEATURES, features, parts[1:], strict=True)
            if weights.get(name)
        ),
        exact=float(exact),
    )


def _only(
    embeddings: ModalityEmbeddings, has_image: NDArray[np.bool_], has_text: NDArray[np.bool_]
) -> ModalityEmbeddings:
    """The same products with no more than these modalities."""
    return ModalityEmbeddings(
        image=embeddings.image * has_image[:, None],  # (N, D)
        text=embeddings.text * has_text[:, None],  # (N, D)
        has_image=has_image,
        has_text=has_text,
    )


def _cosines(vector: Row, embeddings: ModalityEmbeddings, fuse: Fuse) -> NDArray[np.float32]:
    """(N,); a product without any modality cannot be fused."""
    cosines = np.full(len(embeddings.has_image), np.nan, dtype=np.float32)  # (N,)
    rows = embeddings.has_image | embeddings.has_text  # (N,)
    if rows.any():
        some = ModalityEmbeddings(
            embeddings.image[rows],
            embeddings.text[rows],
            embeddings.has_image[rows],
            embeddings.has_text[rows],
        )
        cosines[rows] = fuse(some) @ vector
    return cosines


def _part(share: float, alone: float) -> ModalityPart:
    return ModalityPart(share=_known(share), alone=_known(alone))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
