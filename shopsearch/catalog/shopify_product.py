"""The rows of one product in Shopify's export -> records for a `ProductReader`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from shopsearch.catalog.base import columns_of
from shopsearch.catalog.fields import column_key, field_named
from shopsearch.catalog.prices import parse_price
from shopsearch.catalog.shopify_columns import OPTIONS, ShopifyColumns, is_metafield
from shopsearch.catalog.shopify_rows import MAX_ROWS, RowGroup, ShopifyRow
from shopsearch.catalog.values import Json, Record
from shopsearch.errors import ProductRejected
from shopsearch.plain_text import clean

_OPTION_FIELDS = {
    column_key(name): field
    for field, names in {
        "color": "color colors colour colours farbe couleur colore kleur cor",
        "size": "size sizes shoesize größe taille talla taglia maat tamanho",
        "material": "material fabric",
        "gender": "gender",
    }.items()
    for name in names.split()
}
_NO_OPTION = ["Default Title"]  # the one value of a product without options
_NOT_FOR_SALE = frozenset({"draft", "archived", "unlisted"})
_FALSE = frozenset({"false", "no", "0"})
_ANY = "USD"  # to compare bare amounts with each other


class ShopifyProduct:
    """One product: its first row has title and description, the others further variants, pictures.

    A record is told together with the row that it is about.
    """

    def __init__(self, columns: ShopifyColumns, group: RowGroup) -> None:
        self._columns = columns
        self._group = group
        self._rows = group.rows
        told = ("price", "sku", "value1", "quantity")
        variants = [row for row in self._rows if any(self._cell(row, name) for name in told)]
        self._variants = variants or self._rows[:1]  # the other rows have a picture and no more

    @property
    def is_for_sale(self) -> bool:
        """Not a draft, archived, or taken off the shop."""
        status, published = self._first("status"), self._first("published")
        return status.casefold() not in _NOT_FOR_SALE and published.casefold() not in _FALSE

    def check(self) -> None:
        """Raises `ProductRejected` where not all of its rows are there."""
        if self._group.is_too_long:
            raise ProductRejected(
                f"the product {self._group.handle[:60]!r} takes more than {MAX_ROWS:,} rows, or "
                f"too many words; split it"
            )
        titles = columns_of(self._columns.mapping.columns.get("title", ()))
        told = ("image", "price", "sku", "value1", "body")
        if not any(row[column] for row in self._rows for column in titles) and any(
            self._cell(row, name) for row in self._rows for name in told
        ):
            raise ProductRejected(
                f"no row here has a title for {self._group.handle[:60]!r}: do its rows stand "
                f"apart? put all rows of a product together, the one with the title first"
            ).about("title", titles[0] if titles else "")

    def together(self) -> tuple[ShopifyRow, Record]:
        """One record for all variants. Raises `ProductRejected`."""
        return self._rows[0], self._record(self._group.handle, self._variants)

    def separate(self) -> Iterator[tuple[ShopifyRow, Record]]:
        """A record for each variant, in one item group where there are several."""
        for variant in self._variants:
            record = self._record(self._variant_id(variant), [variant])
            if len(self._variants) > 1:
                record["item_group_id"] = self._group.handle
            yield variant, record

    def _record(self, product_id: str, variants: Sequence[ShopifyRow]) -> dict[str, Json]:
        record: dict[str, Json] = {}
        for name in ("title", "vendor", "category", "type", "google_category", "gender"):
            self._put(record, name, self._first(name))
        self._put(record, "handle", product_id)
        self._put(record, "body", clean(self._first("body")))
        self._put(record, "image", [*self._images(variants)])
        self._put(record, "barcode", _only(self._codes(variants, "barcode")))
        record["tags"] = [*self._first("tags").split(",")]
        record["sku"] = [*self._codes(variants, "sku")]
        record["availability"] = self._availability(variants)
        self._put_attributes(record, variants)
        self._put_options(record, variants)
        self._put_mapped(record, variants)
        return record

    def _put(self, record: dict[str, Json], name: str, value: Json) -> None:
        if name in self._columns.named:
            record[self._columns.named[name]] = value

    def _put_attributes(self, record: dict[str, Json], variants: Sequence[ShopifyRow]) -> None:
        for column, name in self._columns.attributes.items():
            value = _first_cell((*variants, *self._rows), column)
            record[name] = [*value.split(";")] if is_metafield(column) else value

    def _put_options(self, record: dict[str, Json], variants: Sequence[ShopifyRow]) -> None:
        for n in OPTIONS:
            name, values = self._first(f"option{n}"), self._all(variants, f"value{n}")
            if not name or not values or values == _NO_OPTION:
                continue
            known = _OPTION_FIELDS.get(column_key(name))
            is_taken = known is None and (field_named(name) is not None or name in record)
            record[known or (f"option {name}" if is_taken else name)] = [*values]

    def _put_mapped(self, record: dict[str, Json], variants: Sequence[ShopifyRow]) -> None:
        """What a mapping asks for: also columns that say nothing of a product by themselves."""
        for field, column in self._columns.mapped:
            if field == "price":
                record[column] = self._lowest(variants, column)
            elif column not in record:
                record[column] = _first_cell((*variants, *self._rows), column)

    def _images(self, variants: Sequence[ShopifyRow]) -> Iterator[str]:
        """The product's by their positions, then those of variants; one variant's own is first."""
        placed = [
            (_position(self._cell(row, "position")), n, image)
            for n, row in enumerate(self._rows)
            if (image := self._cell(row, "image"))
        ]
        shared = [image for *_, image in sorted(placed)]
        own = self._all(variants, "variant_image")
        yield from dict.fromkeys(own + shared if len(variants) == 1 else shared + own)

    def _lowest(self, variants: Sequence[ShopifyRow], column: str) -> str:
        """The price of the cheapest variant as it is written, or one that cannot be read.

        The latter is told about when the record is. Raises `ProductRejected`.
        """
        texts = [*dict.fromkeys(text for row in variants if (text := row[column]))]
        amounts: dict[str, Decimal] = {}
        currencies = set()
        for text in texts:
            try:
                price = parse_price(text, self._columns.mapping.currency or _ANY)
            except ProductRejected:
                return text
            if price is not None:
                amounts[text] = price.amount
                currencies.add(price.currency)
        if len(currencies) > 1:
            raise ProductRejected(
                f"the variants have prices in {' and '.join(sorted(currencies))}; give them all in "
                f"one currency"
            ).about("price", column, ", ".join(texts))
        return min(texts, key=amounts.__getitem__, default="")

    def _availability(self, variants: Sequence[ShopifyRow]) -> str:
        """`in_stock` where a variant can be bought; "" where that is not known."""
        buyable = [self._can_be_bought(row) for row in variants]
        if True in buyable:
            return "in_stock"
        return "" if None in buyable else "out_of_stock"

    def _can_be_bought(self, row: ShopifyRow) -> bool | None:
        if self._cell(row, "policy").casefold() in ("continue", "true", "yes"):
            return True
        if "tracker" in self._columns.named and not self._cell(row, "tracker"):
            return True  # nobody counts it, so it never runs out
        try:
            return int(self._cell(row, "quantity")) > 0
        except ValueError:
            return None  # shops with several places export no quantity

    def _variant_id(self, variant: ShopifyRow) -> str:
        for sku in self._codes([variant], "sku"):
            return sku
        values = [value for n in OPTIONS if (value := self._cell(variant, f"value{n}"))]
        return "/".join([self._group.handle, *([] if values == _NO_OPTION else values)])

    def _cell(self, row: ShopifyRow, name: str) -> str:
        return row[self._columns.named.get(name, "")]

    def _first(self, name: str) -> str:
        column = self._columns.named.get(name)
        return "" if column is None else _first_cell(self._rows, column)

    def _all(self, rows: Sequence[ShopifyRow], name: str) -> list[str]:
        """The values of a column, each once."""
        return [*dict.fromkeys(value for row in rows if (value := self._cell(row, name)))]

    def _codes(self, rows: Sequence[ShopifyRow], name: str) -> list[str]:
        """The same for codes, before which Shopify writes an apostrophe for spreadsheets."""
        return [code.removeprefix("'") for code in self._all(rows, name)]


def _first_cell(rows: Sequence[ShopifyRow], column: str) -> str:
    return next((cell for row in rows if (cell := row[column])), "")


def _only(values: Sequence[str]) -> str:
    """The value where there is a single one."""
    return values[0] if len(values) == 1 else ""


def _position(text: str) -> int:
    """Where a picture stands; at the end where that is not said."""
    return int(text) if text.isdecimal() and len(text) < 10 else 10**9
