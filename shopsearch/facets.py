"""Facets: how often each value of a field occurs among all that a query's filter lets through.

The index counts, by its columns. A word is spelt as the first product that had it spelled it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from shopsearch.collapsing import GROUP_FIELD
from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    FILTER_ALIASES,
    AnyOf,
    Between,
    Facet,
    FacetValue,
    FieldCounts,
    PriceBand,
    PriceHistogram,
    ProductFilter,
    Query,
    minor_digits,
)
from shopsearch.errors import QueryError
from shopsearch.index import Fields
from shopsearch.index.generations import Generation
from shopsearch.price_bands import bands_of, histogram_of

MAX_FACETS = 20
MAX_VALUES = 200
TREE_FACTOR = 5  # a category is listed with all levels above it, so there is room for more of them
MAX_CURRENCIES = 5  # price bands for the most frequent ones

CATEGORY = "product_type"
PRICE = "price"
CURRENCY = "currency"
N_REMEMBERED = 512  # facets of a generation, some 10 kB each
REMEMBERED_UP_TO = 50  # values that are asked for; longer lists are seldom, and take room


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that one facet depends on, but for the products."""

    name: str
    where: ProductFilter
    limit: int
    containing: str
    collapse: bool
    except_key: int | None


def facets_of(
    generation: Generation, query: Query, except_key: int | None = None
) -> tuple[Facet, ...]:
    """The facets that a query asks for, in its order; `except_key` is not counted.

    They depend on the filter and not on the words, so those of filters that are used again and
    again, and of none, are counted once for a generation. The query's filter has canonical fields.
    Raises `QueryError` for too many facets.
    """
    check_facets(query.facets, query.facet_limit)
    fields = generation.index.fields
    asked = [
        _Asked(
            name,
            query.where,
            query.facet_limit,
            query.facet_query.casefold(),
            query.collapse,
            except_key,
        )
        for name in query.facets
    ]
    count: Callable[[_Asked], Facet] = partial(_counted, fields)
    is_short = query.facet_limit <= REMEMBERED_UP_TO
    if is_short and except_key is None and _is_used_again(query.where):
        remembering = lru_cache(N_REMEMBERED)(count)
        count = generation.derived.once("facets", lambda: remembering)
    return tuple(map(count, asked))


def _is_used_again(where: ProductFilter) -> bool:
    """Whether others may have the same filter: one that names what is relevant to some words, in an
    array, is theirs alone.
    """
    try:
        hash(where)
    except TypeError:
        return False
    return True


def _counted(fields: Fields, asked: _Asked) -> Facet:
    field = FILTER_ALIASES.get(asked.name, asked.name)
    named = _named(asked.where, field)
    counts = fields.counts(
        field,
        asked.where.without(field),
        limit=asked.limit * (TREE_FACTOR if field == CATEGORY else 1),
        named=[word for one in named for word in _levels(field, one)],
        except_key=asked.except_key,
        once_per=GROUP_FIELD if asked.collapse else None,
        containing=asked.containing,
    )
    values = _values(counts, named)
    bands, histograms = _prices(fields, asked) if field == PRICE else ((), ())
    return Facet(
        name=asked.name,
        field=field,
        values=_tree(values) if field == CATEGORY else tuple(values),
        n_values=counts.n_words,
        n_missing=counts.n_missing,
        bands=bands,
        histograms=histograms,
    )


def _prices(
    fields: Fields, asked: _Asked
) -> tuple[tuple[PriceBand, ...], tuple[PriceHistogram, ...]]:
    """The bands and the histogram of each currency."""
    others = asked.where.without(PRICE)
    found = fields.counts(CURRENCY, others, limit=MAX_CURRENCIES, except_key=asked.except_key)
    chosen = {one for one in asked.where.conditions if isinstance(one, Between)}
    bands: list[PriceBand] = []
    histograms: list[PriceHistogram] = []
    for currency in found.words:
        of_currency = others  # all prices are in it
        if found.n_words > 1:
            of_currency = ProductFilter((*others.conditions, AnyOf(CURRENCY, (currency,))))
        prices = fields.counts(
            PRICE,
            of_currency,
            limit=0,
            except_key=asked.except_key,
            once_per=GROUP_FIELD if asked.collapse else None,
        ).numbers
        bands += bands_of(prices, currency.upper(), minor_digits(currency))
        if histogram := histogram_of(prices, currency.upper(), minor_digits(currency)):
            histograms.append(histogram)
    marked = tuple(
        replace(band, chosen=Between(PRICE, band.low, band.high) in chosen) for band in bands
    )
    return marked, tuple(histograms)


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
    listed = zip(counts.words, counts.spellings, counts.counts.tolist(), strict=True)
    values = [FacetValue(spelt, count, chosen=word in named) for word, spelt, count in listed]
    known = set(counts.words)
    return values + [FacetValue(word, 0, chosen=True) for word in named if word not in known]


def _tree(values: Sequence[FacetValue]) -> tuple[FacetValue, ...]:
    """Categories under the one above them, where that is listed."""
    by_path = {value.value.casefold(): value for value in values}
    below: dict[str, list[FacetValue]] = {}
    for value in values:
        above = value.value.casefold().rpartition(CATEGORY_SEPARATOR)[0]
        below.setdefault(above if above in by_path else "", []).append(value)

    def grown(value: FacetValue) -> FacetValue:
        children = below.get(value.value.casefold(), ()) if value.value else ()
        return replace(value, children=tuple(map(grown, children)))

    return tuple(map(grown, below.get("", ())))
