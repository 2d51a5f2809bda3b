"""What a product says that it is, to be compared with what is not wanted.

The description does not count: "vegan, looks like leather" tells of what a thing is not, too. Nor
does what a title denies: a "belt, non-leather" and a "leather-free belt" hold no leather.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from shopsearch.domain import Product
from shopsearch.ranking.negation import taken_apart
from shopsearch.ranking.words import folded_words, with_joined

_TITLE_CHARS = 500
_VALUE_CHARS = 80  # a longer value of an attribute is a story
_MOST_VALUES = 100
_FREE_OF = re.compile(r"\w+[\s-]free\b", re.IGNORECASE)
_YES = frozenset(("yes", "true", "y"))


def affirmed_words(product: Product) -> tuple[frozenset[str], ...]:
    """The folded words of title, brand, category, colour, material, size, gender and of each value
    of an attribute; of an attribute that is a plain "yes", its name.
    """
    title = with_joined(folded_words(_denied_cut(product.title[:_TITLE_CHARS])))
    told = (frozenset(folded_words(_denied_cut(text))) for text in _told(product))
    return tuple(filter(None, dict.fromkeys((frozenset(title), *told))))


def holds(fields: Iterable[frozenset[str]], phrases: Iterable[frozenset[str]]) -> bool:
    """Whether one of the fields has all words of one of the phrases."""
    wanted = [phrase for phrase in phrases if phrase]
    return any(phrase <= field for field in fields for phrase in wanted)


def _told(product: Product) -> Iterator[str]:
    yield from (product.brand, product.product_type, product.color, product.material)
    yield from (product.size, product.gender)
    for name, value in list(product.attributes.items())[:_MOST_VALUES]:
        if len(value) <= _VALUE_CHARS:
            yield re.sub(r"[_.]", " ", name) if value.strip().casefold() in _YES else value


def _denied_cut(text: str) -> str:
    return taken_apart(_FREE_OF.sub(" ", text), minus=False).wanted
