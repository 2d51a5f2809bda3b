"""Facets: how often each value of a field occurs among all that a query's filter lets through.

The index counts, by its columns; the store lends the spelling, since the index knows words without
regard to case only. A word is spelt as the product spells it that has been there for longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    FILTER_ALIASES,
    FILTER_FIELDS,
    AnyOf,
    Between,
    Facet,
    FacetValue,
    FieldCounts,
    PriceBand,
    Product,
    ProductFilter,
    Query,
    minor_digits,
)
from shopsearch.errors import QueryError
from shopsearch.index.generations import Generation
from shopsearch.price_bands import bands_of
from shopsearch.store import ProductStore

MAX_FACETS = 20
MAX_VALUES = 200
TREE_FACTOR = 5  # a category is listed with all levels above it, so there is room for more of them
MAX_CURRENCIES = 5  # price bands for the most frequent ones
MAX_SPELLINGS = 20_000  # remembered of one generation

CATEGORY = "product_type"
PRICE = "price"
CURRENCY = "currency"


class FacetCounter:
    """Counts facets from an index generation and the store."""

    def __init__(self, store: ProductStore) -> None:
        self._store = store
        self._spellings: dict[tuple[str, str, str], str] = {}  # (generation, field, word) ->

    def count(
        self, generation: Generation, query: Query, except_key: int | None = None
    ) -> tuple[Facet, ...]:
        """The facets that a query asks for, in its order; `except_key` is not counted.

        The query's filter has canonical fields. Raises `QueryError` for too many of them.
        """
        check_facets(query.facets, query.facet_limit)
        counted = [self._counted(generation, query, name, except_key) for name in query.facets]
        return tuple(self._respelt(generation, counted))

    def _counted(
        self, generation: Generation, query: Query, name: str, except_key: int | None
    ) -> tuple[Facet, Mapping[str, int]]:
        """A facet in case-folded words, and for each word the key of a product that has it."""
        field = FILTER_ALIASES.get(name, name)
        named = _named(query.where, field)
        counts = generation.index.counts(
            field,
            query.where.without(field),
            limit=query.facet_limit * (TREE_FACTOR if field == CATEGORY else 1),
            named=[word for one in named for word in _levels(field, one)],
            except_key=except_key,
        )
        values = _values(counts, named)
        facet = Facet(
            name=name,
            field=field,
            values=_tree(values) if field == CATEGORY else tuple(values),
            n_values=counts.n_words,
            n_missing=counts.n_missing,
            bands=self._bands(generation, query, except_key) if field == PRICE else (),
        )
        return facet, dict(zip(counts.words, counts.examples.tolist(), strict=True))

    def _bands(
        self, generation: Generation, query: Query, except_key: int | None
    ) -> tuple[PriceBand, ...]:
        others = query.where.without(PRICE)
        found = generation.index.counts(
            CURRENCY, others, limit=MAX_CURRENCIES, except_key=except_key
        )
        chosen = {one for one in query.where.conditions if isinstance(one, Between)}
        bands: list[PriceBand] = []
        for currency in found.words:
            of_currency = ProductFilter((*others.conditions, AnyOf(CURRENCY, (currency,))))
            prices = generation.index.counts(
                PRICE, of_currency, limit=0, except_key=except_key
            ).numbers
            bands += bands_of(prices, currency.upper(), minor_digits(currency))
        return tuple(
            replace(band, chosen=Between(PRICE, band.low, band.high) in chosen) for band in bands
        )

    def _respelt(
        self, generation: Generation, counted: Sequence[tuple[Facet, Mapping[str, int]]]
    ) -> Iterator[Facet]:
        """The facets as products spell their values; one fetch for all that is not known yet."""
        of = generation.manifest.generation_id
        unknown = {
            (facet.field, word): key
            for facet, examples in counted
            for word, key in examples.items()
            if (of, facet.field, word) not in self._spellings and key >= 0
        }
        if unknown:
            self._learn(of, unknown)
        for facet, _ in counted:
            spelt = self._spellings
            yield replace(facet, values=_renamed(facet.values, of, facet.field, spelt))

    def _learn(self, generation_id: str, unknown: Mapping[tuple[str, str], int]) -> None:
        stored = self._store.fetch(sorted(set(unknown.values())))
        known = {} if len(self._spellings) > MAX_SPELLINGS else dict(self._spellings)
        for (field, word), key in unknown.items():
            product = stored[key].product if key in stored else None
            known[generation_id, field, word] = _spelling(product, field, word)
        self._spellings = known  # in one step: other threads read the old one or the new one


def check_facets(names: Sequence[str], limit: int) -> None:
    """Raise `QueryError` where facets cannot be counted as asked."""
    if len(names) > MAX_FACETS:
        raise QueryError(f"{len(names)} facets are asked for; the limit is {MAX_FACETS}")
    if not 1 <= limit <= MAX_VALUES:
        raise QueryError(
            f"the limit of values of a facet is {limit}, but must be from 1 to {MAX_VALUES}"
        )


def _named(where: ProductFilter, field: str) -> list[str]:
    """The words that a filter chooses in a field, each once."""
    words = (
        word.casefold()
        for one in where.conditions
        if isinstance(one, AnyOf) and one.field == field and not one.negate
        for word in one.values
    )
    return list(dict.fromkeys(words))


def _levels(field: str, word: str) -> Iterable[str]:
    """A category and all above it, so that the way down to it is listed; else the word itself."""
    if field != CATEGORY:
        return (word,)
    names = word.split(CATEGORY_SEPARATOR)
    return [CATEGORY_SEPARATOR.join(names[: n + 1]) for n in range(len(names))]


def _values(counts: FieldCounts, named: Sequence[str]) -> list[FacetValue]:
    """The listed values; what the filter names and no product ever had comes last, with 0."""
    values = [
        FacetValue(word, int(count), chosen=word in named)
        for word, count in zip(counts.words, counts.counts.tolist(), strict=True)
    ]
    listed = set(counts.words)
    return values + [FacetValue(word, 0, chosen=True) for word in named if word not in listed]


def _tree(values: Sequence[FacetValue]) -> tuple[FacetValue, ...]:
    """Categories under the one above them, where that is listed."""
    by_path = {value.value: value for value in values}
    below: dict[str, list[FacetValue]] = {}
    for value in values:
        above = value.value.rpartition(CATEGORY_SEPARATOR)[0]
        below.setdefault(above if above in by_path else "", []).append(value)

    def grown(value: FacetValue) -> FacetValue:
        children = below.get(value.value, ()) if value.value else ()
        return replace(value, children=tuple(map(grown, children)))

    return tuple(map(grown, below.get("", ())))


def _renamed(
    values: Iterable[FacetValue],
    generation_id: str,
    field: str,
    spellings: Mapping[tuple[str, str, str], str],
) -> tuple[FacetValue, ...]:
    return tuple(
        replace(
            one,
            value=spellings.get((generation_id, field, one.value), one.value),
            children=_renamed(one.children, generation_id, field, spellings),
        )
        for one in values
    )


def _spelling(product: Product | None, field: str, word: str) -> str:
    """The word as a product spells it; the word itself where the product has changed since."""
    if product is None:
        return word
    if field == CATEGORY:
        depth = word.count(CATEGORY_SEPARATOR) + 1
        spelt = CATEGORY_SEPARATOR.join(product.product_type.split(CATEGORY_SEPARATOR)[:depth])
    elif field == CURRENCY:
        spelt = product.price.currency if product.price else ""
    else:
        own = getattr(product, field) if field in FILTER_FIELDS else ""
        spelt = own or product.attributes.get(field, "")
    return spelt if spelt.casefold() == word else word
