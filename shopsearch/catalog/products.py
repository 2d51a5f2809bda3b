"""Records of a feed -> products, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from shopsearch.catalog.base import FieldMapping
from shopsearch.catalog.fields import (
    ColumnPlan,
    attribute_name,
    column_key,
    field_named,
    plan_columns,
)
from shopsearch.catalog.places import resolve_place, split_places
from shopsearch.catalog.prices import parse_price
from shopsearch.catalog.values import Json, Record, as_text, parse_json, spread
from shopsearch.domain import CATEGORY_SEPARATOR, MAX_PRODUCT_ID_CHARS, Price, Product
from shopsearch.errors import ProductRejected

_MAX_ATTRIBUTES = 1_000
_MAX_PLANS = 1_000
_LEVELS = re.compile(r"\s*(?:&gt;|[>\u00bb\u203a|])\s*|\s+/\s+")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PROMOTED = ("brand", "color", "size", "material", "gender", "gtin")
_AVAILABILITY = {
    **dict.fromkeys(("instock", "available", "yes", "true", "limitedavailability"), "in_stock"),
    **dict.fromkeys(("outofstock", "soldout", "unavailable", "no", "false"), "out_of_stock"),
    **dict.fromkeys(("discontinued", "oos"), "out_of_stock"),
    **dict.fromkeys(("preorder", "presale"), "preorder"),
    **dict.fromkeys(("backorder", "backordered", "onbackorder"), "backorder"),
}


class ProductReader:
    """Makes products of records; remembers what each set of columns is for."""

    def __init__(self, mapping: FieldMapping, folder: Path) -> None:
        self._mapping = mapping
        self._folder = folder
        self._plans: dict[tuple[str, ...], ColumnPlan] = {}

    def read(self, record: Record) -> Product:
        """Raises `ProductRejected`, saying which value and what to do."""
        plan = self._plan(tuple(record))
        told = {name: _first_value(record, columns) for name, columns in plan.fields.items()}
        words = {name: as_text(value) for name, (_, value) in told.items()}
        product_id = _checked_id(words.get("id", ""))
        attributes = dict(self._attributes(record, plan, told))
        for name in _PROMOTED:
            if not words.get(name) and name in attributes:
                words[name] = attributes.pop(name)
            elif words.get(name) and attributes.get(name, "").casefold() == words[name].casefold():
                del attributes[name]
        product = Product(
            product_id=product_id,
            title=words.get("title", ""),
            description=words.get("description", ""),
            brand=words.get("brand", ""),
            product_type=_category(told.get("product_type", ("", None))[1]),
            images=tuple(self._images(told)),
            link=words.get("link", ""),
            price=self._price(told, plan),
            availability=_availability(words.get("availability", "")),
            color=words.get("color", ""),
            size=words.get("size", ""),
            material=words.get("material", ""),
            gender=words.get("gender", ""),
            item_group_id=words.get("item_group_id", ""),
            gtin=words.get("gtin", ""),
            attributes=attributes,
        )
        return _checked(product)

    def product_id(self, record: Record) -> str:
        """The id that a record seems to have, to name a rejected one by."""
        columns = self._plan(tuple(record)).fields.get("id", ())
        return _CONTROL.sub("", as_text(_first_value(record, columns)[1]))[:MAX_PRODUCT_ID_CHARS]

    def _plan(self, columns: tuple[str, ...]) -> ColumnPlan:
        plan = self._plans.get(columns)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:  # a feed in which every record has other columns
                self._plans.clear()
            plan = self._plans[columns] = plan_columns(columns, self._mapping)
        return plan

    def _price(self, told: dict[str, tuple[str, Json]], plan: ColumnPlan) -> Price | None:
        column, value = told.get("price", ("", None))
        currency = plan.currencies.get(column, self._mapping.currency)
        return parse_price(as_text(value), currency and currency.upper())

    def _images(self, told: dict[str, tuple[str, Json]]) -> Iterator[str]:
        seen = set()
        for name in ("image_link", "additional_image_link"):
            for place in _places(told.get(name, ("", None))[1]):
                resolved = resolve_place(place, self._folder)
                if resolved not in seen:
                    seen.add(resolved)
                    yield resolved

    def _attributes(
        self, record: Record, plan: ColumnPlan, told: dict[str, tuple[str, Json]]
    ) -> Iterator[tuple[str, str]]:
        for name, columns in plan.fields.items():
            for column in columns:  # another column for the same field, which was not needed
                value = as_text(record.get(column))
                if column != told[name][0] and value and value != as_text(told[name][1]):
                    yield attribute_name(column), value
        for column in plan.spread:
            pairs = list(spread(record[column]))
            for name, value in pairs or [(column, as_text(record[column]))]:
                if value:
                    yield _spread_name(name), value
        for column, name in plan.attributes.items():
            if value := as_text(record[column]):
                yield name or "unnamed", value


def _first_value(record: Record, columns: Iterable[str]) -> tuple[str, Json]:
    """The first column with a value, and the value."""
    for column in columns:
        value = record.get(column)
        if as_text(value):
            return column, value
    return "", None


def _checked_id(product_id: str) -> str:
    if not product_id:
        raise ProductRejected("the product has no id; give it one that no other product has")
    if len(product_id) > MAX_PRODUCT_ID_CHARS:
        raise ProductRejected(
            f"the id {product_id[:40] + '...'!r} has {len(product_id)} characters, more than "
            f"{MAX_PRODUCT_ID_CHARS}; shorten it"
        )
    if _CONTROL.search(product_id):
        raise ProductRejected(f"the id {product_id!r} holds control characters; take them out")
    return product_id


def _checked(product: Product) -> Product:
    for name in ("title", "description", "brand", "product_type", "link", "product_id"):
        _check_storable(name, getattr(product, name))
    for name in ("color", "size", "material", "gender", "availability", "item_group_id", "gtin"):
        _check_storable(name, getattr(product, name))
    for name, value in product.attributes.items():
        _check_storable(name, name + value)
    for place in product.images:
        _check_storable("image_link", place)
    if len(product.attributes) > _MAX_ATTRIBUTES:
        raise ProductRejected(
            f"the product has {len(product.attributes):,} attributes, more than "
            f"{_MAX_ATTRIBUTES:,}; leave some out"
        )
    if not (
        product.images
        or product.title
        or product.description
        or product.brand
        or product.product_type
    ):
        raise ProductRejected(
            "the product has neither a picture nor words; give it an image_link or a title"
        )
    return product


def _check_storable(name: str, text: str) -> None:
    if found := _UNUSABLE.search(text):
        kind = "a NUL byte" if found[0] == "\x00" else f"half a character ({found[0]!r})"
        raise ProductRejected(f"the field {name!r} holds {kind}; take it out")


def _category(value: Json) -> str:
    levels = map(as_text, value) if isinstance(value, list) else _LEVELS.split(as_text(value))
    return CATEGORY_SEPARATOR.join(filter(None, (level.strip() for level in levels)))


def _availability(text: str) -> str:
    """Google Merchant's word for it, where it is recognised; else as it was given."""
    return _AVAILABILITY.get(column_key(text.rstrip("/").rpartition("/")[2]), text)


def _places(value: Json) -> Iterator[str]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = parse_json(value)
        except ValueError:
            value = as_text(value)
    if isinstance(value, list):
        yield from filter(None, map(as_text, value))
    else:
        yield from split_places(as_text(value))


def _spread_name(name: str) -> str:
    known = field_named(name)
    return known if known in _PROMOTED else attribute_name(name) or "unnamed"
