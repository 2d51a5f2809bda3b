"""What a query wishes for beside its main wish: more like this, less like that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    MAX_WISHES,
    NEGATIVE_WEIGHT,
    PreparedItem,
    ProductFilter,
    Query,
    StoredProduct,
    Wanted,
    Withheld,
)
from shopsearch.embedding import FurtherWish
from shopsearch.errors import QueryError, UnknownProduct
from shopsearch.index import VectorIndex
from shopsearch.ranking.words import AskedWords, folded_words
from shopsearch.store import ProductStore

Prepare = Callable[[str, bytes | None], PreparedItem]  # see `QueryPreparer.prepare_query`


class FurtherWishes:
    """Reads the further wishes of queries."""

    def __init__(self, prepare: Prepare, store: ProductStore) -> None:
        self._prepare = prepare
        self._store = store

    def readable(self, query: Query) -> Query:
        """The query without wishes in words of which preprocessing leaves nothing. Raises
        `QueryError`.
        """
        check(query)
        return replace(
            query,
            also=tuple(one for one in query.also if not one.text or self._words(one.text)),
            negatives=tuple(filter(self._words, query.negatives)),
        )

    def but_for_named(self, query: Query) -> Query:
        """The query with a filter that leaves out the products that further wishes name. Raises
        `UnknownProduct`.
        """
        keys = tuple(sorted({self._named(one.product_id).key for one in _by_product(query)}))
        if not keys:
            return query
        return replace(query, where=ProductFilter((*query.where.conditions, Withheld(keys))))

    def read(self, query: Query, words: AskedWords, index: VectorIndex) -> list[FurtherWish]:
        """The wishes, and what the words of the main wish say is not wanted. Raises
        `PictureRejected` and `UnknownProduct`.
        """
        wishes = [FurtherWish(self._content(one, index), one.weight) for one in query.wishes]
        negated = (FurtherWish(PreparedItem(text), -NEGATIVE_WEIGHT) for text in words.negated)
        return [*wishes, *negated]

    def _content(self, wanted: Wanted, index: VectorIndex) -> PreparedItem | NDArray[np.float32]:
        if wanted.product_id is not None:
            return vector_of(index, self._named(wanted.product_id))
        return self._prepare(wanted.text, wanted.image)

    def _words(self, text: str) -> str:
        return self._prepare(text, None).text

    def _named(self, product_id: str | None) -> StoredProduct:
        found = self._store.find([product_id or ""])
        if not product_id or product_id not in found:
            raise UnknownProduct(product_id or "")
        return found[product_id]


def unwanted_phrases(query: Query, words: AskedWords) -> tuple[frozenset[str], ...]:
    """The folded words of each phrase whose holders come last."""
    excluded = (one.text for one in query.wishes if one.is_excluded)
    phrases = (frozenset(folded_words(text)) for text in (*words.negated, *excluded))
    return tuple(dict.fromkeys(filter(None, phrases)))


def share_of_main(query: Query) -> float:
    """How much the main wish weighs among all that is wanted, 0..1."""
    return 1.0 / (1.0 + sum(one.weight for one in query.also if one.weight > 0.0))


def vector_of(index: VectorIndex, stored: StoredProduct) -> NDArray[np.float32]:
    """The (D,) vector of a product. Raises `UnknownProduct` where the index does not hold it."""
    vector: NDArray[np.float32] = index.fetch(np.array([stored.key]))[0]  # (D,)
    if np.isnan(vector).any():
        raise UnknownProduct(stored.product.product_id)
    return vector


def check(query: Query) -> None:
    """Raises `QueryError` where the further wishes of a query make no sense."""
    if len(query.also) > MAX_WISHES:
        raise QueryError(
            f"there are {len(query.also)} further wishes, but at most {MAX_WISHES} count; "
            "leave out the least important"
        )
    for wanted in query.also:
        given = (bool(wanted.text.strip()), wanted.image is not None, bool(wanted.product_id))
        if sum(given) != 1:
            raise QueryError(
                f"a further wish has {sum(given)} of words, a picture and a product, but must "
                "have one of them; make each a wish of its own"
            )
        if not 0.0 < abs(wanted.weight) <= 1.0:
            raise QueryError(
                f"the weight of a further wish is {wanted.weight:g}, but must be from -1 to 1, and "
                "not 0; leave out what does not count"
            )


def _by_product(query: Query) -> Iterable[Wanted]:
    return (one for one in query.also if one.product_id is not None)
