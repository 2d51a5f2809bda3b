"""The words of fusion training: what a product says of itself, and how shoppers ask for it.

A query made from a product asks for some of its facets (colour, use, kind, gender), so that every
product with the same values is as right as the one it was made from; or for its title.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from shopsearch.domain import CATEGORY_SEPARATOR, Product
from shopsearch.plain_text import clean
from shopsearch.preprocessing.text import compose
from shopsearch.training.captions import captions_of

FACETS = ("color", "use", "kind", "gender")
COLOR, USE, KIND, GENDER = range(len(FACETS))
N_QUERIES = 4  # queries made from each product
BY_TITLE = 3  # the one of them that is words of the title

_PEOPLE = {"male": "men", "female": "women"}
_ALL_PEOPLE = frozenset({"men", "women", "boys", "girls", "kids", "unisex"})
_KEPT_WORDS = 0.7  # of a title, in a query made of it
_TYPO_FROM_CHARS = 5
_IN_COLOR = ("{}", "in {}", "but in {}", "the same in {}")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query in words: which facets it names; none where it asks for the title."""

    text: str
    facets: frozenset[int]


def texts_of(product: Product) -> tuple[str, str, str]:
    """All that a product says, as it is indexed; without its attributes; its title alone.

    A feed may tell more or less of the same product, so all three are learned from.
    """
    bare = replace(product, attributes={}, color="", size="", material="", gender="")
    everything, title = compose(product), clean(product.title)
    return everything, compose(bare) or everything, title or everything


def facets_of(product: Product) -> tuple[str, str, str, str]:
    """The values of the facets, folded, in the order of `FACETS`; "" where one is not told."""
    gender = (product.gender or _attribute(product.attributes, "gender", "ideal_for")).casefold()
    levels = product.product_type.casefold().split(CATEGORY_SEPARATOR)
    gender = gender.strip() or next((level for level in levels if level in _ALL_PEOPLE), "")
    return (
        (product.color or _attribute(product.attributes, "colour", "color")).casefold().strip(),
        _attribute(product.attributes, "usage").casefold().strip(),
        captions_of(product).kind.casefold(),
        _PEOPLE.get(gender, gender),
    )


def queries_of(product: Product, rng: random.Random) -> tuple[Asked, ...]:
    """`N_QUERIES` queries: all facets, some in another order, some with a typo, title words."""
    facets = facets_of(product)
    known = [place for place, value in enumerate(facets) if value]
    title = clean(product.title)
    by_title = Asked(_dropped(title, rng) or compose(product), frozenset())
    if not known:
        return (by_title, Asked(title or compose(product), frozenset())) * (N_QUERIES // 2)
    some, fewer = _some(known, rng), _some(known, rng)
    shuffled = rng.sample(some, len(some))
    return (
        Asked(_phrase(facets, known), frozenset(known)),
        Asked(_phrase(facets, shuffled), frozenset(shuffled)),
        Asked(_misspelt(_phrase(facets, fewer), rng), frozenset(fewer)),
        by_title,
    )


def color_queries(color: str) -> tuple[str, ...]:
    """The ways to ask for a colour beside a picture: "but in blue"."""
    return tuple(way.format(color) for way in _IN_COLOR)


def _phrase(facets: tuple[str, ...], places: list[int]) -> str:
    """Such as "navy blue casual shirts for men"; the gender says "for" only where it ends it."""
    words = [facets[place] for place in places]
    if len(places) > 1 and places[-1] == GENDER:
        words[-1] = f"for {words[-1]}"
    return " ".join(words)


def _some(known: list[int], rng: random.Random) -> list[int]:
    """A part of the facets in their order, the kind nearly always among them."""
    kept = [place for place in known if rng.random() < (0.9 if place == KIND else 0.6)]
    return kept or [rng.choice(known)]


def _dropped(title: str, rng: random.Random) -> str:
    words = title.split()
    kept = [word for word in words if rng.random() < _KEPT_WORDS]
    return " ".join(kept or words[:1]).lower()


def _misspelt(text: str, rng: random.Random) -> str:
    """One of the longer words with two neighbouring letters swapped, or one left out."""
    words = text.split()
    longer = [place for place, word in enumerate(words) if len(word) >= _TYPO_FROM_CHARS]
    if not longer:
        return text
    place = rng.choice(longer)
    word = words[place]
    at = rng.randrange(1, len(word) - 2)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    words[place] = swapped if rng.random() < 0.5 else word[:at] + word[at + 1 :]
    return " ".join(words)


def _attribute(attributes: Mapping[str, str], *endings: str) -> str:
    for name, value in attributes.items():
        if name.casefold().endswith(endings):
            return value
    return ""
