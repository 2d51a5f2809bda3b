"""Rows of products beside what a page is about. A page shows without them where they fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import structlog

from shopsearch.domain import (
    AnyOf,
    BoughtTogether,
    Complementary,
    Fallback,
    Hit,
    IsColdStart,
    Product,
    ProductFilter,
    Query,
    Recommend,
    Recommendations,
    SimilarTo,
    Trending,
    Wanting,
)
from shopsearch.errors import IndexFault, QueryError, UnknownProduct
from shopsearch.server.context import services

N_SIMILAR = 12
N_BESIDE = 6
N_TRENDING = 12
MAX_VARIANTS = 100

Answer = TypeVar("Answer")

_log = structlog.get_logger(__name__)


class Likeness(StrEnum):
    """By what products are like one."""

    BOTH = "both"
    LOOKS = "looks"
    WORDS = "words"

    @property
    def text_weight(self) -> float | None:
        """As `SimilarTo` has it."""
        return {"both": None, "looks": 0.0, "words": 1.0}[self.value]


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes with a product."""

    bought_together: Sequence[Hit] = ()  # as the events tell
    complementary: Sequence[Hit] = ()  # of other categories


def similar(product_id: str, likeness: Likeness = Likeness.BOTH) -> Sequence[Hit]:
    """Products like one."""
    wanting = SimilarTo(product_id=product_id, text_weight=likeness.text_weight)
    return _hits(_recommended(wanting, N_SIMILAR))


def beside(product_id: str) -> Beside:
    """What goes with a product; nothing where nobody knows."""
    together = _recommended(BoughtTogether(product_ids=(product_id,)), N_BESIDE)
    if together is None:
        return Beside()
    if together.fallback is Fallback.COMPLEMENTARY:  # it was found on the way
        return Beside(complementary=_hits(together))
    if together.fallback is not None:  # of no category that goes with another
        return Beside()
    found = _recommended(Complementary(product_ids=(product_id,)), N_BESIDE + N_BESIDE)
    bought = _hits(together)
    known = {hit.product.product_id for hit in bought}
    others = () if found is None or found.fallback is not None else _hits(found)
    rest = [hit for hit in others if hit.product.product_id not in known]
    return Beside(bought, rest[:N_BESIDE])


def variants(product: Product) -> Sequence[Hit]:
    """The variants of a product, itself among them."""
    if not product.item_group_id:
        return ()
    of_group = AnyOf("item_group_id", (product.item_group_id.casefold(),))
    query = Query(where=ProductFilter((of_group,)), k=MAX_VARIANTS)
    return _told(lambda: services().search.search(query).hits, "variants") or ()


def trending() -> Sequence[Hit]:
    """What visitors turn to; nothing where no event tells of any."""
    found = _recommended(Trending(), N_TRENDING)
    if found is None or found.fallback is not None:
        return ()
    return [one.hit for one in found.hits if not isinstance(one.reasons[0], IsColdStart)]


def recommended(wanting: Wanting, k: int) -> Recommendations | None:
    """What is recommended; None where nothing is known to go by, or the index does not answer."""
    found = _recommended(wanting, k)
    return None if found is None or found.fallback is not None else found


def _recommended(wanting: Wanting, k: int) -> Recommendations | None:
    return _told(lambda: services().recommend.recommend(Recommend(wanting=wanting, k=k)), wanting)


def _hits(found: Recommendations | None) -> Sequence[Hit]:
    return () if found is None else [one.hit for one in found.hits]


def _told(ask: Callable[[], Answer], what: object) -> Answer | None:
    """The answer; None while the index does not answer, as the page itself still shows."""
    try:
        return ask()
    except (IndexFault, QueryError, UnknownProduct) as error:
        _log.warning("a shelf stays empty", shelf=str(what), reason=str(error))
        return None
