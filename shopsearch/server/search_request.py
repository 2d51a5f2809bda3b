"""One grammar for a search, whatever carries it: an address, a form, or a JSON object.

    q               words
    image_url       the address of a picture
    product_id      "like this one" (pages call it `like`)
    text_weight     0..1: how much words count beside a picture or a product
    not             what it must not be like; repeatable
    also            further wishes with weights, see `wish_fields`
    also_product    also_image_url     not_product
    filter.FIELD    a value of a field; repeated, either value will do
    exclude.FIELD   min.FIELD     max.FIELD     has.FIELD     see `filter_fields`
    price.min       price.max
    facets          fields whose values shall be counted, joined by commas; repeatable
    facet_limit     at most so many values of each
    facet_query     only values of these fields that contain it
    sort            relevance, price_asc, price_desc, newest, popularity
    diversity       0..1: how much the first hits shall differ
    cutoff          true: only what is relevant is found and counted
    collapse        true: variants and copies of a product are one hit
    page, size      1 is the first page
    why             true: each hit shall say why it is one
    as_typed        true: no word is corrected
    understand      false: no price, colour or the like is read out of the words
    literal         words that shall be no more than words; repeatable
    fields          what hits shall be shown with beside their id, joined by commas; repeatable
    crop            x,y,width,height: the region of the picture to search by, as parts of it

In JSON, objects may be nested: `{"price": {"min": 5}}` is `price.min`, and lists repeat. A name
that is not in this list is refused, so that a misspelt filter never passes unnoticed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from shopsearch.domain import (
    MAX_WISHES,
    AnyOf,
    Between,
    Condition,
    ProductFilter,
    Query,
    Region,
    Sort,
    Wanted,
)
from shopsearch.errors import QueryError
from shopsearch.facets import MAX_VALUES, check_facets
from shopsearch.server.filter_fields import (
    FLAG_PREFIX,
    is_filter_name,
    read_conditions,
)
from shopsearch.server.wish_fields import WISH_NAMES, WishField, flat_wishes, read_wish_fields

MAX_WORDS_CHARS = 1000
MAX_SIZE = 100
MAX_REACH = 10_000  # products; whoever needs more wants an export, not a search
MAX_REPEATS = 50
MAX_BOUND = 1e15  # of a number to filter by
DEFAULT_SIZE = 24
DEFAULT_FACET_LIMIT = 20

_SINGLE = frozenset(
    {"q", "image_url", "product_id", "text_weight", "price.min", "price.max", "crop"}
    | {"sort", "page", "size", "why", "as_typed", "understand", "facet_limit", "diversity"}
    | {"cutoff", "collapse", "facet_query"}
)
_FLAGS = frozenset({"why", "as_typed", "understand", "cutoff", "collapse"})  # JSON's booleans
_REPEATABLE = frozenset({"not", "facets", "literal", "fields"}) | WISH_NAMES
_AS_IT_IS = frozenset({"product_id", "also_product", "not_product"})  # the shop's own ids
_FILTER = "filter."
_TYPED = frozenset({"text_weight", "price.min", "price.max", "sort", "page", "size", "diversity"})
_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_SHOWN_CHARS = 80

Fields = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What one request asks for, but for the bytes of a picture."""

    text: str = ""
    image_url: str | None = None
    product_id: str | None = None
    text_weight: float = 0.5
    negatives: tuple[str, ...] = ()
    also: tuple[WishField, ...] = ()
    filters: tuple[AnyOf, ...] = ()
    further: tuple[Condition, ...] = ()  # as `filter_fields` reads them
    price_min: float | None = None
    price_max: float | None = None
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    size: int = DEFAULT_SIZE
    explain: bool = False
    as_typed: bool = False
    understand: bool = True
    literal: tuple[str, ...] = ()
    facets: tuple[str, ...] = ()
    facet_limit: int = DEFAULT_FACET_LIMIT
    facet_query: str = ""
    diversity: float = 0.0
    cutoff: bool | None = None  # None: nothing is said of it; pages cut and collapse then
    collapse: bool | None = None
    fields: tuple[str, ...] = ()  # of what hits are shown with; none: what they always have
    crop: Region | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether something is asked for that only some products have."""
        has_bound = self.price_min is not None or self.price_max is not None
        return bool(self.filters or self.further) or has_bound

    def unfiltered(self) -> SearchRequest:
        """The same without any filter, from its first page."""
        return replace(self, filters=(), further=(), price_min=None, price_max=None, page=1)

    def query(self, image: bytes | None = None, pictured: tuple[Wanted, ...] = ()) -> Query:
        """The query for the search service; the caller has fetched or received the picture, and
        the further wishes that are `pictured`.
        """
        told = (one.wanted() for one in self.also if one.kind != "image_url")
        return Query(
            text=self.text,
            image=image,
            product_id=self.product_id,
            text_weight=self.text_weight,
            negatives=self.negatives,
            also=(*told, *pictured),
            where=ProductFilter(self._conditions()),
            sort=self.sort,
            k=self.size,
            offset=(self.page - 1) * self.size,
            explain=self.explain,
            as_typed=self.as_typed,
            understand=self.understand,
            literal=self.literal,
            facets=self.facets,
            facet_limit=self.facet_limit,
            facet_query=self.facet_query,
            diversity=self.diversity,
            cutoff=bool(self.cutoff),
            collapse=bool(self.collapse),
            crop=self.crop,
        )

    def _conditions(self) -> tuple[Condition, ...]:
        words = tuple(
            AnyOf(wanted.field, tuple(value.casefold() for value in wanted.values))
            for wanted in self.filters
        )
        if self.price_min is None and self.price_max is None:
            return (*words, *self.further)
        return (*words, *self.further, Between("price", self.price_min, self.price_max))


def read_search(fields: Fields, *, strict: bool = False) -> SearchRequest:
    """The search that named values spell. Raises `QueryError`, naming what is wrong.

    Where it is `strict`, an empty value of a number or the like is refused too: programs leave out
    what they do not mean, and forms cannot.
    """
    given = _grouped(fields, _TYPED | _FLAGS if strict else frozenset())
    single = {name: values[0] for name, values in given.items() if name in _SINGLE}
    weight = _number(single, "text_weight", high=1)
    request = SearchRequest(
        text=_words(single.get("q", "")),
        image_url=single.get("image_url"),
        product_id=single.get("product_id"),
        text_weight=0.5 if weight is None else weight,
        negatives=tuple(_words(words) for words in given.get("not", ())),
        also=read_wish_fields(given),
        filters=tuple(
            AnyOf(name.removeprefix(_FILTER), tuple(values))
            for name, values in given.items()
            if name.startswith(_FILTER)
        ),
        further=read_conditions(given),
        price_min=_number(single, "price.min"),
        price_max=_number(single, "price.max"),
        sort=_sort(single.get("sort", Sort.RELEVANCE)),
        page=_whole_number(single, "page", high=MAX_REACH, otherwise=1),
        size=_whole_number(single, "size", high=MAX_SIZE, otherwise=DEFAULT_SIZE),
        explain=_flag(single, "why"),
        as_typed=_flag(single, "as_typed"),
        understand=_flag(single, "understand", otherwise="true"),
        literal=tuple(_words(words) for words in given.get("literal", ())),
        facets=_listed(given.get("facets", ())),
        facet_limit=_whole_number(
            single, "facet_limit", high=MAX_VALUES, otherwise=DEFAULT_FACET_LIMIT
        ),
        facet_query=_words(single.get("facet_query", "")),
        diversity=_number(single, "diversity", high=1) or 0.0,
        cutoff=_flag(single, "cutoff") if "cutoff" in single else None,
        collapse=_flag(single, "collapse") if "collapse" in single else None,
        fields=_listed(given.get("fields", ())),
        crop=_region(single["crop"]) if "crop" in single else None,
    )
    check_facets(request.facets, request.facet_limit)
    _check_together(request)
    return request


def flat_fields(document: object) -> Iterator[tuple[str, str]]:
    """The named values of a JSON object: nested names joined by dots, lists as repeats."""
    if not isinstance(document, Mapping):
        raise QueryError('the body must be a JSON object, such as {"q": "red shoes"}')
    for name, value in document.items():
        if name == "crop" and isinstance(value, list):
            yield name, ",".join(map(str, value))
        else:
            yield from flat_wishes(value) if name == "also" else _flat(str(name), value, depth=2)


def _flat(name: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, bool) and (name in _FLAGS or name.startswith(FLAG_PREFIX)):
        yield name, str(value).lower()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, _written(value)
    elif isinstance(value, list) and depth:
        for element in value:
            yield from _flat(name, element, depth=0)
    elif isinstance(value, Mapping) and depth == 2:
        for inner, element in value.items():
            yield from _flat(f"{name}.{inner}", element, depth=1)
    elif value is not None:
        raise QueryError(
            f"`{_shown(name)}` is {_shown(str(value))}, but must be a text, a number, a list of "
            "them, or, for `filter` and `price`, an object of them"
        )


def _written(number: float) -> str:
    """A number as addresses have it: 3.0 is 3, which JSON does not tell apart either."""
    return str(int(number)) if float(number).is_integer() else str(number)


def _grouped(fields: Fields, never_empty: Container[str]) -> dict[str, list[str]]:
    """Values by name; empty ones do not count, as forms send them for what was left out."""
    given: dict[str, list[str]] = {}
    times: Counter[str] = Counter()
    for name, value in fields:
        _refuse_unknown(name)
        text = _text(name, value)
        times[name] += bool(text or never_empty)
        if text or name in never_empty:
            given.setdefault(name, []).append(text)
    for name, n in times.items():
        if n > (limit := _times_at_most(name)):
            raise QueryError(
                f"`{_shown(name)}` is given {n} times, but may be given "
                f"{'once' if limit == 1 else f'at most {limit} times'}"
            )
    return given


def _times_at_most(name: str) -> int:
    if name in _SINGLE:
        return 1
    return MAX_WISHES if name in WISH_NAMES else MAX_REPEATS


def _refuse_unknown(name: str) -> None:
    if name in _SINGLE or name in _REPEATABLE:
        return
    if name.startswith(_FILTER) and 0 < len(name.removeprefix(_FILTER)) <= 64:
        if name != "filter.price":
            return
        raise QueryError("prices are filtered by `price.min` and `price.max`, not by a value")
    if is_filter_name(name):
        return
    known = ", ".join(sorted(_SINGLE | _REPEATABLE))
    raise QueryError(
        f"there is no `{_shown(name)}` to search by; there is: {known}, "
        "filter.FIELD, exclude.FIELD, min.FIELD, max.FIELD, has.FIELD"
    )


def _text(name: str, value: str) -> str:
    """The value without control characters. JSON can spell halves of characters: refused."""
    try:
        (name + value).encode()
    except UnicodeEncodeError:
        raise QueryError(
            f"`{_shown(name)}` holds half of a Unicode surrogate pair; send whole characters"
        ) from None
    if len(value) > MAX_WORDS_CHARS:
        raise QueryError(
            f"`{_shown(name)}` has {len(value):,} characters; the limit is {MAX_WORDS_CHARS:,}"
        )
    return value if name in _AS_IT_IS else _CONTROL.sub(" ", value).strip()


def _listed(values: Iterable[str]) -> tuple[str, ...]:
    """The fields that are named, each once."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _words(text: str) -> str:
    return " ".join(text.split())


def _number(given: Mapping[str, str], name: str, *, high: float | None = None) -> float | None:
    """A number from 0 to `high`, or None where it is not given."""
    text = given.get(name)
    if text is None:
        return None
    number = float(text) if _NUMBER.fullmatch(text) else None
    if number is None or number > (MAX_BOUND if high is None else high):
        to = f"from 0 to {high:g}" if high is not None else "of 0 or more, such as 19.99"
        raise QueryError(f"`{name}` is {_shown(text)!r}, but must be a number {to}")
    return number


def _whole_number(given: Mapping[str, str], name: str, *, high: int, otherwise: int) -> int:
    text = given.get(name)
    if text is None:
        return otherwise
    number = int(text) if _WHOLE_NUMBER.fullmatch(text) else 0
    if not 1 <= number <= high:
        raise QueryError(
            f"`{name}` is {_shown(text)!r}, but must be a whole number from 1 to {high:,}"
        )
    return number


def _flag(given: Mapping[str, str], name: str, otherwise: str = "false") -> bool:
    text = given.get(name, otherwise)
    if text not in ("true", "false"):
        raise QueryError(f"`{name}` is {_shown(text)!r}, but must be true or false")
    return text == "true"


def _region(text: str) -> Region:
    parts = [float(one) if _NUMBER.fullmatch(one) else -1.0 for one in text.split(",")]
    if len(parts) == 4 and (region := Region(*parts)).shows_something:
        return region
    raise QueryError(
        f"`crop` is {_shown(text)!r}, but must be x,y,width,height of a region of the picture as "
        "parts of it, such as 0.25,0.1,0.5,0.6"
    )


def _sort(text: str) -> Sort:
    try:
        return Sort(text)
    except ValueError:
        orders = ", ".join(Sort)
        raise QueryError(f"`sort` is {_shown(text)!r}, but must be one of {orders}") from None


def _check_together(request: SearchRequest) -> None:
    low, high = request.price_min, request.price_max
    if low is not None and high is not None and low > high:
        raise QueryError(
            f"`price.min` is {low:g} and `price.max` is {high:g}: no price is in between; swap them"
        )
    if request.page * request.size > MAX_REACH:
        raise QueryError(
            f"page {request.page:,} of {request.size} products reaches beyond the first "
            f"{MAX_REACH:,}; ask for less, or narrow the search with a filter"
        )


def _shown(value: str) -> str:
    short = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
    return short.encode(errors="replace").decode()
