"""One walk over the store: which products have which attributes, and which kinds of products are
there. Of a product a few words are kept, so memory stays small beside its vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import CATEGORY_SEPARATOR, StoredProduct
from shopsearch.enriching.attributes import Attribute
from shopsearch.store import ProductStore

_BATCH = 500

Report = Callable[[int, int | None], None]  # how many are done, of how many


@dataclass(slots=True)
class Census:
    """The products of the store, in the order of their last writes."""

    keys: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)  # products of one title share it
    indexed: list[bool] = field(default_factory=list)  # the index holds it as it is now
    told: dict[str, list[str]] = field(default_factory=dict)  # field -> value of each, or ""
    columns: Counter[str] = field(default_factory=Counter)  # attribute -> products that have it
    leaves: Counter[str] = field(default_factory=Counter)  # last category level -> products

    def __len__(self) -> int:
        """How many products there are."""
        return len(self.keys)

    def having(self, attribute: Attribute) -> NDArray[np.int64]:
        """The places of the products that have a value."""
        return np.array([n for n, v in enumerate(self.told[attribute.field]) if v], dtype=np.int64)

    def lacking(self, attribute: Attribute) -> NDArray[np.int64]:
        """The places of the products that have none."""
        told = self.told[attribute.field]
        return np.array([n for n, v in enumerate(told) if not v], dtype=np.int64)

    def kinds(self, n: int) -> list[str]:
        """What most products are, such as "Shirts": at most n."""
        return [kind for kind, _ in self.leaves.most_common(n)]

    def add(self, stored: StoredProduct, attributes: Sequence[Attribute], revision: int) -> None:
        """Count one product; `revision` is that of the index."""
        product = stored.product
        self.keys.append(stored.key)
        self.ids.append(product.product_id)
        self.titles.append(_title_of(stored))
        self.indexed.append(stored.revision <= revision)
        for attribute in attributes:
            self.told.setdefault(attribute.field, []).append(attribute.of(product))
        self.columns.update(name for name, value in product.attributes.items() if value)
        if product.product_type:
            self.leaves[product.product_type.split(CATEGORY_SEPARATOR)[-1]] += 1


def take_census(
    store: ProductStore, attributes: Sequence[Attribute], *, revision: int, report: Report
) -> Census:
    """Walk over all products; `revision` is the one that the index holds."""
    census = Census(told={attribute.field: [] for attribute in attributes})
    total = store.count()
    for stored in _all(store):
        census.add(stored, attributes, revision)
        if len(census) % _BATCH == 0:
            report(len(census), total)
    return census


def _all(store: ProductStore) -> Iterator[StoredProduct]:
    """Each product once, even where another process writes meanwhile."""
    at, last = 0, store.revision()
    while at < last:
        changes = store.changes_since(at, _BATCH)
        yield from (stored for stored in changes.upserted if stored.revision <= last)
        at = changes.revision


def _title_of(stored: StoredProduct) -> str:
    """What products that are nearly the same share: the title, else the picture."""
    title = " ".join(stored.product.title.casefold().split())
    return title or f"\x00{stored.record.image_hash or stored.product.product_id}"
