"""Query understanding: a query in, the same query with what its words ask for made exact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from shopsearch.domain import (
    AnyOf,
    Between,
    Lexicon,
    PartKind,
    ProductFilter,
    Query,
    Sort,
    UnderstoodPart,
)
from shopsearch.index.generations import Generation
from shopsearch.languages import ENGLISH, Language
from shopsearch.store import ProductStore
from shopsearch.understanding.ambiguity import Ambiguity
from shopsearch.understanding.comparing import compared_prices
from shopsearch.understanding.preferred import ValueReader
from shopsearch.understanding.prices import PriceWords, prices_in
from shopsearch.understanding.sizes import sizes_in
from shopsearch.understanding.values import CatalogValues
from shopsearch.understanding.words import Span, Word, no_wishes, words_of

_DEFAULT_CURRENCIES = ("usd", "inr", "gbp", "jpy")  # of a sign that several share
_LOOSE = " \t,;:-\N{EN DASH}\N{EM DASH}"  # what is left dangling where words are taken out


@dataclass(frozen=True, slots=True)
class Understood:
    """A query and what of its words was understood."""

    query: Query  # filtered by what was understood as a filter, without the words for it
    parts: tuple[UnderstoodPart, ...] = ()  # in the order of the text

    @property
    def preferences(self) -> list[UnderstoodPart]:
        """What is preferred: it raises products and hides none."""
        return [part for part in self.parts if not part.is_filter]

    def whole(self, text: str | None) -> str | None:
        """A text that replaces that of the query, with the words for filters put back."""
        if text is None:
            return None
        return " ".join([text, *(part.text for part in self.parts if part.is_filter)]).strip()


@dataclass(frozen=True, slots=True)
class _Found:
    """A part and its place; None: words that mean nothing more, or what a filter says already."""

    span: Span
    part: UnderstoodPart | None
    leaves_text: bool = False


class Understanding:
    """Takes prices, sizes, colours, brands and the like out of the words of queries."""

    def __init__(
        self,
        lexical: Lexicon,
        store: ProductStore,
        *,
        is_enabled: bool = True,
        language: Language = ENGLISH,
    ) -> None:
        self.language = language
        self._lexical = lexical
        self._store = store
        self._is_enabled = is_enabled

    def read(self, query: Query, generation: Generation) -> Understood:
        """Any query whose filter has canonical fields; one with nothing in it comes back as it is.

        The values of a generation are read with the first query that it answers.
        """
        if not (self._is_enabled and query.understand and query.text.strip()):
            return Understood(query)
        values, ambiguity = self.values_of(generation)
        reading = _Reading(query, values, ambiguity, self._store, self.language)
        found = sorted(reading.found(), key=_start)
        where, parts = _filtered(query.where, [one.part for one in found if one.part], generation)
        text = _without(query.text, [one.span for one in found if one.leaves_text])
        return Understood(replace(query, where=where, text=text), parts)

    def warm_up(self, generation: Generation) -> None:
        """Read the values of a generation, so that its first query need not wait for them."""
        if self._is_enabled:
            self.values_of(generation)

    def values_of(self, generation: Generation) -> tuple[CatalogValues, Ambiguity]:
        """What words may mean in a generation, and how usual that is.

        Read once for each generation; whoever needs them meanwhile waits.
        """

        def read() -> tuple[CatalogValues, Ambiguity]:
            values = CatalogValues.of(generation.index, self.language)
            return values, Ambiguity(self._lexical, generation.index)

        return generation.derived.once("values", read)


class _Reading:
    """One query being read."""

    def __init__(
        self,
        query: Query,
        values: CatalogValues,
        ambiguity: Ambiguity,
        store: ProductStore,
        language: Language,
    ) -> None:
        self._query = query
        self._text = query.text
        self._words: list[Word] = words_of(query.text, language)
        self._language = language
        self._values = values
        self._ambiguity = ambiguity
        self._store = store
        self._told = {condition.field for condition in query.where.conditions}
        self._literal = {_folded(words) for words in query.literal}

    def found(self) -> list[_Found]:
        """Filters first: a number in a price is no size, a size no category."""
        taken = no_wishes(self._text, self._words, self._language)
        found: list[_Found] = []
        for reading in (self._compared, self._prices, self._sizes):
            for one in reading():
                if not any(one.span.meets(span) for span in taken):
                    found.append(one)
                    taken.append(one.span)
        if self._is_raised:
            found += self._values_in(taken)
        return found

    @property
    def _is_raised(self) -> bool:
        """Whether anything can be preferred: in the order by relevance of words alone."""
        is_words_alone = not (self._query.image or self._query.product_id)
        return is_words_alone and self._query.sort is Sort.RELEVANCE

    def _compared(self) -> Iterator[_Found]:
        product_id = self._query.product_id
        if not product_id or not (stored := self._store.find([product_id])):
            return
        price = stored[product_id].product.price
        if price is None:
            return
        for span, wish in compared_prices(self._text, price):
            currency = price.currency.casefold() if len(self._values.currencies) > 1 else ""
            yield self._filter(span, PartKind.PRICE, wish, currency)

    def _prices(self) -> Iterator[_Found]:
        if not self._values.currencies:
            return
        for price in prices_in(self._text, self._values.currencies):
            said = self._text[price.span.start : price.span.end]
            if not (price.may_be_name and self._ambiguity.is_held(said)):
                wish = Between("price", price.low, price.high)
                yield self._filter(price.span, PartKind.PRICE, wish, self._currency(price))

    def _currency(self, price: PriceWords) -> str:
        """The one that is meant, where it says more than the catalog does by itself."""
        meant = {code.casefold() for code in price.currencies}
        own = meant & self._values.currencies
        if not meant or own == self._values.currencies:
            return ""
        usual = (code for code in _DEFAULT_CURRENCIES if code in (own or meant))
        return next(usual, min(own or meant))

    def _sizes(self) -> Iterator[_Found]:
        for size in sizes_in(self._text, self._words, self._values.sizes):
            wish = AnyOf("size", size.values)
            if not (size.stands_alone and self._is_name(size.span, wish)):
                yield self._filter(size.span, PartKind.SIZE, wish)

    def _is_name(self, span: Span, wish: AnyOf) -> bool:
        """Whether `xl` belongs to the word before it, as in a model that is called so."""
        before = [word for word in self._words if word.span.end <= span.start]
        together = self._text[before[-1].span.start : span.end] if before else ""
        return bool(together) and self._ambiguity.means_else(wish, together)

    def _values_in(self, taken: Sequence[Span]) -> Iterator[_Found]:
        reader = ValueReader(
            self._text,
            self._words,
            self._values,
            self._ambiguity,
            self._told,
            language=self._language,
        )
        seen = set()
        for one in reader.found(taken):
            said = self._text[one.span.start : one.span.end]
            is_new = _folded(said) not in self._literal and one.wish not in seen
            part = UnderstoodPart(kind=one.kind, text=said, wish=one.wish)
            seen.add(one.wish)
            yield _Found(one.span, part if is_new else None)

    def _filter(
        self, span: Span, kind: PartKind, wish: AnyOf | Between, currency: str = ""
    ) -> _Found:
        """A part that is a filter, unless the shopper wants its words to be words, or has set a
        filter of the same field: that one holds then, and the words have been said already.
        """
        said = self._text[span.start : span.end]
        if _folded(said) in self._literal:
            return _Found(span, None)
        if wish.field in self._told:
            return _Found(span, None, leaves_text=True)
        part = UnderstoodPart(kind=kind, text=said, wish=wish, currency=currency, is_filter=True)
        return _Found(span, part, leaves_text=True)


def _filtered(
    where: ProductFilter, parts: Iterable[UnderstoodPart], generation: Generation
) -> tuple[ProductFilter, tuple[UnderstoodPart, ...]]:
    """The filter with what was understood, and the parts, those marked that would leave nothing.

    Of several sizes either will do.
    """
    told = list(parts)
    sizes = [one.wish for one in told if one.is_filter and isinstance(one.wish, AnyOf)]
    either = AnyOf("size", tuple(dict.fromkeys(v for one in sizes for v in one.values)))
    checked = []
    for part in told:
        if part.is_filter:
            wished = (either,) if isinstance(part.wish, AnyOf) else part.where.conditions
            new = tuple(one for one in wished if one not in where.conditions)
            narrowed = ProductFilter((*where.conditions, *new))
            if len(generation.index.fields.matching(narrowed)):
                where = narrowed
            else:
                part = replace(part, applied=False)  # noqa: PLW2901
        checked.append(part)
    return where, tuple(checked)


def _without(text: str, spans: Sequence[Span]) -> str:
    """The text without some of its characters; the very same where there are none."""
    if not spans:
        return text
    pieces, at = [], 0
    for span in spans:
        pieces.append(text[at : span.start])
        at = span.end
    kept = [piece.strip(_LOOSE) for piece in (*pieces, text[at:])]
    left = " ".join(piece for piece in kept if piece)
    return left if any(map(str.isalnum, left)) else ""


def _folded(words: str) -> str:
    return " ".join(words.split()).casefold()


def _start(one: _Found) -> int:
    return one.span.start
