"""The columns of a feed -> the fields of a product. Names are those of Google Merchant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shopsearch.catalog.base import Columns, FieldMapping, columns_of
from shopsearch.catalog.prices import is_currency
from shopsearch.errors import FeedFormatError

FIELD_ALIASES: Mapping[str, tuple[str, ...]] = {
    "id": (),
    "title": ("name",),
    "description": (),
    "image_link": ("image", "image_url"),
    "additional_image_link": (),
    "link": (),
    "price": (),
    "brand": (),
    "product_type": ("category", "google_product_category"),
    "availability": (),
    "color": ("colour",),
    "size": (),
    "material": (),
    "gender": (),
    "item_group_id": (),
    "gtin": (),
}
_SPREAD = frozenset(
    {
        "attributes",
        "customattributes",
        "productattributes",
        "productdetail",
        "productspecifications",
        "properties",
        "specifications",
        "specs",
    }
)
OURS = "shopsearch_"  # columns of an export that are for other programs: no attributes
_ONE_MORE_PICTURE = re.compile(r"(?:additional)?image(?:link|url)?\d{1,3}")
_HIGHLIGHT = re.compile(r"^(product_highlight)_\d{1,3}$")  # a column for each, in text feeds
_PARTS = re.compile(r"\([\w\s]+(?::[\w\s]+)+\)$")  # "shipping(country:price)", as Google writes it
_IN_CURRENCY = re.compile(r"(?:^|_)([a-z]{3})$")
_MAX_NAME_CHARS = 64


def column_key(name: str) -> str:
    """What names are compared by: case, spaces, underscores and a `g:` before it do not count."""
    return re.sub(r"[\W_]+", "", name.strip().casefold().removeprefix("g:"))


_FIELD_BY_KEY = {
    column_key(name): field_name
    for field_name, aliases in FIELD_ALIASES.items()
    for name in (field_name, *aliases)
}


def field_named(name: str) -> str | None:
    """The field that a name or alias means, if any."""
    return _FIELD_BY_KEY.get(column_key(name))


def attribute_name(column: str) -> str:
    """A name in lower snake case: "Designed For" and "designedFor" are `designed_for`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _PARTS.sub("", column.strip()))
    name = re.sub(r"(?:[^\w.]|_)+", "_", apart).strip("_.").lower()[:_MAX_NAME_CHARS]
    return _HIGHLIGHT.sub(r"\1", name)


def is_spread(column: str) -> bool:
    """Whether the column holds many attributes in one."""
    return column_key(column) in _SPREAD


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """What each column of a record is for."""

    fields: Mapping[str, tuple[str, ...]]  # field -> its columns, the first with a value wins
    attributes: Mapping[str, str]  # column -> attribute
    spread: tuple[str, ...]
    currencies: Mapping[str, str] = field(default_factory=dict)  # price column -> its currency


def plan_columns(columns: Sequence[str], mapping: FieldMapping) -> ColumnPlan:
    """Decide what the columns are for; `mapping` wins over their names.

    A mapped column that is not there is left out: see `check_columns`.
    """
    fields = {
        known_field(name, mapping): _columns_named(wanted, columns)
        for name, wanted in mapping.columns.items()
    }
    mapped, taken = set(fields), {column for each in fields.values() for column in each}
    attributes, spread, currencies = {}, [], {}
    for column in sorted(columns, key=_rank):
        name, currency = _field_of(column)
        if currency and (name == "price" or column in fields.get("price", ())):
            currencies[column] = currency
        if column in taken or column.startswith(OURS):
            continue
        if name is not None and name not in mapped:
            fields.setdefault(name, []).append(column)
        elif is_spread(column):
            spread.append(column)
        else:
            attributes[column] = attribute_name(column)
    return ColumnPlan(
        {name: tuple(each) for name, each in fields.items()}, attributes, tuple(spread), currencies
    )


def check_columns(columns: Sequence[str], mapping: FieldMapping, feed: object) -> None:
    """Raises `FeedFormatError` where a mapped column or a column for the id is missing.

    Of several columns for one field, one has to be there.
    """
    there = ", ".join(map(repr, columns[:60])) or "none"
    for name, wanted in mapping.columns.items():
        known_field(name, mapping)
        if not _columns_named(wanted, columns):
            raise FeedFormatError(
                f"{feed}: {mapping.said(name)} names a column that is not there; "
                f"the columns are {there}"
            )
    if not plan_columns(columns, mapping).fields.get("id"):
        raise FeedFormatError(
            f"{feed}: no column holds the product's id; the columns are {there}; "
            f"say which one it is with --map id=COLUMN"
        )


def check_mapping(mapping: FieldMapping) -> None:
    """Raises `FeedFormatError` where a mapping makes no sense for any feed."""
    for name in mapping.columns:
        known_field(name, mapping)
    if mapping.currency is not None and not is_currency(mapping.currency):
        raise FeedFormatError(
            f"--currency {mapping.currency} is no ISO 4217 code; give one such as USD or EUR"
        )


def known_field(name: str, mapping: FieldMapping) -> str:
    """The field that a mapping means. Raises `FeedFormatError`."""
    if (known := field_named(name)) is None:
        raise FeedFormatError(
            f"{mapping.said(name)}: there is no field {name!r}; the fields are "
            f"{', '.join(FIELD_ALIASES)}"
        )
    return known


def _field_of(column: str) -> tuple[str | None, str | None]:
    """The field a column means by its name, and the currency its name ends in."""
    snake = attribute_name(column)
    found = _IN_CURRENCY.search(snake)
    currency = found[1].upper() if found and is_currency(found[1]) else None
    if currency and column_key(snake) == f"price{currency.lower()}":
        return "price", currency
    if _ONE_MORE_PICTURE.fullmatch(column_key(column)):
        return "additional_image_link", None
    return field_named(column), currency


def _rank(column: str) -> int:
    """Columns of one field are tried in this order: its own name, then aliases as listed."""
    name, currency = _field_of(column)
    if name is None:
        return 0
    if currency:
        return 1
    names = [column_key(each) for each in (name, *FIELD_ALIASES[name])]
    key = column_key(column)
    return names.index(key) if key in names else len(names)


def _columns_named(wanted: Columns, columns: Sequence[str]) -> list[str]:
    """Those of the wanted columns that are there."""
    named = (_column_named(name, columns) for name in columns_of(wanted))
    return [column for column in named if column is not None]


def _column_named(name: str, columns: Sequence[str]) -> str | None:
    if name in columns:
        return name
    return next((each for each in columns if column_key(each) == column_key(name)), None)
