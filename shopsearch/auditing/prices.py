"""Prices that are far from those of the same category, zero, or missing.

Of n prices x of one category and currency, m is the median of log x and s = 1.4826 MAD their robust
spread (Iglewicz & Hoaglin 1993): a price is an outlier where |log x - m| > 3.5 s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.snapshot import CatalogSnapshot
from shopsearch.domain import CATEGORY_SEPARATOR, Price

MIN_PRICES = 8  # of a category: of fewer nothing is usual
BOUND = 3.5  # robust standard deviations
LEAST_SPREAD = 0.15  # of logarithms: where nearly all cost the same, a little more is no outlier
_TO_SIGMA = 1.4826
_QUARTERS = (10, 90)  # percentiles of the usual range

NAME = "prices"


class PriceFault(StrEnum):
    """What is wrong with a price, the gravest first."""

    ZERO = "zero"
    LOW = "low"
    HIGH = "high"
    MISSING = "missing"


_GRAVITY = {PriceFault.ZERO: 0, PriceFault.MISSING: 2}  # those between go by their deviation


@dataclass(frozen=True, slots=True)
class OddPrice:
    """A product with such a price; the usual range is what 80 % of the category cost."""

    product_id: str
    title: str
    fault: PriceFault
    price: str
    category: str  # the level that it was compared at; "" without one
    n_compared: int
    usual_low: str
    usual_high: str
    deviation: float  # robust standard deviations from the median, of logarithms
    image_hash: str

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return (self.product_id,)


@dataclass(frozen=True, slots=True)
class _Usual:
    """What products of one category cost, in one currency."""

    category: str
    n: int
    median: float  # of logarithms
    spread: float
    low: float
    high: float

    @classmethod
    def of(cls, category: str, amounts: Sequence[float]) -> _Usual:
        logs = np.log(amounts)
        median = float(np.median(logs))
        spread = _TO_SIGMA * float(np.median(np.abs(logs - median)))
        low, high = np.percentile(amounts, _QUARTERS)
        return cls(
            category, len(amounts), median, max(spread, LEAST_SPREAD), float(low), float(high)
        )

    def deviation(self, amount: float) -> float:
        return (float(np.log(amount)) - self.median) / self.spread


def odd_prices(snapshot: CatalogSnapshot) -> Section:
    """Every product whose price is odd. A missing price is a fault where most have one."""
    usual = _usual(snapshot)
    priced = sum(product.price is not None for product in snapshot.products)
    found = [
        fault
        for place in range(len(snapshot))
        if (fault := _odd(snapshot, place, usual, expects_price=priced > 0))
    ]
    found.sort(key=lambda one: (_GRAVITY.get(one.fault, 1), -abs(one.deviation)))
    return Section(
        name=NAME,
        title="Odd prices",
        n_checked=len(snapshot) if priced else 0,
        findings=found,
        columns=columns_of(OddPrice),
        counts={str(fault): sum(one.fault is fault for one in found) for fault in PriceFault},
        remarks=() if priced else ("no product has a price",),
    )


def _usual(snapshot: CatalogSnapshot) -> dict[tuple[str, str], _Usual]:
    """By category and currency, at every level that has prices enough."""
    amounts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for product in snapshot.products:
        if product.price is not None and product.price.amount_minor > 0:
            for level in levels(product.product_type):
                amounts[level, product.price.currency].append(float(product.price.amount))
    return {
        key: _Usual.of(key[0], values)
        for key, values in amounts.items()
        if len(values) >= MIN_PRICES
    }


def levels(category: str) -> Iterator[str]:
    """A category and all above it, the narrowest first."""
    parts = category.split(CATEGORY_SEPARATOR) if category else []
    for n in range(len(parts), 0, -1):
        yield CATEGORY_SEPARATOR.join(parts[:n])


def _odd(
    snapshot: CatalogSnapshot,
    place: int,
    usual: dict[tuple[str, str], _Usual],
    *,
    expects_price: bool,
) -> OddPrice | None:
    price = snapshot.products[place].price
    if price is None:
        return _told(snapshot, place, PriceFault.MISSING, None, 0.0) if expects_price else None
    category = snapshot.products[place].product_type
    known = (usual.get((level, price.currency)) for level in levels(category))
    compared = next((one for one in known if one is not None), None)
    if price.amount_minor <= 0:
        return _told(snapshot, place, PriceFault.ZERO, compared, 0.0)
    if compared is None:
        return None
    deviation = compared.deviation(float(price.amount))
    if abs(deviation) <= BOUND:
        return None
    fault = PriceFault.LOW if deviation < 0 else PriceFault.HIGH
    return _told(snapshot, place, fault, compared, deviation)


def _told(
    snapshot: CatalogSnapshot,
    place: int,
    fault: PriceFault,
    compared: _Usual | None,
    deviation: float,
) -> OddPrice:
    product = snapshot.products[place]
    price = product.price
    return OddPrice(
        product_id=product.product_id,
        title=product.title,
        fault=fault,
        price="" if price is None else str(price),
        category=product.product_type if compared is None else compared.category,
        n_compared=0 if compared is None else compared.n,
        usual_low=_shown(price, compared, 0),
        usual_high=_shown(price, compared, 1),
        deviation=deviation,
        image_hash=snapshot.image_hashes[place] or "",
    )


def _shown(price: Price | None, compared: _Usual | None, end: int) -> str:
    if price is None or compared is None:
        return ""
    return f"{(compared.low, compared.high)[end]:.2f} {price.currency}"
