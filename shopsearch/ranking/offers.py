"""What a product offers, whatever is asked for: its price, whether it is to be had, who likes it.

Each feature is a number from 0 to 1 for each of N candidates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Price, Product

N_BEST = 20  # candidates whose prices are what a shopper seems to look for

# the words of Google Merchant and of schema.org/ItemAvailability, and the plain ones
_TO_BE_HAD = frozenset(
    ("available", "instock", "instoreonly", "limitedavailability", "lowstock", "onlineonly")
)
_NOT_TO_BE_HAD = frozenset(("discontinued", "outofstock", "soldout", "unavailable"))

# Attributes that count how many like a product, the best known first: the plain name, then
# reviewCount and ratingCount of schema.org/AggregateRating, and their spellings in shops' exports.
POPULARITY = (
    ("popularity",),
    ("reviewcount", "reviewscount", "numberofreviews", "numreviews"),
    ("ratingcount", "ratingscount", "numberofratings", "numratings"),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d)[, ](?=\d{3}(?!\d))")

Column = NDArray[np.float32]  # (N,)


def price_nearness(products: Sequence[Product], cosines: Column) -> Column:
    """exp(-|ln p - ln m|), where m is the median price of the `N_BEST` products of highest cosine
    that have a price in the currency of p; half at half or twice the median.

    0 without a price, or where none of those is in its currency.
    """
    best = np.argsort(-cosines, kind="stable")[:N_BEST]
    medians = _medians([products[n].price for n in best])
    return np.array([_nearness(product.price, medians) for product in products], dtype=np.float32)


def availability(products: Sequence[Product], _cosines: Column) -> Column:
    """1 in stock, 0 out of stock; 0.5 where it is not known, or is to be had later."""
    return np.array(
        [availability_of(product.availability) for product in products], dtype=np.float32
    )


def popularity(products: Sequence[Product], _cosines: Column) -> Column:
    """ln(1 + n) as a share of the highest; 0 without a number.

    All count the same: `popularity` where one of the products has it, else reviews, else ratings.
    """
    attributes = [_by_plain_name(product.attributes) for product in products]
    for names in POPULARITY:
        counts = np.array([_count(told, names) for told in attributes], dtype=np.float32)
        if counts.any():
            shares: Column = np.log1p(counts) / np.log1p(counts.max())
            return shares
    return np.zeros(len(products), dtype=np.float32)


OFFERS: Mapping[str, Callable[[Sequence[Product], Column], Column]] = {
    "price": price_nearness,
    "available": availability,
    "popularity": popularity,
}


def _medians(prices: Sequence[Price | None]) -> dict[str, float]:
    """By currency, in minor units; what costs nothing is no price."""
    amounts: dict[str, list[int]] = {}
    for price in prices:
        if price is not None and price.amount_minor > 0:
            amounts.setdefault(price.currency, []).append(price.amount_minor)
    return {currency: float(median(each)) for currency, each in amounts.items()}


def _nearness(price: Price | None, medians: Mapping[str, float]) -> float:
    if price is None or price.amount_minor <= 0 or price.currency not in medians:
        return 0.0
    return math.exp(-abs(math.log(price.amount_minor / medians[price.currency])))


def availability_of(told: str) -> float:
    """1 where these words say that it is to be had now, 0 that it is not; else 0.5."""
    plain = plain_name(told.rstrip("/").rsplit("/", maxsplit=1)[-1])  # schema.org/InStock
    if plain in _TO_BE_HAD:
        return 1.0
    return 0.0 if plain in _NOT_TO_BE_HAD else 0.5


def _by_plain_name(attributes: Mapping[str, str]) -> dict[str, str]:
    return {plain_name(name): value for name, value in attributes.items()}


def _count(told: Mapping[str, str], names: Sequence[str]) -> float:
    """The first number under one of the names, as `1,234` or `1234.0`; 0 without one."""
    for name in names:
        number = _THOUSANDS.sub("", told.get(name, "").strip())
        if len(number) <= 15 and _NUMBER.fullmatch(number):  # longer ones are ids
            return float(number)
    return 0.0


def plain_name(name: str) -> str:
    """A name of a field without case and signs: `Review_Count` is `reviewcount`."""
    return re.sub(r"[\W_]", "", name.casefold())
