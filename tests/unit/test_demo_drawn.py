"""The drawn shop: the same for everybody, and true to its words."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import MAX_PRODUCTS, draw_shop, drawn_products, feed_csv
from shopsearch.demo.judged import judged_queries
from shopsearch.demo.kinds import DRAWINGS, Look, draw
from shopsearch.demo.patterns import COLOURS, PATTERNS
from shopsearch.demo.wording import KINDS
from shopsearch.domain import FeedRow

COMMITTED = Path(__file__).resolve().parents[2] / "data" / "drawn-shop"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_shop(tmp_path_factory.mktemp("shop"), n_products=24)


def test_the_feed_is_the_committed_one() -> None:
    assert feed_csv(drawn_products()) == (COMMITTED / "products.csv").read_text(encoding="utf-8")


def test_the_judgments_are_the_committed_ones(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text(feed_csv(drawn_products()), encoding="utf-8")

    queries, qrels = judged_queries(tmp_path)

    assert queries.read_bytes() == (COMMITTED / "queries.jsonl").read_bytes()
    assert qrels.read_bytes() == (COMMITTED / "qrels.csv").read_bytes()


def test_every_committed_product_has_its_picture_and_no_picture_is_left_over() -> None:
    named = {product.row["image_link"] for product in drawn_products()}
    there = {f"images/{path.name}" for path in (COMMITTED / "images").iterdir()}

    assert named == there


def test_drawing_again_gives_the_same_bytes(shop: Path, tmp_path: Path) -> None:
    def hashes(folder: Path) -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*.*"))
        }

    again = draw_shop(tmp_path, n_products=24)

    assert hashes(again.parent) == hashes(shop.parent)


def test_a_shorter_shop_is_the_beginning_of_a_longer_one() -> None:
    rows = [product.row for product in drawn_products(240)]

    assert [product.row for product in drawn_products(30)] == rows[:30]


def test_another_seed_draws_another_shop() -> None:
    assert feed_csv(drawn_products(60, seed=1)) != feed_csv(drawn_products(60, seed=0))


def test_no_two_products_are_alike() -> None:
    products = drawn_products(MAX_PRODUCTS)

    assert len({(product.kind, product.look) for product in products}) == MAX_PRODUCTS
    assert len({product.row["id"] for product in products}) == MAX_PRODUCTS


@pytest.mark.parametrize("n_products", [0, MAX_PRODUCTS + 1])
def test_a_number_of_products_that_cannot_be_is_refused(n_products: int) -> None:
    with pytest.raises(ValueError, match=f"not {n_products}"):
        drawn_products(n_products)


def test_every_kind_colour_and_pattern_is_there_in_balance() -> None:
    products = drawn_products(240)

    assert set(Counter(product.kind for product in products).values()) == {20}
    assert set(Counter(product.look.colour for product in products).values()) == {24}
    assert set(Counter(product.look.pattern for product in products)) == set(PATTERNS)


def test_the_feed_is_read_without_a_rejection_and_keeps_its_truth(shop: Path) -> None:
    records = list(open_feed(shop))

    assert all(isinstance(record, FeedRow) for record in records)
    for record, drawn in zip(records, drawn_products(24), strict=True):
        product = record.product
        assert product.color == drawn.look.colour
        assert product.attributes["pattern"] == drawn.look.pattern
        assert product.price is not None
        assert Path(product.images[0]).is_file()
        assert drawn.look.colour in product.title


def test_every_drawing_has_a_description_and_every_description_a_drawing() -> None:
    assert set(DRAWINGS) == set(KINDS)


@pytest.mark.parametrize("kind", DRAWINGS)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_plain_product_shows_its_colour(kind: str, colour: str) -> None:
    pixels = np.asarray(draw(kind, Look(colour, "plain")), int)
    near = np.abs(pixels - np.array(COLOURS[colour])).max(axis=2) < 40

    assert near.mean() > 0.06


@pytest.mark.parametrize("kind", DRAWINGS)
def test_patterns_of_one_product_can_be_told_apart(kind: str) -> None:
    pictures = [np.asarray(draw(kind, Look("blue", pattern)), int) for pattern in PATTERNS]

    for n, one in enumerate(pictures):
        for other in pictures[:n]:
            assert (np.abs(one - other).max(axis=2) > 40).mean() > 0.02


def test_a_picture_has_the_size_and_format_it_is_meant_to_have(shop: Path) -> None:
    for path in (shop.parent / "images").iterdir():
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("WEBP", (400, 400))


def test_judgments_name_products_that_are_there_and_queries_that_are_asked(shop: Path) -> None:
    queries_path, qrels_path = judged_queries(shop.parent)
    queries = [json.loads(line) for line in queries_path.read_text().splitlines()]
    with qrels_path.open(newline="") as file:
        qrels = list(csv.DictReader(file))
    ids = {product.row["id"] for product in drawn_products(24)}

    assert {row["product_id"] for row in qrels} <= ids
    assert {row["query_id"] for row in qrels} == {query["query_id"] for query in queries}
    assert len({query["query_id"] for query in queries}) == len(queries)


def test_a_composed_query_has_one_right_answer_and_faint_ones_that_share_a_trait() -> None:
    truth = {product.row["id"]: product for product in drawn_products()}
    with (COMMITTED / "qrels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["query_id"].startswith("composed-")]
    for row in rows:
        wanted = truth[row["query_id"].removeprefix("composed-")]
        found = truth[row["product_id"]]
        same = (found.look.colour == wanted.look.colour) + (
            found.look.pattern == wanted.look.pattern
        )
        assert found.kind == wanted.kind
        assert float(row["gain"]) == {1: 0.3, 2: 3.0}[same]
    assert sum(float(row["gain"]) == 3 for row in rows) == 60


def test_a_query_for_a_change_does_not_judge_the_product_it_starts_from() -> None:
    starts = {}
    for line in (COMMITTED / "queries.jsonl").read_text().splitlines():
        query = json.loads(line)
        if "product_id" in query:
            starts[query["query_id"]] = query["product_id"]
    with (COMMITTED / "qrels.csv").open(newline="") as file:
        judged = {(row["query_id"], row["product_id"]) for row in csv.DictReader(file)}

    assert len(starts) == 20
    assert not judged & set(starts.items())
