"""Catalogs -> pairs of a picture and its captions."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.domain import Product
from shopsearch.errors import TrainingError
from shopsearch.training.captions import (
    COLOUR_AND_KIND,
    DESCRIPTION,
    FULL,
    KIND,
    N_CAPTIONS,
    PATH,
    TITLE,
    captions_of,
)
from shopsearch.training.pairs import MIN_PAIRS, read_pairs

SHIRT = Product(
    product_id="1",
    title="Palm Tree Shirt",
    description="Soft <b>cotton</b>.",
    product_type="Apparel > Topwear > Shirts",
    gender="men",
    attributes={"baseColour": "Navy Blue", "usage": "Casual"},
)


def test_a_picture_is_taught_by_what_a_shopper_might_type():
    texts = captions_of(SHIRT).texts
    assert len(texts) == N_CAPTIONS
    assert texts[TITLE] == "Palm Tree Shirt"
    assert texts[KIND] == "Shirts"
    assert texts[COLOUR_AND_KIND] == "Navy Blue Shirts"
    assert texts[FULL] == "navy blue casual shirts for men"
    assert texts[PATH] == "Apparel, Topwear, Shirts"
    assert texts[DESCRIPTION] == "Palm Tree Shirt. Soft cotton ."


def test_what_a_catalog_does_not_tell_is_replaced_by_the_title():
    captions = captions_of(Product(product_id="1", title="Lamp"))
    assert {text.lower() for text in captions.texts} == {"lamp"}
    assert captions.kind == ""


def test_a_category_that_only_repeats_the_brand_is_no_kind():
    product = Product(
        product_id="1",
        title="A mug",
        brand="Printland",
        product_type="Mugs > Printland Coffee Mugs",
    )
    assert captions_of(product).kind == "Mugs"


def write_catalog(folder: Path, rows: Sequence[dict[str, str]]) -> Path:
    folder.mkdir(exist_ok=True)
    for row in rows:
        if row["image"] and not (folder / row["image"]).exists():
            Image.new("RGB", (8, 8), "red").save(folder / row["image"])
    with (folder / "products.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


@pytest.fixture
def catalog(tmp_path: Path) -> Callable[..., Path]:
    def made(name: str = "shop", n: int = MIN_PAIRS, **columns: str) -> Path:
        rows = [
            {
                "id": str(number),
                "title": f"thing {number}",
                "category": f"All > Kind {number % 4}",
                "image": "red.png",
                **columns,
            }
            for number in range(n)
        ]
        return write_catalog(tmp_path / name, rows)

    return made


def test_products_of_the_split_val_are_held_out(catalog):
    pairs = read_pairs([catalog("a"), catalog("b", split="val")])
    assert (len(pairs.learned), len(pairs.held_out)) == (MIN_PAIRS, MIN_PAIRS)


def test_a_title_that_measures_is_never_learned_from(catalog):
    pairs = read_pairs([catalog("a", n=2 * MIN_PAIRS)], val=catalog("b"))
    learned = {pair.captions.texts[TITLE] for pair in pairs.learned}
    assert not learned & {pair.captions.texts[TITLE] for pair in pairs.held_out}
    assert len(pairs.learned) == MIN_PAIRS


def test_a_kind_that_is_left_out_is_not_learned_from(catalog):
    pairs = read_pairs([catalog("a", n=2 * MIN_PAIRS)], leave_out=["kind 2"])
    assert pairs.n_left_out == MIN_PAIRS / 2
    assert "Kind 2" not in {pair.captions.kind for pair in pairs.learned}


def test_products_without_a_picture_are_counted(catalog):
    pairs = read_pairs([catalog("a"), catalog("b", image="")])
    assert pairs.n_without_picture == MIN_PAIRS


def test_too_few_products_are_an_error_with_both_numbers(catalog):
    with pytest.raises(TrainingError, match=rf"3 products.*at least {MIN_PAIRS}"):
        read_pairs([catalog("a", n=3)])


def test_a_catalog_without_pictures_is_an_error(catalog):
    with pytest.raises(TrainingError, match="0 products with a picture"):
        read_pairs([catalog("a", image="")])


def test_a_validation_catalog_without_pictures_is_an_error(catalog):
    with pytest.raises(TrainingError, match="measure with"):
        read_pairs([catalog("a")], val=catalog("b", image=""))


def test_a_kind_that_no_product_has_is_an_error(catalog):
    with pytest.raises(TrainingError, match="kind 9"):
        read_pairs([catalog("a")], leave_out=["Kind 9"])


def test_products_that_all_have_one_title_teach_nothing(catalog):
    with pytest.raises(TrainingError, match="all 64 products have the same title"):
        read_pairs([catalog(title="Lamp")])
