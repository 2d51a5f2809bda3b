"""Real catalogs as Shopify and Google Merchant would export them, indexed."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

from shopsearch.bootstrap import Services
from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import (
    AnyOf,
    FeedRow,
    IndexReport,
    Price,
    ProductFilter,
    Query,
    Rejection,
    RemovalRow,
)

from .shop_exports import write_google_tsv, write_google_xml, write_shopify

N_PICTURES = 40
N_PRODUCTS = 300  # of Flipkart's: seconds
USD = FieldMapping(currency="USD")


def unpacked(archive: Path, folder: Path) -> list[dict[str, str]]:
    """The rows of a catalog; of its pictures the first, for others stand in."""
    with zipfile.ZipFile(archive) as whole:
        with whole.open("products.csv") as file:
            rows = list(csv.DictReader(line.decode() for line in file))
        pictures = list(dict.fromkeys(row["image"] for row in rows))[:N_PICTURES]
        whole.extractall(folder, pictures)
    for row in rows:
        row["image"] = row["image"] if row["image"] in pictures else pictures[0]
    return rows


def indexed(services: Services, feed: Path, mapping: FieldMapping) -> IndexReport:
    return services.indexer.run(open_feed(feed, mapping=mapping), feed_name=str(feed))


def test_an_export_of_shopify_has_one_product_for_each_of_its_groups(
    archives: Path, tmp_path: Path, services: Services
) -> None:
    rows = unpacked(archives / "catalog-luma.zip", tmp_path)
    write_shopify(tmp_path / "products_export.csv", rows)
    groups: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["product_group"], []).append(row)
    feed = open_feed(tmp_path / "products_export.csv", mapping=USD)

    records = list(feed)
    report = services.indexer.run(feed, feed_name="luma")

    rows_read = [record for record in records if isinstance(record, FeedRow)]
    told = {row.product.product_id: row.product for row in rows_read}
    assert sorted(told) == sorted([*groups, "scarf"])
    assert feed.size_hint() == len(records) == len(groups) + 3
    assert [r.product_id for r in records if isinstance(r, RemovalRow)] == ["draft"]
    (torn,) = (record for record in records if isinstance(record, Rejection))
    assert torn.product_id == next(iter(groups))
    assert (report.indexed, [one.product_id for one in report.rejected]) == (
        len(told),
        [torn.product_id],
    )
    for handle, variants in groups.items():
        product = told[handle]
        words = variants[0]["description"].replace("•", " ").split()
        assert product.title == " ".join(variants[0]["title"].split())
        assert product.description.replace("•", " ").split() == words
        assert product.price == Price(
            min(round(float(one["price_usd"]) * 100) for one in variants), "USD"
        )
        colours = [one["color"] for one in variants if one["color"]]
        assert product.color.split(" | ") == (list(dict.fromkeys(colours)) or [""])
        assert product.availability == ("in_stock" if len(variants) > 1 else "out_of_stock")
    red = services.search.search(Query(where=ProductFilter((AnyOf("color", ("red",)),)), k=1))
    assert red.total == sum(any(v["color"] == "Red" for v in each) for each in groups.values()) > 9
    assert len(told["scarf"].filter_row()["length"]) == 100


def test_an_export_of_shopify_may_have_one_product_for_each_variant(
    archives: Path, tmp_path: Path
) -> None:
    rows = unpacked(archives / "catalog-luma.zip", tmp_path)
    write_shopify(tmp_path / "products_export.csv", rows)
    (tmp_path / "products_export.csv.toml").write_text('currency = "USD"\nvariants = "separate"\n')

    found = [
        record.product
        for record in open_feed(tmp_path / "products_export.csv")
        if isinstance(record, FeedRow)
    ]

    groups = list(dict.fromkeys(row["product_group"] for row in rows))
    in_order = sorted(rows, key=lambda row: groups.index(row["product_group"]))
    assert [one.product_id for one in found[: len(rows)]] == [row["id"] for row in in_order]
    assert len(found) == len(rows) + 100
    colours = {one.product_id: one.color for one in found}
    assert all(colours[row["id"]] == row["color"] for row in rows)
    assert found[-1].item_group_id == "scarf"


def test_xml_for_google_and_the_same_as_text_are_the_same_products(
    archives: Path, tmp_path: Path, services: Services
) -> None:
    rows = unpacked(archives / "catalog-flipkart.zip", tmp_path)[:N_PRODUCTS]
    write_google_xml(tmp_path / "google.xml", rows)
    write_google_tsv(tmp_path / "google.tsv", rows)
    as_xml = open_feed(tmp_path / "google.xml")

    assert as_xml.size_hint() == len(rows)
    report = services.indexer.run(as_xml, feed_name="xml")
    again = indexed(services, tmp_path / "google.tsv", FieldMapping())

    assert (report.indexed, report.rejected) == (len(rows), ())
    products = {record.product.product_id: record.product for record in as_xml}
    for n, row in enumerate(rows):
        product = products[row["id"]]
        assert product.title == row["title"].strip()
        assert product.description.split() == row["description"].split()
        assert bool(product.images) is (n % 25 != 0)
        assert product.price is None or product.price.currency == ("INR" if n % 5 else "EUR")
        assert product.availability == ("in_stock" if n % 3 else "out_of_stock")
    where = ProductFilter((AnyOf("currency", ("EUR",)),))
    assert services.search.search(Query(where=where, k=1)).total == sum(
        bool(row["price_inr"]) for row in rows[::5]
    )
    assert (again.unchanged, again.rejected) == (len(rows), ())
