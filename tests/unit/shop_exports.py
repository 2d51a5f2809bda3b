"""Real catalogs, written as the systems of shops export them, with what is odd about exports."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Row = Mapping[str, str]

SHOPIFY = """
    Handle|Title|Body (HTML)|Vendor|Product Category|Type|Tags|Published|Option1 Name|Option1 Value
    Variant SKU|Variant Grams|Variant Inventory Tracker|Variant Inventory Qty
    Variant Inventory Policy|Variant Price|Variant Compare At Price|Image Src|Image Position
    Variant Image|SEO Title|Cost per item|Price / International|Compare At Price / International
    Price / Switzerland|Status
"""
COLUMNS = [column for line in SHOPIFY.split("\n") for column in line.strip().split("|") if column]
GOOGLE = {
    "id": "id",
    "title": "title",
    "description": "description",
    "category": "product_type",
    "brand": "brand",
}


def as_html(text: str) -> str:
    """A description as an editor in a browser writes it."""
    first, *points = [html.escape(line.strip("• ")) for line in text.splitlines() if line.strip()]
    items = "".join(f"<li>{point}</li>" for point in points)
    return f"<p><strong>{first}</strong></p>\n<ul>{items}</ul><script>track('x')</script>"


def shopify_rows(products: Sequence[Row]) -> list[dict[str, str]]:
    """Luma's colours as the variants of one product, and rows for a product of a hundred."""
    groups: dict[str, list[Row]] = {}
    for product in products:
        groups.setdefault(product["product_group"], []).append(product)
    rows: list[dict[str, str]] = []
    for n, (handle, variants) in enumerate(groups.items()):
        rows.extend(_product_rows(n, handle, variants))
        if n % 20 == 0:
            rows.append({})  # spreadsheets leave empty rows
    many = [{"Handle": "scarf"}] * 100
    many[0] = many[0] | {"Title": "Scarf", "Option1 Name": "Length"}
    for n, row in enumerate(many):
        rows.append(row | {"Option1 Value": f"{n + 100} cm", "Variant Price": str(20 + n % 7)})
    rows.append({"Handle": "draft", "Title": "Not yet", "Variant Price": "1", "Status": "draft"})
    rows.append({"Handle": next(iter(groups)), "Image Src": "https://cdn.example/again.jpg"})
    return rows


def _product_rows(n: int, handle: str, variants: Sequence[Row]) -> list[dict[str, str]]:
    first = variants[0]
    rows = [
        {
            "Handle": handle,
            "Option1 Name": "Color" if variant["color"] else "Title",
            "Option1 Value": variant["color"] or "Default Title",
            "Variant SKU": variant["id"],
            "Variant Inventory Tracker": "shopify",
            "Variant Inventory Qty": str(place % 2),
            "Variant Inventory Policy": "deny",
            "Variant Price": variant["price_usd"],
            "Variant Compare At Price": "999",
            "Image Src": "" if n % 25 == 0 else variant["image"],
            "Image Position": str(place + 1),
            "Price / International": "1",
            "Price / Switzerland": "2",
        }
        for place, variant in enumerate(variants)
    ]
    rows[0] |= {
        "Title": first["title"],
        "Body (HTML)": as_html(first["description"]),
        "Vendor": "Luma",
        "Type": first["category"],
        "Tags": "sport, luma",
        "Published": "true",
        "Status": "active",
    }
    return rows


def write_shopify(path: Path, products: Sequence[Row]) -> None:
    """The export as Shopify writes it, all cells of further rows empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(shopify_rows(products))


def google_items(products: Sequence[Row]) -> list[list[tuple[str, str]]]:
    """Flipkart's products in Google's words; every fifth has a price in another currency."""
    return [
        [
            *((name, _lines(product[column])) for column, name in GOOGLE.items()),
            ("image_link", "" if n % 25 == 0 else product["image"]),
            ("price", _price(n, product)),
            ("availability", "in stock" if n % 3 else "out of stock"),
            ("condition", "new"),
            *(("product_highlight", value) for value in _highlights(product)),
        ]
        for n, product in enumerate(products)
    ]


def _lines(text: str) -> str:
    """With the one line end that XML knows."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _price(n: int, product: Row) -> str:
    if not product["price_inr"]:
        return ""
    return f"{product['price_inr']} {'INR' if n % 5 else 'EUR'}"


def _highlights(product: Row) -> list[str]:
    """Two of its specifications, in words that tabs and lines cannot break."""
    told = json.loads(product["attributes"] or "{}")
    return [" ".join(f"{name} {value}".split()) for name, value in list(told.items())[:2]]


def write_google_xml(path: Path, products: Sequence[Row]) -> None:
    """RSS 2.0 with Google's namespace."""
    items = "".join(
        "<item>{}</item>\n".format("".join(f"<g:{k}>{escape(v)}</g:{k}>" for k, v in item if v))
        for item in google_items(products)
    )
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" '
        f'xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>\n{items}'
        "</channel></rss>\n",
        encoding="utf-8",
    )


def write_google_tsv(path: Path, products: Sequence[Row]) -> None:
    """The same as text with tabs, its names with spaces."""
    rows = google_items(products)
    widest = max(rows, key=len)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow([name.replace("_", " ") for name, _ in widest])
        writer.writerows([v for _, v in row] + [""] * (len(widest) - len(row)) for row in rows)
