"""Which group of alike queries a query belongs to: by how it asks, or by what it should find.

How it asks (`kind`): with words, a picture, a product, or a mix of them. Every query is of one such
kind; those with negatives, further wishes or filters are looked at once more by themselves.

What it should find: the value of a field that more than half of its relevant products have, where
products that lack the field count as `NOT_SET`; `MIXED` where no value is that of more than half,
`NO_RELEVANT` where the catalog holds no relevant product. So each query is in one group of a field.

    category   the first two levels of `product_type`; the first alone where only that is shared
    price      bands between the quartiles of the prices of all relevant products, each counted
               once, for each currency by itself
    others     `gender`, and any field or attribute of a product by its name
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

import numpy as np

from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    FILTER_ALIASES,
    FILTER_FIELDS,
    Price,
    Product,
    minor_digits,
)
from shopsearch.errors import EvaluationError
from shopsearch.evaluation.queries import JudgedQuery

NOT_SET, MIXED, NO_RELEVANT = "(not set)", "(mixed)", "(no relevant product)"
_CATEGORY_LEVELS = 2

Groups = Mapping[str, Sequence[str]]  # value -> query ids
Relevant = Mapping[str, Sequence[Product]]  # query id -> its relevant products in the catalog


def by_kind(queries: Iterable[JudgedQuery]) -> Groups:
    """Queries by how they ask."""
    groups: dict[str, list[str]] = {}
    for query in queries:
        for kind in _kinds(query):
            groups.setdefault(kind, []).append(query.query_id)
    return _largest_first(groups)


def by_label(queries: Iterable[JudgedQuery]) -> Groups:
    """Queries by the slices that their file names; empty where it names none."""
    groups: dict[str, list[str]] = {}
    for query in queries:
        for label in query.slices or (NOT_SET,):
            groups.setdefault(label, []).append(query.query_id)
    return _largest_first(groups) if set(groups) - {NOT_SET} else {}


def by_category(relevant: Relevant) -> Groups:
    """Queries by the category of what they should find."""
    return _by_majority(relevant, _shared_category, lambda product: product.product_type)


def by_field(relevant: Relevant, field: str) -> Groups:
    """Queries by a field or attribute of what they should find; empty where no product has it."""
    return _by_majority(
        relevant,
        lambda products: _majority([_value(product, field) for product in products]),
        lambda product: _value(product, field),
    )


def by_asked_field(relevant: Relevant, field: str) -> Groups:
    """The same for a field that somebody asked for. Raises `EvaluationError` where none has it."""
    name = FILTER_ALIASES.get(field, field)
    groups = by_category(relevant) if name == "product_type" else by_field(relevant, name)
    if not groups:
        there = sorted(
            {each for products in relevant.values() for p in products for each in _of(p)}
        )
        raise EvaluationError(
            f"queries cannot be sliced by {field!r}: no relevant product has such a field; "
            f"they have {', '.join(there) or 'none at all'}"
        )
    return groups


def by_price(relevant: Relevant) -> Groups:
    """Queries by the price band of what they should find, the cheapest first."""
    products = {p.product_id: p for each in relevant.values() for p in each}
    prices = [product.price for product in products.values() if product.price is not None]
    bands = {
        currency: _bands(prices, currency) for currency in sorted({p.currency for p in prices})
    }
    groups = _by_majority(
        relevant,
        lambda found: _majority([_band(p.price, bands) if p.price else "" for p in found]),
        lambda product: product.price,
    )
    order = [label for bounds in bands.values() for label in bounds]
    return {band: groups[band] for band in (*order, MIXED, NOT_SET, NO_RELEVANT) if band in groups}


def _kinds(query: JudgedQuery) -> list[str]:
    parts = {
        "text": query.text.strip(),
        "image": query.image,
        "product": query.product_id,
    }
    kinds = ["+".join(part for part, given in parts.items() if given) or "further wishes alone"]
    if query.negatives:
        kinds.append("with negatives")
    if query.also:
        kinds.append("with further wishes")
    if query.where:
        kinds.append("with filters")
    return kinds


def _by_majority(
    relevant: Relevant,
    shared: Callable[[Sequence[Product]], str],
    value: Callable[[Product], object],
) -> Groups:
    """Empty where no product has a value: such a field says nothing about the search."""
    if not any(value(product) for products in relevant.values() for product in products):
        return {}
    groups: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for query_id, products in relevant.items():
        label = shared(products) if products else NO_RELEVANT
        label = spelled.setdefault(label.casefold(), label)
        groups.setdefault(label, []).append(query_id)
    return _largest_first(groups)


def _majority(values: Collection[str]) -> str:
    """The value of more than half, whatever its case; as it is spelled first."""
    folded, count = Counter(value.casefold() for value in values).most_common(1)[0]
    if 2 * count <= len(values):
        return MIXED
    return next(value for value in values if value.casefold() == folded) or NOT_SET


def _shared_category(products: Sequence[Product]) -> str:
    """The deepest of the first levels that more than half have in common."""
    for depth in range(_CATEGORY_LEVELS, 0, -1):
        levels = [product.product_type.split(CATEGORY_SEPARATOR)[:depth] for product in products]
        if (shared := _majority([CATEGORY_SEPARATOR.join(each) for each in levels])) != MIXED:
            return shared
    return MIXED


def _bands(prices: Iterable[Price], currency: str) -> dict[str, tuple[float, float]]:
    """Label -> above which and up to which amount, from the quartiles of the prices."""
    amounts = [price.amount_minor for price in prices if price.currency == currency]
    quartiles = np.unique(np.percentile(amounts, [25, 50, 75], method="inverted_cdf"))
    inner = [int(bound) for bound in quartiles if bound < max(amounts)]
    bounds = [-np.inf, *inner, np.inf]
    return {_band_name(low, high, currency): (low, high) for low, high in pairwise(bounds)}


def _band_name(low: float, high: float, currency: str) -> str:
    if low == -np.inf:
        return f"any {currency}" if high == np.inf else f"up to {_amount(high, currency)}"
    if high == np.inf:
        return f"over {_amount(low, currency)}"
    return f"over {_amount(low, currency).split()[0]} to {_amount(high, currency)}"


def _amount(amount_minor: float, currency: str) -> str:
    return f"{Decimal(int(amount_minor)).scaleb(-minor_digits(currency))} {currency}"


def _band(price: Price, bands: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    return next(
        label
        for label, (low, high) in bands[price.currency].items()
        if low < price.amount_minor <= high
    )


def _value(product: Product, field: str) -> str:
    value = getattr(product, field) if field in FILTER_FIELDS else product.attributes.get(field)
    return str(value or "")


def _of(product: Product) -> list[str]:
    """The fields that a product has and queries can be sliced by."""
    named = [field for field in (*FILTER_FIELDS, "product_type") if getattr(product, field)]
    return [*named, *(name for name, value in product.attributes.items() if value)]


def _largest_first(groups: Mapping[str, Sequence[str]]) -> Groups:
    """The groups without a value of their own come last."""
    rest = (MIXED, NOT_SET, NO_RELEVANT)
    order = sorted(groups, key=lambda value: (value in rest, -len(groups[value])))
    return {value: groups[value] for value in order}
