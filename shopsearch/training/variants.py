"""Triples for combined queries: a product, words that ask for another one, and the products meant.

They come from what catalogs tell: two products that differ in colour alone are an example of "this,
but in blue". Products are variants of one another where the catalog says so (item_group_id), or
where their titles are equal but for the words of colour and gender. Words that say what a picture
shows anyway ask for the picture itself: nothing may vanish for being described.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shopsearch.domain import CATEGORY_SEPARATOR, Product

_WAYS_TO_ASK: Mapping[str, tuple[str, ...]] = {
    "color": ("{}", "in {}", "but in {}", "the same in {}", "{} {kind}", "in {} instead"),
    "gender": ("for {}", "{}", "like this for {}", "but for {}", "{kind} for {}"),
}
_MAX_TARGETS = 8  # of one triple
_MAX_PER_REFERENCE = 12  # triples of one product, so that large families do not drown small ones
_MIN_TITLE_WORDS = 2  # what is left of a title must still name a product


@dataclass(frozen=True, slots=True)
class Triple:
    """One combined query: places of products in the catalog, and words."""

    reference: int
    words: str
    targets: tuple[int, ...]
    asks_for: str  # the attribute that changes; "" where the words only say what is there


def triples_of(products: Sequence[Product], seed: int) -> list[Triple]:
    """The combined queries that a catalog can teach; the ways to ask are drawn by seed."""
    rng = random.Random(seed)  # noqa: S311 - wording, not secrets
    changing = [
        triple
        for field in _WAYS_TO_ASK
        for family in _families(products, field)
        for triple in _of_family(products, field, family, rng)
    ]
    return [*changing, *_agreeing(products, rng)]


def _agreeing(products: Sequence[Product], rng: random.Random) -> Iterator[Triple]:
    """For each product, words that say what it is."""
    for place, product in enumerate(products):
        kind = _kind(product)
        said = [product.title, kind, f"{product.color} {kind}".strip(), product.color]
        words = rng.choice([words for words in said if words] or [""])
        if words:
            yield Triple(place, words, (place,), "")


def _families(products: Sequence[Product], field: str) -> Iterator[Mapping[str, list[int]]]:
    """The places of products that differ in one field alone, by its value, where two values are."""
    telling = [*(getattr(product, name) for product in products for name in {field, "gender"})]
    dropped = frozenset(word for value in set(telling) for word in _words(value))
    families: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, product in enumerate(products):
        value = getattr(product, field).casefold()
        key = _family_key(product, field, dropped)
        if value and key:
            families[key][value].append(place)
    return (family for family in families.values() if len(family) > 1)


def _family_key(product: Product, field: str, dropped: frozenset[str]) -> tuple[str, ...] | None:
    others = [getattr(product, other) for other in _WAYS_TO_ASK if other != field]
    kind = product.product_type.casefold()
    if field == "color" and product.item_group_id:
        return ("group", product.item_group_id, *others)
    kept = [word for word in _words(product.title) if word not in dropped]
    if len(kept) < _MIN_TITLE_WORDS:
        return None
    return ("title", " ".join(kept), kind, *others)


def _of_family(
    products: Sequence[Product],
    field: str,
    family: Mapping[str, list[int]],
    rng: random.Random,
) -> Iterator[Triple]:
    for own_value, places in family.items():
        others = [value for value in family if value != own_value]
        for place in places:
            kind = _kind(products[place])
            for value in rng.sample(others, min(len(others), _MAX_PER_REFERENCE)):
                words = rng.choice(_WAYS_TO_ASK[field]).format(value, kind=kind).strip()
                targets = rng.sample(family[value], min(len(family[value]), _MAX_TARGETS))
                yield Triple(place, words, tuple(targets), field)


def _kind(product: Product) -> str:
    return product.product_type.rpartition(CATEGORY_SEPARATOR)[2].lower()


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())
