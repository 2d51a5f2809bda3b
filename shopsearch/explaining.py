"""Explanation: a page of hits in, why each of them is there out.

What the products' pictures and words look like to the encoder comes from the embedding cache, by
the same hashes as when they were indexed: nothing of a product is encoded or fetched for this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    EVERYTHING,
    Modality,
    ModalityEmbeddings,
    Product,
    ProductFilter,
    ScoreParts,
    StoredProduct,
    Why,
)
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.explain import SubsetCosines, modality_parts, similarities
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.word_features import WordTable
from shopsearch.second_stage import Wish

Row = NDArray[np.float32]  # (D,)


class Explainer:
    """Says of hits why they are hits."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def explain(
        self,
        page: Sequence[Candidate],
        products: Mapping[int, StoredProduct],
        wish: Wish,
        cosines: Mapping[int, float],
        parts: Mapping[int, ScoreParts],
        *,
        where: ProductFilter = EVERYTHING,
    ) -> list[Why]:
        """One for each candidate. `products` and `cosines` are by key, and so are the `parts` of
        scores; a score without parts is the cosine's alone. All pass the filter `where`.
        """
        stored = [products[one.key] for one in page]
        contents = [ContentHashes.of(one.record) for one in stored]
        kept = self._embedder.kept(contents)
        subsets = SubsetCosines.of(wish.vector, kept, self._embedder.fuse)
        asked = self._asked(wish)
        sketches = sketches_of([one.product for one in stored], wish.words.language)
        matched = WordTable(wish.words, sketches).matched()
        return [
            Why(
                cosine=cosines[one.key],
                modalities=modality_parts(
                    _alone(contents[n], subsets, n), both=float(subsets.both[n])
                ),
                similarities=similarities(asked, _rows(kept, n)),
                score=parts.get(one.key, ScoreParts(cosine=one.score)),
                matched=matched[n],
                passed=_passed(where, stored[n].product),
            )
            for n, one in enumerate(page)
        ]

    def _asked(self, wish: Wish) -> dict[Modality, Row]:
        """The embeddings of the query. What it does not give itself, its product stands in for."""
        given = _rows(self._embedder.encode_query(wish.item), 0)
        return {**self._of_product(wish.like), **given}

    def _of_product(self, stored: StoredProduct | None) -> dict[Modality, Row]:
        if stored is None:
            return {}
        return _rows(self._embedder.kept([ContentHashes.of(stored.record)]), 0)


def _passed(where: ProductFilter, product: Product) -> dict[str, tuple[str, ...] | float]:
    """What a product has in the fields that are filtered by."""
    row = product.filter_row()
    fields = dict.fromkeys(one.field for one in where.conditions)
    return {name: row[name] for name in fields if name in row}


def _alone(contents: ContentHashes, subsets: SubsetCosines, n: int) -> dict[Modality, float]:
    """The cosine of each modality that product n has, NaN where its embedding is not kept."""
    alone = {
        Modality.IMAGE: (contents.image, float(subsets.image[n])),
        Modality.TEXT: (contents.text, float(subsets.text[n])),
    }
    return {one: value for one, (content, value) in alone.items() if content is not None}


def _rows(embeddings: ModalityEmbeddings, n: int) -> dict[Modality, Row]:
    """The embeddings of item n that are there."""
    rows = {
        Modality.IMAGE: (embeddings.has_image[n], embeddings.image[n]),
        Modality.TEXT: (embeddings.has_text[n], embeddings.text[n]),
    }
    return {one: row for one, (is_there, row) in rows.items() if is_there}
