"""What could be better in a feed whose products are all valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from shopsearch.catalog.products import AVAILABILITY_WORDS
from shopsearch.domain import Product

MAX_EXAMPLES = 5
_MAX_TRACKED = 1_000  # attributes, and words for availability
_FEW = 5  # products among which an attribute may well have one value by chance
_SHORT_TITLE_CHARS = 12
_WORD = re.compile(r"\w+")
_COVERED = {
    "title": "a title: words find them only by what else they say",
    "image": "a picture: they are found by words alone",
    "price": "a price: filters and orders by price pass them by",
    "brand": "a brand",
}
_SAID = {  # kind -> what is said of so many of them
    "thin_titles": "titles of a single short word: say what the product is",
    "copies": "products that are the same as an earlier one in all that a shopper sees",
    "further_pictures": "further pictures that cannot be used; the main ones are sound",
    "small_pictures": "pictures of less than 100 pixels: too small to see much in",
    "addresses": "pictures that are addresses on the network; they were not opened",
}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is no fault. `kind` is stable, `message` is for people."""

    kind: str
    n: int  # how many times
    message: str
    examples: tuple[str, ...] = ()


@dataclass(slots=True)
class _Count:
    n: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        self.n += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(example)


class Remarks:
    """Gathers remarks while products pass, in bounded memory."""

    def __init__(self) -> None:
        self._n_products = 0
        self._counts: dict[str, _Count] = {}
        self._lacking: dict[str, _Count] = {}
        self._availabilities: dict[str, _Count] = {}
        self._only: dict[str, str | None] = {}  # attribute -> its value; None once there are two
        self._n_with: dict[str, int] = {}

    def add(self, kind: str, example: str) -> None:
        """One more of a kind."""
        self._counts.setdefault(kind, _Count()).add(example)

    def note(self, product: Product) -> None:
        """One more valid product."""
        self._n_products += 1
        product_id = product.product_id
        for name in _lacks(product):
            self._lacking.setdefault(name, _Count()).add(product_id)
        if product.title and _is_thin(product.title):
            self.add("thin_titles", f"{product_id}: {product.title}")
        word = product.availability
        if word and word not in AVAILABILITY_WORDS:
            known = word in self._availabilities or len(self._availabilities) < _MAX_TRACKED
            self._availabilities.setdefault(word if known else "others", _Count()).add(product_id)
        for name, value in product.attributes.items():
            if name in self._only or len(self._only) < _MAX_TRACKED:
                self._n_with[name] = self._n_with.get(name, 0) + 1
                if self._only.setdefault(name, value) != value:
                    self._only[name] = None

    def all(self) -> tuple[Remark, ...]:
        """What there is to say."""
        return tuple(self._all())

    def _all(self) -> Iterator[Remark]:
        for name, count in self._lacking.items():
            message = f"{count.n:,} of {self._n_products:,} products lack {_COVERED[name]}"
            yield Remark(f"no_{name}", count.n, message, tuple(count.examples))
        for kind, count in self._counts.items():
            yield Remark(kind, count.n, f"{count.n:,} {_SAID[kind]}", tuple(count.examples))
        for word, count in self._availabilities.items():
            known = ", ".join(sorted(AVAILABILITY_WORDS))
            message = f"{count.n:,} products have the availability {word[:60]!r}; known are {known}"
            yield Remark("unknown_availability", count.n, message, tuple(count.examples))
        for name, value in self._only.items():
            n = self._n_with[name]
            if value is not None and n == self._n_products >= _FEW:
                message = f"the attribute {name!r} is {value[:60]!r} for all products: leave it out"
                yield Remark("one_value", n, message)


def _lacks(product: Product) -> Iterator[str]:
    there = {
        "title": product.title,
        "image": product.images,
        "price": product.price,
        "brand": product.brand,
    }
    return (name for name, value in there.items() if not value)


def _is_thin(title: str) -> bool:
    """A single short word; scripts without spaces say much in one."""
    return len(_WORD.findall(title)) < 2 and len(title) <= _SHORT_TITLE_CHARS
