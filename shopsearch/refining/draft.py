"""The query while a turn is read: every edit leaves word of what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from shopsearch.domain import (
    MAX_WISHES,
    AnyOf,
    Between,
    PartKind,
    Product,
    Query,
    Sort,
    UnderstoodPart,
    Wanted,
)
from shopsearch.plain_text import clean
from shopsearch.refining import editing
from shopsearch.refining.amounts import price_words
from shopsearch.refining.naming import AVAILABILITY, Named, value_words
from shopsearch.refining.turns import Change, ChangeKind, Known, Missed, Refined, Turn

MAX_TEXT_CHARS = 1000
MAX_VALUES = 50  # of one field, as an address takes them
MAX_TITLE_CHARS = 60
LABELS = {"product_type": "category", "gender": "for", AVAILABILITY: "availability"}
_BEFORE = {
    "brand": "by",
    "color": "in",
    "material": "of",
    "gender": "for",
    "size": "in size",
    "product_type": "of the category",
}
ORDERS = {
    Sort.RELEVANCE: "best match first",
    Sort.NEWEST: "newest first",
    Sort.POPULARITY: "most popular first",
    Sort.PRICE_ASC: "cheapest first",
    Sort.PRICE_DESC: "most expensive first",
}


class Draft:
    """A query being refined."""

    def __init__(self, turn: Turn, known: Known) -> None:
        self.query = turn.query
        self.parts: tuple[UnderstoodPart, ...] = turn.parts
        self._known = known
        self._pictured = turn.pictured
        self._changes: list[Change] = []
        self._missed: list[Missed] = []

    def refined(self) -> Refined:
        """What came of it; a changed query begins at its first page."""
        if self.query.wishes and not self.is_sought:
            self.query = replace(self.query, negatives=(), also=())
            told = "Nothing is searched for any more, so nothing is unwanted either."
            self.did(ChangeKind.REMOVED, "nothing unwanted", told)
        query = replace(self.query, offset=0) if self._changes else self.query
        return Refined(query=query, changes=tuple(self._changes), missed=tuple(self._missed))

    @property
    def is_sought(self) -> bool:
        """Whether anything is searched for, which filters alone do not do."""
        return self._pictured or not self.query.is_empty

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was done, and nothing said not to be."""
        return not (self._changes or self._missed)

    def miss(self, said: str, why: str) -> None:
        """Some words change nothing."""
        self._missed.append(Missed(said.strip(), why))

    def did(self, kind: ChangeKind, text: str, told: str, field: str = "") -> None:
        """Something was changed; of the values of one field, the latest word holds."""
        if kind is ChangeKind.FILTER:
            self._changes = [one for one in self._changes if (one.kind, one.field) != (kind, field)]
        self._changes.append(Change(kind=kind, text=text, told=told, field=field))

    def want(self, named: Named, *, adds: bool = False) -> None:
        """These values of a field alone, or beside those that are wanted."""
        field = named.field
        if not named.values:
            self.miss(named.said, f"The shop's products do not tell whether they are {named.said}.")
            return
        in_words = self._parts_of(named)
        before = [*editing.values_wanted(self.query, field)]
        before += [value for part in in_words for value in _values(part)]
        values = [*before, *named.values] if adds else list(named.values)
        if len(set(map(str.casefold, values))) > MAX_VALUES:
            self.miss(named.said, f"No more than {MAX_VALUES} values of a field can be chosen.")
            return
        spelt = [self._known.spelled(field, value) for value in values]
        new = self._unworded(editing.wanting(self.query, field, spelt), in_words)
        if new == self.query:
            self.miss(named.said, f"It is {self._words(field, named.values)} already.")
            return
        gone = [v for v in before if v.casefold() not in set(map(str.casefold, values))]
        self.query = new
        words = self._words(field, values)
        instead = f", instead of {self._words(field, gone)}" if gone else ""
        told = f"Only {_told_of(field, words)}{instead}."
        self.did(ChangeKind.FILTER, f"{LABELS.get(field, field)}: {words}", told, field)

    def exclude(self, named: Named) -> None:
        """None of these values of a field."""
        field, words = named.field, self._words(named.field, named.values)
        if not named.values:
            self.miss(named.said, f"The shop's products do not tell whether they are {named.said}.")
            return
        spelt = [self._known.spelled(field, value) for value in named.values]
        if len({*editing.values_excluded(self.query, field), *spelt}) > MAX_VALUES:
            self.miss(named.said, f"No more than {MAX_VALUES} values of a field can be excluded.")
            return
        in_words = [part for part in self._parts_of(named) if _meets(part, named.values)]
        new = self._unworded(editing.excluding(self.query, field, spelt), in_words)
        if new == self.query:
            self.miss(named.said, f"Without {words} it is already.")
            return
        self.query = new
        told = f"Nothing {_told_of(field, words)}."
        self.did(ChangeKind.EXCLUDE, f"{LABELS.get(field, field)}: not {words}", told, field)

    def unwant(self, words: str) -> None:
        """Products with these words come last."""
        if not self.is_sought:
            self.miss(words, f"Say first what to search for: “{words}” can be unwanted then.")
        elif any(editing.same(words, one) for one in self.query.negatives):
            self.miss(words, f"“{words}” is unwanted already.")
        elif len(self.query.negatives) >= MAX_VALUES:
            self.miss(words, f"No more than {MAX_VALUES} things can be unwanted.")
        else:
            query = editing.without_words(self.query, words)
            self.query = replace(query, negatives=(*query.negatives, words))
            told = f"Products that say “{words}” come last."
            self.did(ChangeKind.UNWANTED, f"not {words}", told)

    def wish(self, words: str, weight: float) -> None:
        """More or less of what some words say."""
        if not self._wished(Wanted(text=words, weight=weight), words):
            return
        if weight > 0.0:
            self.did(ChangeKind.WISH, f"more {words}", f"More {words}.")
        else:
            self.did(ChangeKind.WISH, f"less {words}", f"Less {words}.")

    def like(self, products: Sequence[Product], weight: float, said: str) -> None:
        """More or less like products."""
        for product in products:
            if self._wished(Wanted(product_id=product.product_id, weight=weight), said):
                more = "more" if weight > 0.0 else "less"
                title = _title(product)
                told = f"{more.capitalize()} like “{title}”."
                self.did(ChangeKind.LIKE, f"{more} like {title}", told)

    def sort(self, order: Sort, said: str) -> None:
        """Another order."""
        if self.query.sort is order:
            self.miss(said, f"It is {ORDERS[order]} already.")
            return
        self.query = replace(self.query, sort=order)
        self.did(ChangeKind.SORT, ORDERS[order], f"{ORDERS[order].capitalize()}.")

    def price(
        self, low: float | None, high: float | None, currency: str = "", because: str = ""
    ) -> None:
        """These bounds alone; of one currency where the catalog has several."""
        query = self._unworded(self.query, self._priced_parts())
        query = editing.priced(query, low, high)
        if currency:
            query = editing.wanting(query, "currency", [currency.upper()])
        words = price_words(low, high, currency)
        if query == self.query:
            self.miss(words, f"The price is {words} already.")
            return
        self.query = query
        self.did(ChangeKind.PRICE, f"price: {words}", f"Price {words}{because}.", editing.PRICE)

    def bounds(self) -> Between:
        """The price that will do now, by a filter or by words."""
        told = [part.wish for part in self._priced_parts() if isinstance(part.wish, Between)]
        return editing.bounds_of(self.query) or next(iter(told), Between(editing.PRICE))

    def add_words(self, words: str) -> None:
        """More words are searched for."""
        text = f"{self.query.text} {words}".strip()
        if len(text) > MAX_TEXT_CHARS:
            self.miss(words, "The search has as many words as it can hold.")
            return
        too = " too" if self.is_sought else ""
        self.query = replace(self.query, text=text)
        self.did(ChangeKind.WORDS, f"“{words}”", f"Searched for “{words}”{too}.")

    def begin_anew(self, words: str) -> None:
        """Something else is searched for."""
        self.query = editing.renewed(self.query, words)
        self.parts = ()
        self.did(ChangeKind.TOPIC, f"“{words}”", f"Searched for “{words}” alone.")

    def forget(self, said: str, what: str, edit: Callable[[Query], Query]) -> None:
        """Something is said of no more."""
        query = edit(self.query)
        if query == self.query:
            self.miss(said, f"There is no {what} to take away.")
            return
        self.query = query
        self.did(ChangeKind.REMOVED, f"no {what}", f"{what[:1].upper()}{what[1:]}: taken away.")

    def forget_field(self, said: str, field: str) -> None:
        """Nothing is asked of a field, by filters or by words."""
        parts = [one for one in self.parts if _field_of(one) == field]

        def edit(query: Query) -> Query:
            query = editing.without_field(query, field)
            if field == editing.PRICE:  # a price that is told may be told in one currency
                query = editing.without_field(query, "currency")
            return self._unworded(query, parts)

        label = "whom it is for" if field == "gender" else LABELS.get(field, field)
        self.forget(said, label, edit)

    def _wished(self, wish: Wanted, said: str) -> bool:
        query = editing.with_wish(self.query, wish)
        if wish.weight < 0.0 and not self.is_sought:
            self.miss(said, "Say first what to search for, and then what less of.")
        elif query == self.query:
            self.miss(said, f"“{said}” is wished for already.")
        elif len(query.also) > MAX_WISHES:
            self.miss(said, f"A search has at most {MAX_WISHES} wishes: take one away first.")
        else:
            self.query = query
            return True
        return False

    def _parts_of(self, named: Named) -> list[UnderstoodPart]:
        return [
            one
            for one in self.parts
            if _field_of(one) == named.field and named.kind in (None, one.kind)
        ]

    def _priced_parts(self) -> list[UnderstoodPart]:
        return [one for one in self.parts if one.kind is PartKind.PRICE]

    def _unworded(self, query: Query, parts: Iterable[UnderstoodPart]) -> Query:
        for part in parts:
            query = editing.without_words(query, part.text)
        return query

    def _words(self, field: str, values: Sequence[str]) -> str:
        return value_words(field, values, self._known)


def _told_of(field: str, words: str) -> str:
    """`in blue`, `by Nike`, `that is in stock`."""
    return f"{_BEFORE.get(field, 'that is')} {words}"


def _field_of(part: UnderstoodPart) -> str:
    return part.wish.field


def _values(part: UnderstoodPart) -> tuple[str, ...]:
    return part.wish.values if isinstance(part.wish, AnyOf) else ()


def _meets(part: UnderstoodPart, values: Iterable[str]) -> bool:
    return not set(_values(part)).isdisjoint(values)


def _title(product: Product) -> str:
    title = clean(product.title) or product.product_id
    return title if len(title) <= MAX_TITLE_CHARS else title[: MAX_TITLE_CHARS - 1].rstrip() + "…"
