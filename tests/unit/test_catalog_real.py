"""The four real catalogs: every product read, every picture prepared."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from shopsearch.catalog import open_feed
from shopsearch.domain import FeedRow
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.items import ItemPreparer
from shopsearch.preprocessing.pictures import PictureLibrary


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "n_products", "currency"),
    [
        ("catalog-flipkart", 1_047, "INR"),
        ("catalog-luma", 461, "USD"),
        ("catalog-tailwind", 70, "USD"),
        ("catalog-oro", 59, "USD"),
    ],
)
def test_every_product_of_a_real_catalog_is_prepared(
    archives: Path, tmp_path: Path, name: str, n_products: int, currency: str
) -> None:
    with zipfile.ZipFile(archives / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    (path,) = tmp_path.rglob("products.csv")
    feed = open_feed(path)

    records = list(feed)

    assert feed.size_hint() == len(records) == n_products
    with PictureFetcher(tmp_path / "fetched") as fetcher:
        preparer = ItemPreparer(PictureLibrary(tmp_path / "copies"), fetcher)
        for record in records:
            assert isinstance(record, FeedRow)
            prepared = preparer.prepare(preparer.identify(record.product))
            assert prepared.text.startswith(record.product.title.split()[0])
            assert prepared.picture is not None
            assert max(prepared.picture.load().size) <= 512
            assert record.product.price is None or record.product.price.currency == currency
