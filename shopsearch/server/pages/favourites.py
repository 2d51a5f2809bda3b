"""What a visitor's browser keeps: favourites and what was looked at, and what these lead to.

Nothing of it is kept here. Cards are given by `/cards`; what fits both by `/for-you`, which takes
ids in a form, so that they stand in no log and no history of addresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from flask import render_template, request

from shopsearch.domain import (
    MAX_EXAMPLES,
    Alike,
    ByExamples,
    ByHistory,
    Deed,
    Hit,
    OfInterest,
    Product,
    Reason,
    Recommended,
    StoredProduct,
    Strategy,
)
from shopsearch.errors import QueryError
from shopsearch.server.context import services
from shopsearch.server.pages import shelves
from shopsearch.server.pages.blueprint import blueprint

LIKE = "like"
SEEN = "seen"
N_FOR_YOU = 12


@dataclass(frozen=True, slots=True)
class ForYou:
    """A product for a visitor, and the one of theirs that it is there for."""

    hit: Hit
    because: Product | None
    is_liked: bool  # whether that one is a favourite; else it was looked at


@blueprint.get("/favourites")
def favourites() -> str:
    """The page of favourites. Which these are, the browser alone knows."""
    return render_template("favourites.html", asked=None)


@blueprint.post("/for-you")
def for_you() -> str:
    """Products that fit favourites (`like`) and what was looked at (`seen`), as a piece of a page;
    empty where nothing is known to go by. Nothing of it is logged.
    """
    liked, seen = _ids(LIKE), _ids(SEEN)
    if strange := sorted({*request.form, *request.files} - {LIKE, SEEN}):
        raise QueryError(f"there is no `{strange[0][:80]}` here; there are `{LIKE}` and `{SEEN}`")
    if not (liked or seen):
        raise QueryError(f"name products: `{LIKE}` for favourites, `{SEEN}` for others")
    known = services().store.find((*liked, *seen))
    shown = arranged(_by_favourites(liked), _by_history(seen), known)
    return render_template("_for_you_alone.html", shown=shown)


def arranged(
    by_favourites: Sequence[Recommended],
    by_history: Sequence[Recommended],
    known: Mapping[str, StoredProduct],
) -> Sequence[ForYou]:
    """Both take turns; no product twice, no two of one group, and none of those it goes by."""
    taken = {*known}
    shown: list[ForYou] = []
    for one in _in_turns(by_favourites, by_history):
        product = one.hit.product
        names = {product.product_id, f"group {product.item_group_id}"}
        if taken.isdisjoint(names):
            shown.append(_told(one, known))
            taken |= names if product.item_group_id else {product.product_id}
    return shown[:N_FOR_YOU]


def _by_favourites(ids: Sequence[str]) -> Sequence[Recommended]:
    if not ids:
        return ()
    wanting = ByExamples(liked=tuple(ids), strategy=Strategy.BEST_SCORE)
    found = shelves.recommended(wanting, N_FOR_YOU)
    return () if found is None else found.hits


def _by_history(ids: Sequence[str]) -> Sequence[Recommended]:
    if not ids:
        return ()
    wanting = ByHistory(deeds=tuple(Deed(product_id=one) for one in ids))
    found = shelves.recommended(wanting, N_FOR_YOU)
    return () if found is None else found.hits


def _in_turns(*lists: Sequence[Recommended]) -> Iterator[Recommended]:
    for row in zip_longest(*lists):
        yield from (one for one in row if one is not None)


def _told(one: Recommended, known: Mapping[str, StoredProduct]) -> ForYou:
    """With the weightiest product that it is there for."""
    for reason in one.reasons:
        is_liked = isinstance(reason, Alike) and reason.kind == LIKE
        for product_id in _named(reason):
            if product_id in known:
                return ForYou(one.hit, known[product_id].product, is_liked)
    return ForYou(one.hit, None, is_liked=False)


def _named(reason: Reason) -> Sequence[str]:
    """The products that a reason goes by, the weightiest first."""
    match reason:
        case Alike(kind="like"):
            return (reason.product_id,)
        case OfInterest():
            return reason.product_ids
        case _:
            return ()


def _ids(name: str) -> Sequence[str]:
    """The products that the form names, each once. Raises `QueryError`."""
    ids = tuple(dict.fromkeys(one for one in request.form.getlist(name) if one))
    if len(ids) > MAX_EXAMPLES:
        raise QueryError(f"`{name}` names {len(ids)} products, but may name at most {MAX_EXAMPLES}")
    return ids
