"""Suggestions for the beginning of a search, over real SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.settings import Settings
from shopsearch.suggestions import Suggestion, SuggestionKind

from .conftest import listed


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("suggesting")
    services = Services.open(Settings(home=home, encoder="hashing", index="exact"))
    products = [
        *(
            Product(
                product_id=f"curtain{n}",
                title=f"Velvet curtain {n}",
                brand="Curtis",
                product_type="Home > Curtains",
            )
            for n in range(4)
        ),
        Product(product_id="lamp", title="Velvet lamp", product_type="Home > Lamps"),
        Product(product_id="mug", title="Curved mug", brand="Kiln", product_type="Kitchen > Mugs"),
        Product(product_id="code", title="Kettle KX-4711B", brand="Kiln"),
    ]
    services.indexer.run(listed(*products), feed_name="test")
    yield services
    services.close()


def texts(shop: Services, typed: str, size: int = 8) -> list[str]:
    return [one.text for one in shop.suggestions.suggest(typed, size).suggestions]


def test_a_beginning_leads_to_words_brands_categories_and_products(shop: Services) -> None:
    found = shop.suggestions.suggest("cur")
    assert [one.text for one in found.suggestions][:1] == ["curtain"]
    assert Suggestion("Curtis", SuggestionKind.BRAND) in found.suggestions or (
        "curtis" in [one.text for one in found.suggestions]
    )
    assert [(one.category, one.n_products) for one in found.categories] == [("Home > Curtains", 4)]
    assert {one.product.product_id for one in found.products} == {
        *(f"curtain{n}" for n in range(4)),
        "mug",
    }


def test_the_words_before_are_kept_and_only_what_stands_with_them_is_suggested(
    shop: Services,
) -> None:
    assert texts(shop, "velvet cur")[:1] == ["velvet curtain"]
    assert "velvet curved" not in texts(shop, "velvet cur")
    assert texts(shop, "velvet l") == ["velvet lamp"]


@pytest.mark.parametrize("typed", ["velvt curt", "velvet crut", "velvet cuurta"])
def test_typos_are_forgiven_in_whole_words_and_in_the_beginning(shop: Services, typed: str) -> None:
    assert texts(shop, typed)[:1] == ["velvet curtain"]


def test_a_space_says_that_the_word_is_whole(shop: Services) -> None:
    assert texts(shop, "velvet ") == ["velvet"]
    found = shop.suggestions.suggest("velvet ")
    assert len(found.products) == 5


def test_a_model_number_leads_to_its_product(shop: Services) -> None:
    (only,) = shop.suggestions.suggest("kx-4711b").products
    assert only.product.product_id == "code"


@pytest.mark.parametrize("typed", ["", "   ", "zzyzxq", '"; DROP', "\x00", "\U0001f600", "a" * 500])
def test_what_leads_nowhere_suggests_nothing(shop: Services, typed: str) -> None:
    found = shop.suggestions.suggest(typed)
    assert (found.suggestions, found.products, found.categories) == ((), (), ())


def test_no_list_is_longer_than_asked(shop: Services) -> None:
    found = shop.suggestions.suggest("c", size=1)
    assert (len(found.suggestions), len(found.products), len(found.categories)) == (1, 1, 1)


def test_a_brand_and_a_category_without_products_are_not_suggested(shop: Services) -> None:
    gone = Product(product_id="gone", title="Zither", brand="Zeno", product_type="Zithers")
    shop.indexer.run(listed(gone), feed_name="test")
    assert {"zither", "zeno"} <= {one.casefold() for one in texts(shop, "z")}
    shop.store.remove(["gone"])
    shop.indexer.reindex()
    found = shop.suggestions.suggest("z")
    assert (found.suggestions, found.products, found.categories) == ((), (), ())
