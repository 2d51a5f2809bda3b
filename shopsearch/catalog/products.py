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
    known_field,
    plan_columns,
)
from shopsearch.catalog.places import resolve_place, split_places
from shopsearch.catalog.prices import parse_price
from shopsearch.catalog.values import Json, Record, as_text, as_values, parse_json, spread
from shopsearch.catalog.watch import ColumnWatch
from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    MAX_PRODUCT_ID_CHARS,
    VALUE_SEPARATOR,
    FeedRow,
    Price,
    Product,
    Rejection,
)
from shopsearch.errors import ProductRejected

_MAX_ATTRIBUTES = 1_000
_MAX_PLANS = 1_000
_MAX_TOLD_CHARS = 200
_NUMBERED_CATEGORY = "googleproductcategory"
_LEVELS = re.compile(r"\s*(?:&gt;|[>\u00bb\u203a|])\s*|\s+/\s+")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PROMOTED = ("brand", "color", "size", "material", "gender", "gtin")
_AVAILABILITY = {
    **dict.fromkeys(("instock", "available", "yes", "true", "limitedavailability"), "in_stock"),
    **dict.fromkeys(("outofstock", "soldout", "unavailable", "no", "false"), "out_of_stock"),
    **dict.fromkeys(("discontinued", "oos"), "out_of_stock"),
    **dict.fromkeys(("preorder", "presale"), "preorder"),
    **dict.fromkeys(("backorder", "backordered", "onbackorder"), "backorder"),
}


AVAILABILITY_WORDS = frozenset(_AVAILABILITY.values())

Told = dict[str, tuple[str, Json]]  # field -> the column it was found in, and the value


class ProductReader:
    """Makes products of records; remembers what each set of columns is for."""

    def __init__(
        self, mapping: FieldMapping, folder: Path, watch: ColumnWatch | None = None
    ) -> None:
        self.mapping = mapping
        self._folder = folder
        self._watch = watch
        self._skipped = frozenset(map(column_key, mapping.skipped))
        self._defaults = {known_field(name, mapping): v for name, v in mapping.defaults.items()}
        self._plans: dict[tuple[str, ...], ColumnPlan] = {}

    def with_mapping(self, mapping: FieldMapping) -> ProductReader:
        """The same for a format that knows what its own columns are for."""
        return ProductReader(mapping, self._folder, self._watch)

    def row(self, row: int, record: Record, where: str = "") -> FeedRow | Rejection:
        """The product of a record, or why it is none; `where` says where the record is."""
        try:
            return FeedRow(row, self.read(record))
        except ProductRejected as error:
            return self.rejection(row, record, error, where)

    def rejection(
        self, row: int, record: Record, error: ProductRejected, where: str = ""
    ) -> Rejection:
        """A record that made no product, and why."""
        reason = f"{where}: {error}" if where else str(error)
        told = (_printable(text) for text in (error.field, error.column, error.value))
        return Rejection(row, self.product_id(record), reason, *told)

    def read(self, record: Record) -> Product:
        """Raises `ProductRejected`, saying which value and what to do."""
        plan = self._plan(tuple(record))
        if self._watch is not None:
            self._watch.note(record, plan)
        told = self._told(record, plan)
        words = {
            name: as_values(value) if name in _PROMOTED else as_text(value)
            for name, (_, value) in told.items()
        }
        product_id = _checked_id(words.get("id", ""), told.get("id", ("", None))[0])
        attributes = self._attributes(record, plan, told)
        for name in _PROMOTED:
            if not words.get(name):
                words[name] = attributes.pop(name, "") or self._defaults.get(name, "")
            elif attributes.get(name, "").casefold() == words[name].casefold():
                del attributes[name]
        product = Product(
            product_id=product_id,
            title=words.get("title", ""),
            description=words.get("description", ""),
            brand=words.get("brand", ""),
            product_type=_category(told.get("product_type", ("", None))[1]),
            images=tuple(self._images(record, plan, told)),
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
        text = as_text(_first_value(record, columns)[1])
        return _printable(text)[:MAX_PRODUCT_ID_CHARS]

    def checked_id(self, record: Record) -> str:
        """The id of a record of which no more is wanted. Raises `ProductRejected`."""
        column, value = _first_value(record, self._plan(tuple(record)).fields.get("id", ()))
        return _checked_id(as_text(value), column)

    def _plan(self, columns: tuple[str, ...]) -> ColumnPlan:
        plan = self._plans.get(columns)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:  # a feed in which every record has other columns
                self._plans.clear()
            plan = self._plans[columns] = plan_columns(columns, self.mapping)
        return plan

    def _told(self, record: Record, plan: ColumnPlan) -> Told:
        """Each field's column and value; what is empty has its default."""
        told = {name: _first_value(record, columns) for name, columns in plan.fields.items()}
        column, value = told.get("product_type", ("", None))
        if column_key(column) == _NUMBERED_CATEGORY and as_text(value).isdecimal():
            told["product_type"] = ("", None)  # the number of a category is no word for it
        for name, default in self._defaults.items():
            if name not in _PROMOTED and told.get(name, ("", None))[1] is None:
                told[name] = ("", default)
        return told

    def _price(self, told: Told, plan: ColumnPlan) -> Price | None:
        column, value = told.get("price", ("", None))
        currency = plan.currencies.get(column, self.mapping.currency)
        try:
            return parse_price(as_text(value), currency and currency.upper())
        except ProductRejected as error:
            error.about("price", column, as_text(value))
            raise

    def _images(self, record: Record, plan: ColumnPlan, told: Told) -> Iterator[str]:
        more = [(one, record.get(one)) for one in plan.fields.get("additional_image_link", ())]
        seen = set()
        for column, value in (told.get("image_link", ("", None)), *more):
            for place in _places(value):
                try:
                    resolved = resolve_place(place, self._folder)
                except ProductRejected as error:
                    error.about("image_link", column, place)
                    raise
                if resolved not in seen:
                    seen.add(resolved)
                    yield resolved

    def _attributes(self, record: Record, plan: ColumnPlan, told: Told) -> dict[str, str]:
        """By name; one that is told again with something else has several values."""
        values: dict[str, dict[str, str]] = {}
        for name, value in self._all_attributes(record, plan, told):
            if value and not (self._skipped and column_key(name) in self._skipped):
                values.setdefault(name, {}).setdefault(value.casefold(), value)
        return {name: VALUE_SEPARATOR.join(each.values()) for name, each in values.items()}

    def _all_attributes(
        self, record: Record, plan: ColumnPlan, told: Told
    ) -> Iterator[tuple[str, str]]:
        for name, columns in plan.fields.items():
            if name == "additional_image_link":
                continue  # all of its columns are needed
            for column in columns:  # another column for the same field, which was not needed
                value = as_values(record.get(column))
                if column != told[name][0] and value != as_values(told[name][1]):
                    yield attribute_name(column), value
        for column in plan.spread:
            if column_key(column) in self._skipped:
                continue
            pairs = list(spread(record[column]))
            for name, value in pairs or [(column, as_text(record[column]))]:
                yield _spread_name(name), value
        for column, name in plan.attributes.items():
            yield name or "unnamed", as_values(record[column])


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("", text[:_MAX_TOLD_CHARS])


def _first_value(record: Record, columns: Iterable[str]) -> tuple[str, Json]:
    """The first column with a value, and the value."""
    for column in columns:
        value = record.get(column)
        if as_text(value):
            return column, value
    return "", None


def _checked_id(product_id: str, column: str) -> str:
    problem = ""
    if not product_id:
        problem = "the product has no id; give it one that no other product has"
    elif len(product_id) > MAX_PRODUCT_ID_CHARS:
        problem = (
            f"the id {product_id[:40] + '...'!r} has {len(product_id)} characters, more than "
            f"{MAX_PRODUCT_ID_CHARS}; shorten it"
        )
    elif _CONTROL.search(product_id):
        problem = f"the id {product_id!r} holds control characters; take them out"
    if problem:
        raise ProductRejected(problem).about("id", column, product_id)
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
    told = (product.title, product.description, product.brand, product.product_type)
    if not (product.images or any(told)):
        raise ProductRejected(
            "the product has neither a picture nor words; give it an image_link or a title"
        )
    return product


def _check_storable(name: str, text: str) -> None:
    if found := _UNUSABLE.search(text):
        kind = "a NUL byte" if found[0] == "\x00" else f"half a character ({found[0]!r})"
        raise ProductRejected(f"the field {name!r} holds {kind}; take it out").about(name)


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
