"""What is exported and indexed again is the same catalog, to the fingerprint."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from shopsearch.bootstrap import Services
from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.catalog.fields import attribute_name, field_named
from shopsearch.catalog.products import ProductReader
from shopsearch.domain import AnyOf, Between, Price, Product, ProductFilter
from shopsearch.settings import Settings
from shopsearch.upkeep.export import Exported, JsonlFormat, as_record
from shopsearch.upkeep.parquet import parquet_format

from .conftest import listed


@pytest.fixture
def shop(services: Services, mugs: tuple[Product, ...], draw: Callable[..., str]) -> Services:
    awkward = Product(
        product_id='a/b "c", d',
        title="Mug, with a comma | and a bar\u2028and a line end",
        description="<p>Two\nlines & [brackets]</p>",
        brand="Kiln & Sons",
        product_type="Home / Garden > Mugs, cups",
        images=(
            draw("a, b|c", "orange"),
            draw("second, one", "blue"),
            "https://shop.example/3.png",
        ),
        link="https://shop.example/?q=a,b",
        price=Price(1234, "KWD"),
        availability="in_stock",
        color="Red, green",
        size="10 > 12",
        material="[clay]",
        gender="unisex",
        item_group_id="g|1",
        gtin="00012345678905",
        attributes={"glaze": "matt, gloss", "fits.in": "{oven}", "n": "007", "größe": "½ l"},
    )
    yen = Product(product_id="yen", title="Cup", price=Price(1500, "JPY"))
    services.indexer.run(listed(*mugs, awkward, yen), feed_name="shop")
    return services


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Services]:
    scratch = Settings(home=tmp_path / "other", encoder="hashing", batch_size=8)
    with Services.open(scratch) as opened:
        yield opened


def fingerprints(services: Services) -> dict[str, str]:
    return {
        stored.product.product_id: stored.record.fingerprint
        for batch in services.upkeep.products()
        for stored in batch
    }


def exported(services: Services, path: Path, **options: object) -> Path:
    with path.open("wb") as file:
        services.exporter.write(file, JsonlFormat, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("embeddings", [False, True])
def test_an_export_is_read_back_to_the_same_fingerprints(
    shop: Services, other: Services, tmp_path: Path, embeddings: bool
) -> None:
    away = tmp_path / "away"
    away.mkdir()  # places are absolute: they hold from anywhere
    feed = exported(shop, away / "x.jsonl", embeddings=embeddings)
    report = other.indexer.run(open_feed(feed), feed_name="again")
    assert report.rejected == ()
    assert fingerprints(other) == fingerprints(shop)
    assert len(fingerprints(shop)) == 8
    again = shop.indexer.run(open_feed(feed), feed_name="again")
    assert (again.unchanged, again.indexed) == (8, 0)


words = strategies.text(
    strategies.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), max_size=12
)
names = words.map(attribute_name).filter(
    lambda name: bool(name) and attribute_name(name) == name and field_named(name) is None
)


text = words.map(str.strip)
pictures = words.map(lambda word: f"/pictures/{word.replace('/', '')}.png")
PLAIN = ("description", "link", "brand", "color", "size", "material", "gender", "gtin")
products = strategies.builds(
    Product,
    product_id=strategies.just("p"),
    title=words.map(lambda word: f"title {word}".strip()),
    product_type=strategies.lists(text.filter(bool), max_size=3).map(" > ".join),
    price=strategies.builds(
        Price, strategies.integers(0, 10**9), strategies.sampled_from(["EUR", "JPY", "KWD"])
    ),
    images=strategies.tuples(pictures, strategies.just("https://shop.example/a,b.png")),
    attributes=strategies.dictionaries(names, text.filter(bool), max_size=4),
    **dict.fromkeys(PLAIN, text),
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(product=products)
def test_any_product_survives_its_record(tmp_path: Path, product: Product) -> None:
    file = io.BytesIO()
    JsonlFormat(file).write([Exported(product)])
    feed = tmp_path / "one.jsonl"
    feed.write_bytes(file.getvalue())
    (row,) = list(open_feed(feed))
    assert row.product == product  # type: ignore[union-attr]


def test_embeddings_are_those_of_the_index_to_the_last_bit(shop: Services, tmp_path: Path) -> None:
    lines = exported(shop, tmp_path / "x.jsonl", embeddings=True).read_text().splitlines()
    index = shop.live.get().index
    for record in map(json.loads, lines):
        key = shop.store.find([record["id"]])[record["id"]].key
        vector = np.array(record["shopsearch_vector"], dtype=np.float32)
        np.testing.assert_array_equal(vector, index.fetch(np.array([key]))[0])
        assert record["shopsearch_encoder"] == shop.embedder.encoder_id
        assert record["shopsearch_fusion"] == shop.embedder.fusion_id
        has_image = record["shopsearch_image_embedding"] is not None
        assert has_image == ("image_link" in record)


def test_what_the_cache_lacks_is_null_and_counted(shop: Services) -> None:
    image_hash = shop.store.find(["red"])["red"].record.image_hash
    assert image_hash is not None
    shop.upkeep.forget(shop.embedder.encoder_id, [image_hash])
    file = io.BytesIO()
    report = shop.exporter.write(file, JsonlFormat, embeddings=True)
    assert (report.products, report.without_vector) == (8, 1)
    record = next(
        one for one in map(json.loads, file.getvalue().splitlines()) if one["id"] == "red"
    )
    assert record["shopsearch_vector"] is record["shopsearch_image_embedding"] is None
    assert record["shopsearch_text_embedding"] is not None


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (AnyOf("brand", ("kiln",)), ["red", "blue"]),
        (AnyOf("brand", ("kiln", "fern"), negate=True), ["picture", "sofa", 'a/b "c", d', "yen"]),
        (Between("price", 5, 20), ["red", "blue", "green"]),
        (AnyOf("brand", ("nobody",)), []),
    ],
)
def test_a_filter_means_what_it_means_in_a_search(
    shop: Services, tmp_path: Path, where: AnyOf | Between, ids: list[str]
) -> None:
    path = exported(shop, tmp_path / "x.jsonl", where=ProductFilter((where,)))
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ids


@pytest.mark.parametrize("embeddings", [False, True])
def test_a_parquet_file_has_the_same_products(
    shop: Services, tmp_path: Path, embeddings: bool
) -> None:
    path = tmp_path / "x.parquet"
    ids = {"encoder_id": "e1", "fusion_id": "f1"} if embeddings else {}
    with path.open("wb") as file:
        shop.exporter.write(file, parquet_format(**ids), embeddings=embeddings)
    table = pq.read_table(path)
    reader = ProductReader(FieldMapping(), tmp_path)
    read = {product.product_id: product for product in map(reader.read, table.to_pylist())}
    assert read == {id_: shop.store.find([id_])[id_].product for id_ in fingerprints(shop)}
    if embeddings:
        assert table.schema.metadata[b"shopsearch_encoder"] == b"e1"
        assert table.schema.metadata[b"shopsearch_fusion"] == b"f1"
        index = shop.live.get().index
        for row in table.to_pylist():
            key = shop.store.find([row["id"]])[row["id"]].key
            vector = np.array(row["shopsearch_vector"], dtype=np.float32)
            np.testing.assert_array_equal(vector, index.fetch(np.array([key]))[0])


def test_an_empty_field_is_not_in_the_record() -> None:
    assert as_record(Product(product_id="p", title="Mug")) == {"id": "p", "title": "Mug"}
