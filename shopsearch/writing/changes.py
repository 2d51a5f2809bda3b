"""Single changes of the catalog, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from shopsearch.domain import Product, StoredProduct


class WriteStatus(StrEnum):
    """What became of a change."""

    INDEXED = "indexed"  # the product is new, or is another one now
    UNCHANGED = "unchanged"  # the catalog was like that already
    REMOVED = "removed"
    REJECTED = "rejected"  # the product is bad; the catalog is as it was
    REFUSED = "refused"  # its condition did not hold; the catalog is as it was


@dataclass(frozen=True, slots=True)
class Upsert:
    """Put a product in, or in the place of the one that has its id."""

    product: Product

    @property
    def product_id(self) -> str:
        """The id of the product."""
        return self.product.product_id


@dataclass(frozen=True, slots=True)
class Removal:
    """Take a product out."""

    product_id: str


Change = Upsert | Removal
Precondition = Callable[[StoredProduct | None], bool]  # of the product as it is before the change


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change."""

    product_id: str
    status: WriteStatus
    reason: str = ""  # why it was rejected
    field: str = ""  # of the product, where one is to blame
    stored: StoredProduct | None = None  # the product as this change has left it


@dataclass(frozen=True, slots=True)
class Written:
    """What became of changes that were asked for together, in their order."""

    outcomes: tuple[Outcome, ...]
    generation: str | None  # the live one afterwards; None where there is none yet
