"""Products, and what is told of them between feed, store and index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

CATEGORY_SEPARATOR = " > "
VALUE_SEPARATOR = " | "  # between the values of a field that has several: "S | M | L"
MAX_PRODUCT_ID_CHARS = 128

_MINOR_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0
    ),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # ISO 4217; every other currency has two


@dataclass(frozen=True, slots=True, order=True)
class Price:
    """An amount of money in minor units (cents) of an ISO 4217 currency."""

    amount_minor: int
    currency: str

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> Price:
        """`Price.of(Decimal("19.99"), "usd")`; halves of a minor unit round to even."""
        currency = currency.upper()
        scaled = amount.scaleb(minor_digits(currency))
        return cls(int(scaled.to_integral_value()), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, such as dollars."""
        return Decimal(self.amount_minor).scaleb(-minor_digits(self.currency))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def minor_digits(currency: str) -> int:
    """How many decimal places the minor unit of a currency has (ISO 4217)."""
    return _MINOR_DIGITS.get(currency.upper(), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product as its shop tells it. It has pictures, or words, or both: never neither."""

    product_id: str  # the shop's own, up to MAX_PRODUCT_ID_CHARS characters
    title: str = ""
    description: str = ""
    brand: str = ""
    product_type: str = ""  # a path, levels joined by CATEGORY_SEPARATOR
    images: tuple[str, ...] = ()  # absolute paths or http(s) URLs, the main one first
    link: str = ""
    price: Price | None = None
    availability: str = ""
    color: str = ""  # this, and what follows, may be several values: see VALUE_SEPARATOR
    size: str = ""
    material: str = ""
    gender: str = ""
    item_group_id: str = ""
    gtin: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def filter_row(self) -> FilterRow:
        """What a `ProductFilter` can ask about this product, by field name.

        Words are spelled as the shop does, and compared without regard to case. Each of several
        values is a word of its own: "S | M" is "s" and "m". A category counts as all of its levels:
        "A > B" is in "a" too. `price` is in major units.
        """
        words: dict[str, FilterValue] = {
            name: values_of(value) for name, value in self.attributes.items() if value
        }
        for name in FILTER_FIELDS:
            if value := getattr(self, name):
                words[name] = values_of(value)
        if self.item_group_id:
            words["item_group_id"] = (self.item_group_id,)  # a product is in one group
        if self.product_type:
            words["product_type"] = _category_levels(self.product_type)
        if self.price is not None:
            words["price"] = float(self.price.amount)
            words["currency"] = (self.price.currency,)
        return words


FILTER_FIELDS = (
    "brand",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "item_group_id",
    "gtin",
)

FILTER_ALIASES = {"category": "product_type", "colour": "color"}

FilterValue = tuple[str, ...] | float
FilterRow = Mapping[str, FilterValue]


def values_of(text: str) -> tuple[str, ...]:
    """The values of a field: those between separators, each once; any other text is one value."""
    if VALUE_SEPARATOR not in text:
        return (text,)
    values = (value.strip() for value in text.split(VALUE_SEPARATOR))
    return tuple(dict.fromkeys(filter(None, values))) or (text,)


def _category_levels(path: str) -> tuple[str, ...]:
    levels = path.split(CATEGORY_SEPARATOR)
    return tuple(CATEGORY_SEPARATOR.join(levels[: n + 1]) for n in range(len(levels)))


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A product read from a feed, and where: `row` is 1 for the first record after any header."""

    row: int
    product: Product


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record of a feed that was not indexed, and why."""

    row: int
    product_id: str  # "" where the record has none
    reason: str
    field: str = ""  # of a product, or the attribute, where one is to blame
    column: str = ""  # of the feed, that the field was taken from
    value: str = ""  # that was found there


@dataclass(frozen=True, slots=True)
class RemovalRow:
    """A record of a feed that takes a product out; `row` as in `FeedRow`."""

    row: int
    product_id: str
    is_change: bool = True  # False in a feed of the whole catalog: a draft, which is not for sale


FeedRecord = FeedRow | RemovalRow | Rejection


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """What the store keeps of a product: the product, and what its content hashes to."""

    product: Product
    fingerprint: str  # SHA-256 over every field and the main picture's content
    image_hash: str | None  # content hash of the main picture
    # of further ones in the order of `product.images`, up to the last one that is kept; None for
    # one before it that is not
    further_hashes: tuple[str | None, ...] = ()

    @property
    def kept_pictures(self) -> tuple[tuple[str, str], ...]:
        """Where each picture that is kept came from, and its content hash; the main one first."""
        hashes = (self.image_hash, *self.further_hashes)
        pairs = zip(self.product.images, hashes, strict=False)  # not all further ones are kept
        return tuple((source, kept) for source, kept in pairs if kept is not None)


@dataclass(frozen=True, slots=True)
class StoredProduct:
    """A product record as the store gives it back."""

    key: int  # stable int64; the index knows products by it
    revision: int  # grows with every write to the store; later writes have higher ones
    record: ProductRecord

    @property
    def product(self) -> Product:
        """The product itself."""
        return self.record.product


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened in the store up to `revision`, at most one batch of it."""

    upserted: Sequence[StoredProduct]
    removed: NDArray[np.int64]  # keys
    revision: int


@dataclass(frozen=True, slots=True)
class Writes:
    """When N products came and were written last."""

    keys: NDArray[np.int64]  # (N,)
    revisions: NDArray[np.int64]  # (N,) of the latest write, ascending
    created_s: NDArray[np.float64]  # (N,) when each came, in seconds since 1970, UTC


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did to the catalog: every product read is counted exactly once."""

    read: int
    indexed: int
    unchanged: int
    removed: int
    rejected: tuple[Rejection, ...]
    generation: str | None  # the live generation afterwards; None where there is none yet
    seconds: float
    texts_encoded: int = 0
    images_encoded: int = 0
    interrupted: bool = False
    not_pruned: str = ""  # why nothing was pruned although that was asked for
