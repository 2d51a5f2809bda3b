"""Words that are values of the catalog: `blue`, `Nike`, `for women`, `size M`, `in stock`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shopsearch.domain import CATEGORY_SEPARATOR, PartKind
from shopsearch.refining.turns import Known
from shopsearch.understanding.sizes import sizes_in
from shopsearch.understanding.values import PEOPLE, Meaning
from shopsearch.understanding.words import (
    FUNCTION_WORDS,
    JOINING,
    MAX_PHRASE_WORDS,
    Span,
    Word,
    phrase_of,
    words_of,
)

MAX_VALUES = 20  # of a field in one filter, the most frequent
AVAILABILITY = "availability"
_IN_STOCK = frozenset(("in stock", "instock", "available", "in store", "limited availability"))
_STOCK = re.compile(
    r"(?:(?:that|which|what)(?:'s| is| are)?\s+|(?:are|is)\s+)?"
    r"(?:(?P<out>(?:out of stock|sold out|unavailable|not available|not in stock))"
    r"|(?P<pre>pre-?orders?|back-?orders?)"
    r"|(?P<in>(?:available|in stock|in store|on stock|deliverable)(?:\s+(?:right )?now)?"
    r"|(?:i|we) can (?:buy|order)(?: right)?(?: now)?))"
    r"(?:\s+(?:ones?|products?|items?|things?))?(?!\w)",
    re.IGNORECASE,
)
_PEOPLE = {  # what shops call those whom products are for
    **dict.fromkeys(("women", "woman", "lady", "her", "female", "girlfriend", "wife", "mum"), "f"),
    **dict.fromkeys(
        ("men", "man", "gent", "gentleman", "him", "male", "boyfriend", "husband"), "m"
    ),
    **dict.fromkeys(("kid", "child", "children"), "k"),
}
_CALLED = {
    "f": ("female", "women", "woman", "ladies", "womens", "women's", "unisex"),
    "m": ("male", "men", "man", "gents", "mens", "men's", "unisex"),
    "k": ("kids", "children", "child", "kid", "boys", "girls"),
}
_SURE = re.compile(
    r"(?:\b(?:in|colou?r(?:ed)?|brand|by|made (?:of|from|by)|material|from|size|category"
    r"|all|only|just"
    r"|any|no|not|without|another|an?)|^)\s*(?:the\s+)?(?:colou?r\s+|brand\s+|material\s+)?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Named:
    """Values of a field that some words name, as the index has them, and where."""

    span: Span
    said: str
    kind: PartKind | None  # None: the availability
    field: str
    values: tuple[str, ...]


def named_in(text: str, known: Known) -> list[Named]:
    """All values that a text names, in the order of the text."""
    words = words_of(text)
    found = [*_availabilities(text, known), *_sizes(text, words, known)]
    for first, stop in _windows(len(words)):
        run = words[first:stop]
        span = Span(run[0].span.start, run[-1].span.end)
        if any(span.meets(other.span) for other in found):
            continue
        if one := _value(text, run, span, known):
            found.append(one)
    return sorted(found, key=lambda one: one.span.start)


def joined_phrases(text: str, known: Known) -> list[Span]:
    """Where `and` belongs to one value: `black and white`, `Alder & Finch`."""
    words = words_of(text)
    return [
        Span(words[first].span.start, words[stop - 1].span.end)
        for first, stop in _windows(len(words))
        if stop - first > 1
        and words[first].folded not in JOINING
        and words[stop - 1].folded not in JOINING
        and re.search(r"&|\b(?:and|n)\b", text[words[first].span.end : words[stop - 1].span.start])
        and phrase_of(words[first:stop]) in known.values.meanings
    ]


def value_words(field: str, values: Sequence[str], known: Known) -> str:
    """Values as people read them: `red, navy blue and 3 more`."""
    spelt = [known.spelled(field, value) for value in values]
    if field == "product_type":
        spelt = [one.rpartition(CATEGORY_SEPARATOR)[2] for one in spelt]
    elif field == AVAILABILITY:
        spelt = [one.replace("_", " ").lower() for one in spelt]
    told = list(dict.fromkeys(spelt))
    if len(told) > 4:
        return f"{', '.join(told[:3])} and {len(told) - 3} more"
    return ", ".join(told)


def _availabilities(text: str, known: Known) -> Iterator[Named]:
    for match in _STOCK.finditer(text):
        has = {value: value.replace("_", " ").replace("-", " ") for value in known.availabilities}
        if match["in"]:
            values = [value for value, plain in has.items() if plain in _IN_STOCK]
        elif match["pre"]:
            word = "preorder" if match["pre"].lower().startswith("pre") else "backorder"
            values = [value for value, plain in has.items() if word in plain.replace(" ", "")]
        else:
            values = [v for v, plain in has.items() if plain in ("out of stock", "sold out")]
        yield Named(Span(*match.span()), match[0], None, AVAILABILITY, tuple(values))


def _sizes(text: str, words: Sequence[Word], known: Known) -> Iterator[Named]:
    found = list(sizes_in(text, words, known.values.sizes))
    whole = re.fullmatch(r"\s*(?:(?:only|just|in|an?)\s+)*(?P<size>\S+)\s*", text)
    if not found and whole and (values := known.values.sizes.called(whole["size"])):
        span = Span(*whole.span("size"))
        yield Named(span, whole["size"], PartKind.SIZE, "size", values)
    for size in found:
        said = text[size.span.start : size.span.end]
        yield Named(size.span, said, PartKind.SIZE, "size", size.values)


def _value(text: str, run: Sequence[Word], span: Span, known: Known) -> Named | None:
    if run[0].folded in JOINING or run[-1].folded in JOINING:
        return None
    phrase, said = phrase_of(run), text[span.start : span.end]
    if phrase in FUNCTION_WORDS:
        return None
    if of_people := _for_people(phrase, known):
        return Named(span, said, PartKind.GENDER, "gender", of_people)
    is_sure = _SURE.search(text[: span.start]) is not None
    for meaning in sorted(known.values.meanings.get(phrase, ()), key=_preferred):
        if is_sure or meaning.kind is PartKind.GENDER or known.is_usual(said, meaning):
            return Named(span, said, meaning.kind, meaning.field, _values(meaning, phrase))
    return None


def _preferred(meaning: Meaning) -> tuple[bool, int]:
    return meaning.kind is not PartKind.BRAND, -meaning.n_products


def _values(meaning: Meaning, phrase: str) -> tuple[str, ...]:
    """The value that is called so first."""
    first = [value for value in meaning.values if value == phrase]
    return tuple(dict.fromkeys((*first, *meaning.values)))[:MAX_VALUES]


def _for_people(phrase: str, known: Known) -> tuple[str, ...]:
    """The values of the field for whom a product is, where the catalog has it; what is for
    everybody counts.
    """
    whom = _PEOPLE.get(phrase)
    if whom is None and phrase not in PEOPLE:
        return ()
    found = tuple(value for value in _CALLED.get(whom or "", ()) if value in known.genders)
    return found if set(found) - {"unisex"} else ()


def _windows(n_words: int) -> Iterator[tuple[int, int]]:
    """All runs of words, the longest first, of equal ones the first."""
    for length in range(min(MAX_PHRASE_WORDS, n_words), 0, -1):
        for first in range(n_words - length + 1):
            yield first, first + length
