"""The numbers of a whole catalog, as an index generation has them: to sort lists and to weigh by.

All comes from the index's columns and is kept for as long as the generation answers, so a list of
everything costs no product and no second sorting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, AnyOf, ProductFilter, Sort
from shopsearch.index import VectorIndex
from shopsearch.index.generations import Generation
from shopsearch.ranking.offers import POPULARITY, availability_of, plain_name
from shopsearch.ranking.order import by_number
from shopsearch.ranking.signals import log_shares, ranks

MAX_WORDS = 1000  # different currencies, and ways to say that something is to be had

Numbers = NDArray[np.float64]  # (N,) NaN where there is none
Keys = NDArray[np.int64]


class CatalogNumbers:
    """Numbers of the N products of one index, in ascending order of their keys."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._kept: dict[str, NDArray[np.float64]] = {}
        self._orders: dict[Sort, Keys] = {}
        self.keys = index.fields.matching(EVERYTHING)  # (N,) ascending

    def at(self, values: Numbers, keys: Keys) -> Numbers:
        """(M,) the values (N,) of some keys; NaN where the index does not hold one."""
        places = self._places(keys)
        return np.where(places < 0, np.nan, np.append(values, np.nan)[places])

    def popularity(self) -> Numbers:
        """How many like each product: `popularity`, or reviews, or ratings, as `offers` has it."""
        return self._once("popularity", self._popularity)

    def popularity_fields(self) -> list[str]:
        """The fields that count how many like a product: of the best known kind with any count."""
        spelt = [(plain_name(field), field) for field in self._index.fields.names()]
        for names in POPULARITY:
            fields = [field for name in names for plain, field in spelt if plain == name]
            if any(np.nanmax(self._field(one), initial=0.0) > 0 for one in fields):
                return fields
        return []

    def popularity_shares(self) -> Numbers:
        """0..1 by the logarithm."""
        return self._once("shares", lambda: log_shares(self.popularity()))

    def stock(self) -> Numbers:
        """1 in stock, 0 out of stock, NaN where it is not known or to be had later."""
        return self._once("stock", self._stock)

    def ranks(self, name: str) -> Numbers:
        """0..1, the rank in a field of numbers; prices among those of their currency."""
        return self._once(f"rank of {name}", lambda: self._ranks(name))

    def field_of(self, name: str) -> str | None:
        """The field of this name, or of the first that is the same but for case and signs."""
        fields = self._index.fields.names()
        if name in fields:
            return name
        wanted = plain_name(name)
        return next((one for one in fields if wanted and plain_name(one) == wanted), None)

    def sorted(self, matching: Keys, sort: Sort) -> Keys:
        """Some ascending keys in an order by price or popularity; equal ones the newest first."""
        if sort not in self._orders:
            self._orders[sort] = self._order(sort)
        order = self._orders[sort]  # (N,)
        chosen = np.zeros(len(self.keys), dtype=np.bool_)
        chosen[self._places(matching)] = True
        return self.keys[order[chosen[order]]]

    def order_of(self, keys: Keys, sort: Sort) -> NDArray[np.int64]:
        """The order, as positions (M,), of some keys by price or popularity: stable, those of
        which it is not known last. Prices are compared within a currency.
        """
        if sort is Sort.POPULARITY:
            return by_number(self.at(self.popularity(), keys), descending=True)
        currencies = np.append(self._currencies(), 0)[self._places(keys)]
        prices = self.at(self._field("price"), keys)
        return by_number(prices, currencies, descending=sort is Sort.PRICE_DESC)

    def _places(self, keys: Keys) -> Keys:
        """(M,) where keys stand among all; -1 where one does not."""
        if len(keys) == len(self.keys) and np.array_equal(keys, self.keys):
            return np.arange(len(keys))
        places = np.searchsorted(self.keys, keys)
        return np.where(np.append(self.keys, -1)[places] == keys, places, -1)

    def _once(self, name: str, made: Callable[[], Numbers]) -> Numbers:
        if name not in self._kept:
            self._kept[name] = made()
        return self._kept[name]

    def _field(self, field: str) -> Numbers:
        return self._once(f"field {field}", lambda: self._index.fields.numbers(field, self.keys))

    def _popularity(self) -> Numbers:
        counts = np.full(len(self.keys), np.nan)
        for field in self.popularity_fields():
            counts = np.where(np.isnan(counts), self._field(field), counts)
        return counts

    def _stock(self) -> Numbers:
        stock = np.full(len(self.keys), np.nan)
        for word in self._words("availability"):
            if (told := availability_of(word)) != 0.5:
                stock[self._with("availability", word)] = told
        return stock

    def _ranks(self, name: str) -> Numbers:
        field = self.field_of(name)
        if field is None:
            return np.full(len(self.keys), np.nan)
        return ranks(self._field(field), self._currencies() if field == "price" else None)

    def _currencies(self) -> NDArray[np.int64]:
        """(N,) the place of each product's currency in the alphabet of all; 0 without one."""
        codes = np.zeros(len(self.keys), dtype=np.int64)
        for code, word in enumerate(sorted(self._words("currency")), start=1):
            codes[self._with("currency", word)] = code
        return codes

    def _order(self, sort: Sort) -> Keys:
        """(N,) places; from the newest product on, so that equal ones stay like that."""
        newest_first = np.arange(len(self.keys))[::-1]
        if sort is Sort.POPULARITY:
            return newest_first[by_number(self.popularity()[::-1], descending=True)]
        descending = sort is Sort.PRICE_DESC
        prices, currencies = self._field("price")[::-1], self._currencies()[::-1]
        return newest_first[by_number(prices, currencies, descending=descending)]

    def _words(self, field: str) -> Sequence[str]:
        return self._index.fields.counts(field, limit=MAX_WORDS).words

    def _with(self, field: str, word: str) -> Keys:
        """Where the products stand that have a word in a field."""
        return self._places(self._index.fields.matching(ProductFilter((AnyOf(field, (word,)),))))


def numbers_of(generation: Generation) -> CatalogNumbers:
    """The numbers of a generation, which it keeps."""
    return generation.derived.once("numbers", lambda: CatalogNumbers(generation.index))
