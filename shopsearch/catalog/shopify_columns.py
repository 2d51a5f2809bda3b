"""What the columns of Shopify's product export are for.

Both headers are understood: `Handle, Title, Body (HTML), ..., Variant SKU, ...` of the exports, and
`Title, URL handle, Description, ..., SKU, ...` of the newer template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shopsearch.catalog.base import FieldMapping, columns_of
from shopsearch.catalog.fields import column_key

OPTIONS = (1, 2, 3)
_NAMES = {  # what a column is for -> how it is called, as `column_key` has it
    "handle": ("handle", "urlhandle"),
    "title": ("title",),
    "body": ("bodyhtml", "description"),
    "vendor": ("vendor",),
    "category": ("productcategory",),
    "type": ("type",),
    "google_category": ("googleshoppinggoogleproductcategory",),
    "gender": ("googleshoppinggender",),
    "tags": ("tags",),
    "published": ("published", "publishedononlinestore"),
    "status": ("status",),
    "sku": ("variantsku", "sku"),
    "barcode": ("variantbarcode", "barcode"),
    "price": ("variantprice", "price"),
    "tracker": ("variantinventorytracker", "inventorytracker"),
    "quantity": ("variantinventoryqty", "inventoryquantity"),
    "policy": ("variantinventorypolicy", "continuesellingwhenoutofstock"),
    "image": ("imagesrc", "productimageurl"),
    "position": ("imageposition",),
    "variant_image": ("variantimage", "variantimageurl"),
    **{f"option{n}": (f"option{n}name",) for n in OPTIONS},
    **{f"value{n}": (f"option{n}value",) for n in OPTIONS},
}
_FIELDS = {  # fields of products -> the columns that tell them
    "id": ("handle",),
    "title": ("title",),
    "description": ("body",),
    "brand": ("vendor",),
    "product_type": ("category", "type", "google_category"),
    "price": ("price",),
    "image_link": ("image",),
    "gtin": ("barcode",),
    "gender": ("gender",),
}
_OF_VARIANTS = frozenset(
    key for name in ("sku", "price", "quantity", "option1") for key in _NAMES[name]
) - {"sku", "price"}  # plain catalogs have these too
_NEW_HANDLE = "urlhandle"
# What runs a shop and describes no product; `Cost per item` is nobody else's business.
_LEFT_OUT = re.compile(
    r"variant(grams|weight\w*|tax\w*|fulfillmentservice|requiresshipping)|command"
    r"|(variant)?compareatprice\w*|(included|price)\w+|costperitem|unitprice\w*"
    r"|imagealttext|giftcard|seo(title|description)|option\dlinkedto"
    r"|taxcode|chargetax|weight(value|unit)\w*|requiresshipping|fulfillmentservice"
    r"|googleshopping(ad|custom)\w*"
)
_METAFIELD = re.compile(r"\s*\((?:product|variant)\.metafields\.[^)]*\)$")


def is_shopify(columns: Sequence[str]) -> bool:
    """Whether a header is one of Shopify's: handle, title, and something of variants."""
    keys = set(map(column_key, columns))
    has_handle = bool(keys & set(_NAMES["handle"]))
    return has_handle and "title" in keys and bool(keys & (_OF_VARIANTS | {_NEW_HANDLE}))


@dataclass(frozen=True, slots=True)
class ShopifyColumns:
    """Where an export keeps what, and which of its columns become fields and attributes."""

    named: Mapping[str, str]  # what a column is for -> the column
    attributes: Mapping[str, str]  # column -> attribute
    mapping: FieldMapping  # the user's over what is known of these columns
    mapped: tuple[tuple[str, str], ...]  # product field and column, as the mapping has them

    @classmethod
    def of(cls, header: Sequence[str], mapping: FieldMapping) -> ShopifyColumns:
        """What a header says; `mapping` wins."""
        by_key = {column_key(column): column for column in reversed(header)}
        named = {
            name: by_key[key]
            for name, keys in _NAMES.items()
            for key in reversed(keys)
            if key in by_key
        }
        fields = {
            field: there
            for field, names in _FIELDS.items()
            if (there := [named[name] for name in names if name in named])
        }
        both = replace(
            mapping.over(FieldMapping(fields)),
            file=mapping.file,
            told_columns=mapping.told_columns,
        )
        mapped = [
            (field, by_key[column_key(column)])
            for field, columns in both.columns.items()
            for column in columns_of(columns)
            if column_key(column) in by_key
        ]
        taken = {*named.values(), *(column for _, column in mapped)}
        attributes = {column: _short(column) for column in header if column not in taken}
        kept = {c: name for c, name in attributes.items() if not _LEFT_OUT.fullmatch(column_key(c))}
        return cls(named, kept, both, tuple(mapped))


def is_metafield(column: str) -> bool:
    """Whether a column holds what the shop itself defined, its values parted by semicolons."""
    return _METAFIELD.search(column) is not None


def _short(column: str) -> str:
    """`Google Shopping / Age Group` is `Age Group`, `Fit (product.metafields.custom.fit)` `Fit`."""
    return _METAFIELD.sub("", column).removeprefix("Google Shopping / ")
