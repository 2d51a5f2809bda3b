"""The nouns of product search. All are frozen: a stage returns a new noun, it never edits one.

Nothing here knows a library of any room; numpy arrays are the only common currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

CATEGORY_SEPARATOR = " > "
MAX_PRODUCT_ID_CHARS = 128

_MINOR_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND"), 0
    ),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}  # ISO 4217; every other currency has two


class Modality(StrEnum):
    """What an embedding was made from."""

    IMAGE = "image"
    TEXT = "text"


class Sort(StrEnum):
    """The order of a page of hits; ties are broken by relevance, then by key."""

    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"


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
    color: str = ""
    size: str = ""
    material: str = ""
    gender: str = ""
    item_group_id: str = ""
    gtin: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def filter_row(self) -> FilterRow:
        """What a `ProductFilter` can ask about this product, by field name.

        Words are case-folded. A category counts as all of its levels: "A > B" is in "a" too.
        `price` is in major units.
        """
        words: dict[str, FilterValue] = {
            name: (value.casefold(),) for name, value in self.attributes.items() if value
        }
        for name in FILTER_FIELDS:
            if value := getattr(self, name):
                words[name] = (value.casefold(),)
        if self.product_type:
            words["product_type"] = _category_levels(self.product_type.casefold())
        if self.price is not None:
            words["price"] = float(self.price.amount)
            words["currency"] = (self.price.currency.casefold(),)
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


def _category_levels(path: str) -> tuple[str, ...]:
    levels = path.split(CATEGORY_SEPARATOR)
    return tuple(CATEGORY_SEPARATOR.join(levels[: n + 1]) for n in range(len(levels)))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has at least one of the values (case-folded); `negate` turns it round."""

    field: str
    values: tuple[str, ...]
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """The field is a number within both bounds, inclusive; None leaves a side open."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value, or, with `present=False`, has none."""

    field: str
    present: bool = True


@dataclass(frozen=True, slots=True)
class Withheld:
    """The product is none of these, by key, and fulfils none of these filters."""

    keys: tuple[int, ...] = ()
    filters: tuple[ProductFilter, ...] = ()
    field: str = ""  # it is about no field


Condition = AnyOf | Between | Exists  # what people ask for; `Withheld` is what rules add


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """What a hit must fulfil: all conditions together. No condition lets every product through."""

    conditions: tuple[Condition | Withheld, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def canonical(self) -> ProductFilter:
        """The same filter with each field under its own name, where a shop says it otherwise."""
        return ProductFilter(
            tuple(
                replace(condition, field=FILTER_ALIASES.get(condition.field, condition.field))
                for condition in self.conditions
            )
        )

    def without(self, field: str) -> ProductFilter:
        """The same filter but for what it says about one field."""
        return ProductFilter(tuple(one for one in self.conditions if one.field != field))


EVERYTHING = ProductFilter()


class Picture(Protocol):
    """A picture that passed all checks; decoded only when somebody looks at it."""

    @property
    def content_hash(self) -> str:
        """SHA-256, hexadecimal, of the bytes as the shop gave them."""

    def load(self) -> Image:
        """The picture upright, RGB, on white, scaled down to the working size."""


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """What the encoders see of a product or of a query: a text, a picture, or both."""

    text: str = ""  # "" where there is none
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class ModalityEmbeddings:
    """The embeddings of N items, one matrix per modality; rows without the modality are zero."""

    image: NDArray[np.float32]  # (N, D) unit rows, or zeros
    text: NDArray[np.float32]  # (N, D) unit rows, or zeros
    has_image: NDArray[np.bool_]  # (N,)
    has_text: NDArray[np.bool_]  # (N,)


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


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """What the store keeps of a product: the product, and what its content hashes to."""

    product: Product
    fingerprint: str  # SHA-256 over every field and the main picture's content
    image_hash: str | None  # content hash of the main picture


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
class Neighbours:
    """The nearest keys of Q queries, best first; places without a neighbour are -1 and -inf."""

    keys: NDArray[np.int64]  # (Q, K)
    scores: NDArray[np.float32]  # (Q, K) cosines in [-1, 1]


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """What the products that pass a filter have in one field. A product counts once per word."""

    words: tuple[str, ...]  # (V,) case-folded, the most frequent first, equal ones by alphabet
    counts: NDArray[np.int64]  # (V,) how many products have the word
    examples: NDArray[np.int64]  # (V,) the key of one of them; -1 where there is none
    numbers: NDArray[np.float64]  # (M,) the numbers of products that have one, in no order
    n_words: int  # how many different words there are, those that are not listed included
    n_missing: int  # how many products have neither word nor number


@dataclass(frozen=True, slots=True)
class WordMatches:
    """The products that hold words of a query, best first."""

    keys: NDArray[np.int64]  # (M,)
    scores: NDArray[np.float32]  # (M,) above 0, higher is better; comparable within one search


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: words, a picture, a product of the catalog, or a mix of them."""

    text: str = ""
    image: bytes | None = None  # an encoded picture as it came: JPEG, PNG, WebP, ...
    product_id: str | None = None  # "like this one"; it is never among its own hits
    text_weight: float = 0.5  # 0..1; counts where there are words and a picture or product
    negatives: tuple[str, ...] = ()  # words for what it must not be like
    where: ProductFilter = EVERYTHING
    sort: Sort = Sort.RELEVANCE
    k: int = 24
    offset: int = 0
    explain: bool = False  # whether each hit shall say why it is one; costs time
    as_typed: bool = False  # whether words that the catalog does not have stay as they are
    facets: tuple[str, ...] = ()  # fields whose values shall be counted over all that matches
    facet_limit: int = 20  # at most so many values of each, the most frequent

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for but the filter: then the page lists what matches it."""
        return not (self.text.strip() or self.image or self.product_id)


class RuleAction(StrEnum):
    """What a merchandising rule did to a hit."""

    PIN = "pin"
    BOOST = "boost"
    BURY = "bury"


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """That a merchandising rule touched a hit."""

    rule: str  # its name
    action: RuleAction
    by: float  # the position of a pin, else the factor


@dataclass(frozen=True, slots=True)
class ModalityPart:
    """What one modality of a product gives to its cosine. None: not known."""

    share: float | None  # the Shapley value; those of all modalities sum to the cosine
    alone: float | None  # the cosine that the product would have with this modality alone

    @property
    def is_known(self) -> bool:
        """Whether the embedding of this modality is still kept."""
        return self.alone is not None


@dataclass(frozen=True, slots=True)
class Similarity:
    """The cosine of one embedding of a query and one of a product, before any fusion."""

    asked: Modality  # of the query
    found: Modality  # of the product
    cosine: float


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """What a feature of the ranking gives to a score."""

    name: str
    value: float  # 0..1
    weight: float
    part: float  # of the score; may be negative


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """The score of a hit as a sum: of the cosine, of features, and of what an exact match adds."""

    cosine: float
    features: tuple[FeaturePart, ...] = ()  # those with a weight
    exact: float = 0.0  # above 0 for the whole title, a model number, the very picture or variant
    rules: float = 0.0  # what merchandising rules that boost or bury changed

    @property
    def total(self) -> float:
        """The score."""
        features = sum(feature.part for feature in self.features)
        return self.cosine + features + self.exact + self.rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a product was found for a query, and in this place."""

    cosine: float  # of the vectors of query and product, as the index has it
    modalities: Mapping[Modality, ModalityPart]  # those that the product has
    similarities: tuple[Similarity, ...]  # where both sides exist and are known
    score: ScoreParts
    matched: Mapping[str, tuple[str, ...]]  # field of the product -> wanted words in it, folded


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found for a query.

    `score` is in [-1, 1], higher is better, and never rises with the rank of a search by relevance
    but around hits that a rule has moved: the cosine, or, where the query has words, its weighted
    mean with the features of the ranking.
    """

    product: Product
    score: float
    rank: int  # 1 is best
    image_hash: str | None = None  # content hash of the main picture, to show it by
    why: Why | None = None  # where the query asks to explain, and asks for more than a filter
    rules: tuple[RuleEffect, ...] = ()  # those that touched it, where the query asks to explain


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value to choose, and how many products have it."""

    value: str  # as a product spells it; of a category, its path from the top
    count: int
    chosen: bool = False  # whether the query's filter names it
    children: tuple[FacetValue, ...] = ()  # of a category, the levels below it that are listed


@dataclass(frozen=True, slots=True)
class PriceBand:
    """The prices within two bounds, both included, in major units; None leaves a side open."""

    currency: str  # ISO 4217
    low: float | None
    high: float | None
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one field among all products that pass the filters of the other fields.

    What the query's filter says about the field itself does not count, so that the values beside
    a chosen one stay in sight.
    """

    name: str  # as the query asked
    field: str  # under which it is filtered
    values: tuple[FacetValue, ...]  # the most frequent first, and those that the filter names
    n_values: int  # how many there are, the unlisted included
    n_missing: int  # how many products have none
    bands: tuple[PriceBand, ...] = ()  # of the price alone: each currency's, ascending


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of the answer to a query."""

    hits: tuple[Hit, ...]
    total: int  # how many products match the filter of the query
    took_ms: float
    generation: str  # the index generation that answered
    facets: tuple[Facet, ...] = ()  # in the order in which the query asked for them
    did_you_mean: str | None = None  # the words that were searched for instead of those typed
    relaxed: tuple[str, ...] = ()  # words, folded, that no product has together with the others


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
