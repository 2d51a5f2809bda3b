"""The fields of a search for further wishes: more like this, less like that.

    also            words, more of which is wanted: `also=blue^0.5`, `also=leather^-1`
    also_product    a product of the catalog: `also_product=A7^0.5`
    also_image_url  the address of a picture, in the same way (POST alone)
    not_product     a product, less of which is wanted

In JSON, `also` takes objects: `{"text": "blue", "weight": 0.5}`, with `text`, `product_id` or
`image_url`; without a weight it is 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shopsearch.domain import MAX_WISHES, NEGATIVE_WEIGHT, Wanted
from shopsearch.errors import QueryError
from shopsearch.weighted import read_weighted, written_weighted

Kind = Literal["text", "product_id", "image_url"]

_KINDS: Mapping[str, Kind] = {
    "also": "text",
    "also_product": "product_id",
    "also_image_url": "image_url",
}
_NOT_PRODUCT = "not_product"
IMAGE_URL = "also_image_url"
WISH_NAMES = frozenset({*_KINDS, _NOT_PRODUCT})
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class WishField:
    """A further wish of a request; a picture has its address, and is not fetched yet."""

    kind: Kind
    value: str
    weight: float

    def wanted(self) -> Wanted:
        """The wish for a query, for all but pictures."""
        if self.kind == "product_id":
            return Wanted(product_id=self.value, weight=self.weight)
        return Wanted(text=self.value, weight=self.weight)


def read_wish_fields(given: Mapping[str, Sequence[str]]) -> tuple[WishField, ...]:
    """The wishes among the values by name. Raises `QueryError`."""
    wishes = [
        WishField(kind, *_read(name, text))
        for name, kind in _KINDS.items()
        for text in given.get(name, ())
    ]
    against = given.get(_NOT_PRODUCT, ())
    wishes += [WishField("product_id", value, -NEGATIVE_WEIGHT) for value in against]
    check_number(len(wishes))
    return tuple(wishes)


def written_wishes(wishes: Sequence[WishField]) -> Iterator[tuple[str, str]]:
    """Name and value of the fields that say the same."""
    name_of = {kind: name for name, kind in _KINDS.items()}
    for wish in wishes:
        if wish.kind == "product_id" and wish.weight == -NEGATIVE_WEIGHT:
            yield _NOT_PRODUCT, wish.value
        else:
            yield name_of[wish.kind], written_weighted(wish.value, wish.weight)


def flat_wishes(value: object) -> Iterator[tuple[str, str]]:
    """The same from the `also` of a JSON document: an object, a text, or a list of them."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield "also", one
        elif isinstance(one, Mapping):
            yield _flat_wish(one)
        elif one is not None:
            raise _no_wish(one)


def check_number(n: int) -> None:
    """Raises `QueryError` where there are too many wishes."""
    if n > MAX_WISHES:
        raise QueryError(f"there are {n} further wishes, but at most {MAX_WISHES} count")


def _flat_wish(one: Mapping[str, object]) -> tuple[str, str]:
    names = [name for name, kind in _KINDS.items() if one.get(kind) is not None]
    weight = one.get("weight", 1)
    is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if len(names) != 1 or not is_number or set(one) - {*_KINDS.values(), "weight"}:
        raise _no_wish(one)
    value = one[_KINDS[names[0]]]
    if not isinstance(value, str):
        raise _no_wish(one)
    return names[0], f"{value}^{weight:.9f}"


def _read(name: str, text: str) -> tuple[str, float]:
    value, weight = read_weighted(text)
    if not value.strip():
        raise QueryError(f"`{name}` is {text[:_SHOWN_CHARS]!r}, which wishes for nothing")
    return value, weight


def _no_wish(one: object) -> QueryError:
    shown = str(one)[:_SHOWN_CHARS].encode(errors="replace").decode()
    return QueryError(
        f"`also` holds {shown}, which is no wish; write objects with `text`, `product_id` or "
        '`image_url`, and perhaps a `weight`: {"text": "blue", "weight": 0.5}'
    )
