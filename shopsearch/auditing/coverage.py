"""Which fields products have, by category, and which values are spelled in several ways."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import DamerauLevenshtein

from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.snapshot import CatalogSnapshot
from shopsearch.domain import CATEGORY_SEPARATOR, Product

FIELDS = (
    "title",
    "description",
    "product_type",
    "images",
    "price",
    "brand",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "gtin",
    "item_group_id",
    "link",
)
MOST_ATTRIBUTES = 40  # those that most products have
EXPECTED = 0.8  # of the products of a category have a field: the others lack it
MIN_PRODUCTS = 5  # of a category, for its share to mean something
SPELLED_FIELDS = ("brand", "availability", "color", "size", "material", "gender", "product_type")
MOST_VALUES = 2_000  # of a field; a field with more is no list of values
MIN_LETTERS = 5  # of a value that may be a misspelt one
RARE = 0.1  # a misspelt value is at most so frequent beside the right one

NAME_COVERAGE = "coverage"
NAME_SPELLINGS = "spellings"

_BLANK = re.compile(r"[\s_/-]+")


@dataclass(frozen=True, slots=True)
class FieldShare:
    """How many products of a category have a field; the category "" stands for all."""

    field: str
    category: str  # the first level of the path
    n_products: int
    n_filled: int
    is_expected: bool  # most of the category have it, and so should all
    share: float

    @property
    def product_ids(self) -> tuple[str, ...]:
        """None: it is about many."""
        return ()


@dataclass(frozen=True, slots=True)
class Spelling:
    """One value in several spellings, the most frequent first."""

    field: str
    spellings: tuple[str, ...]
    counts: tuple[int, ...]
    reason: str  # "case and spaces", or "letters"
    ids: tuple[str, ...]  # products that have another spelling than the most frequent one

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return self.ids


def covered(snapshot: CatalogSnapshot) -> Section:
    """Every field by category. A product is faulty that lacks what most of its category have."""
    tables: dict[str, list[Product]] = defaultdict(list)
    for product in snapshot.products:
        tables[""].append(product)
        tables[_branch(product)].append(product)
    names = _fields(snapshot.products)
    found, lacking = [], set()
    for category in sorted(tables, key=lambda name: (name != "", -len(tables[name]), name)):
        if category == _NO_BRANCH:
            continue
        products = tables[category]
        for name in names:
            filled = sum(has(product, name) for product in products)
            expected = (
                category != ""
                and len(products) >= MIN_PRODUCTS
                and filled >= EXPECTED * len(products)
            )
            share = filled / len(products)
            found.append(FieldShare(name, category, len(products), filled, expected, share))
            if expected:
                lacking |= {one.product_id for one in products if not has(one, name)}
    return Section(
        name=NAME_COVERAGE,
        title="Coverage of fields",
        n_checked=len(snapshot),
        findings=found,
        columns=columns_of(FieldShare),
        n_found=len(lacking),
        remarks=(
            f"found are products that lack a field which {EXPECTED:.0%} of their category have",
        ),
    )


_NO_BRANCH = "\x00"  # of products without a category: they have nothing in common


def _branch(product: Product) -> str:
    return product.product_type.split(CATEGORY_SEPARATOR)[0] or _NO_BRANCH


def _fields(products: Sequence[Product]) -> list[str]:
    """All fields of a feed, and the attributes that most products have."""
    counts = Counter(
        name for product in products for name, value in product.attributes.items() if value
    )
    return [*FIELDS, *(name for name, _ in counts.most_common(MOST_ATTRIBUTES))]


def has(product: Product, name: str) -> bool:
    """Whether a product has something in a field or attribute."""
    return bool(getattr(product, name) if name in FIELDS else product.attributes.get(name))


def spelled(snapshot: CatalogSnapshot) -> Section:
    """Every value of a field that is there in several spellings; those of most products first."""
    found = []
    for name, holders in _values(snapshot.products).items():
        counts = {value: len(ids) for value, ids in holders.items()}
        for reason, spellings in (*_same_key(counts), *_misspelt(counts)):
            ids = tuple(id_ for value in spellings[1:] for id_ in holders[value])
            shown = tuple(counts[value] for value in spellings)
            found.append(Spelling(name, spellings, shown, reason, ids))
    found.sort(key=lambda one: (-len(one.ids), one.field, one.spellings))
    return Section(
        name=NAME_SPELLINGS,
        title="Values in several spellings",
        n_checked=len(snapshot),
        findings=found,
        columns=columns_of(Spelling),
    )


def _values(products: Sequence[Product]) -> dict[str, dict[str, list[str]]]:
    """Field -> value -> ids of the products that have it, of fields that are lists of values."""
    names = [*SPELLED_FIELDS, *(n for n in _fields(products) if n not in FIELDS)]
    values: dict[str, dict[str, list[str]]] = {name: defaultdict(list) for name in names}
    for product in products:
        for name in names:
            told = getattr(product, name) if name in FIELDS else product.attributes.get(name, "")
            if told:
                values[name][told].append(product.product_id)
    return {name: held for name, held in values.items() if len(held) <= MOST_VALUES}


def _same_key(counts: Mapping[str, int]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Values that differ in case, spaces, hyphens or accents written in two ways."""
    keys: dict[str, list[str]] = defaultdict(list)
    for value in counts:
        keys[_key(value)].append(value)
    for values in keys.values():
        if len(values) > 1:
            yield "case and spaces", tuple(sorted(values, key=lambda v: (-counts[v], v)))


def _misspelt(counts: Mapping[str, int]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Rare values that are one letter, or two that changed places, from a frequent one."""
    worded = sorted(
        (v for v in counts if len(v) >= MIN_LETTERS and v.replace(" ", "").isalpha()),
        key=lambda v: (-counts[v], v),
    )
    for place, value in enumerate(worded):
        near = [
            other
            for other in worded[place + 1 :]
            if counts[other] <= RARE * counts[value]
            and abs(len(other) - len(value)) <= 1
            and _key(other) != _key(value)
            and DamerauLevenshtein.distance(value.casefold(), other.casefold(), score_cutoff=1) <= 1
        ]
        if near:
            yield "letters", (value, *near)


def _key(value: str) -> str:
    return _BLANK.sub(" ", unicodedata.normalize("NFKC", value)).strip().casefold()
