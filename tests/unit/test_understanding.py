"""Query understanding over real SQLite and a real index."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    Between,
    PartKind,
    Price,
    Product,
    ProductFilter,
    Query,
    SearchPage,
    Sort,
)
from shopsearch.settings import Settings
from shopsearch.understanding import Understood, preferences_of

from .conftest import listed


def product(title: str, price: int = 40, **fields: str) -> Product:
    name = "-".join(title.lower().split())
    return Product(product_id=name, title=title, price=Price(price * 100, "USD"), **fields)


SHOES, DRESSES = "Clothing > Shoes", "Clothing > Dresses"
CATALOG = (
    product("Red summer dress", 30, color="Red", product_type=DRESSES, size="S"),
    product("Dark red evening dress", 90, color="Dark Red", product_type=DRESSES, size="M"),
    product("Blue summer dress", 45, color="Blue", product_type=DRESSES, size="XL"),
    product("Court shoes", 60, brand="Nike", product_type=SHOES, size="42", color="White"),
    product("Trail shoes", 80, brand="Nike", product_type=SHOES, size="EU 43", color="Orange"),
    product("Street shoes", 50, brand="Puma", product_type=SHOES, size="42", color="Black, White"),
    product("Drill 18 V", 120, brand="Black & Decker", product_type="Tools > Drills"),
    product("Hammer drill", 99, brand="Bosch", product_type="Tools > Drills", color="Black"),
    product("Phone 15", 700, brand="Apple", product_type="Phones", color="Rose Gold"),
    product("Apple pie dish", 25, brand="Emile", product_type="Kitchen > Dishes"),
    product("Apple slicer", 12, brand="Emile", product_type="Kitchen > Tools"),
    product("Orange juicer", 35, product_type="Kitchen > Juicers", color="Silver"),
    product("Lemon and orange juicer", 38, product_type="Kitchen > Juicers", color="White"),
    product("Gap filler", 8, product_type="Tools > Fillers", brand="Sika"),
    product("Denim jacket", 70, brand="Gap", product_type="Clothing > Jackets"),
    product("Wool coat", 150, brand="Gap", product_type="Clothing > Jackets", material="Wool"),
    product("Cotton shirt", 20, material="Cotton | Polyester", gender="Women"),
    product("Linen shirt", 28, material="Linen", gender="Men"),
    product("Gold ring", 300, color="Gold", product_type="Jewellery"),
    product("Rose gold ring", 310, color="Rose Gold", product_type="Jewellery"),
    product("Air Max 90", 130, brand="Nike", product_type=SHOES, size="42"),
    product("Wooden bed", 400, size="King", product_type="Furniture > Beds"),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Services:
    home = tmp_path_factory.mktemp("understanding")
    services = Services.open(Settings(home=home, encoder="hashing", batch_size=64))
    services.indexer.run(listed(*CATALOG), feed_name="test")
    return services


def read(shop: Services, text: str, **asked: object) -> Understood:
    query = Query(text=text, **asked)  # type: ignore[arg-type]
    return shop.understanding.read(query, shop.live.get())


def parts(shop: Services, text: str, **asked: object) -> list[tuple[str, str]]:
    return [(part.kind.value, part.text) for part in read(shop, text, **asked).parts]


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("red dress under 50", [("color", "red"), ("category", "dress"), ("price", "under 50")]),
        ("nike shoes size 42", [("brand", "nike"), ("category", "shoes"), ("size", "size 42")]),
        ("Black & Decker drill", [("brand", "Black & Decker"), ("category", "drill")]),
        ("black and decker drill", [("brand", "black and decker"), ("category", "drill")]),
        ("black drill", [("color", "black"), ("category", "drill")]),
        ("rose gold ring", [("color", "rose gold")]),
        ("gold ring", [("color", "gold")]),
        ("orange juicer", [("category", "juicer")]),
        ("orange shoes", [("color", "orange"), ("category", "shoes")]),
        ("apple pie dish", [("category", "dish")]),
        ("gap filler", [("category", "filler")]),
        ("gap jacket", [("brand", "gap"), ("category", "jacket")]),
        ("cotton shirt for women", [("material", "cotton"), ("gender", "women")]),
        ("women's shirt", [("gender", "women's")]),
        ("dress, red", [("category", "dress"), ("color", "red")]),
        ("dress without red", [("category", "dress")]),
        ("dress not red", [("category", "dress")]),
        ("dress -red", [("category", "dress")]),
        ('"red" dress', [("category", "dress")]),
        ("\N{LEFT DOUBLE QUOTATION MARK}under 50\N{RIGHT DOUBLE QUOTATION MARK}", []),
        ("dress rack", []),
        ("eu 43", [("size", "eu 43")]),
        ("shoes 43 eu", [("category", "shoes"), ("size", "43 eu")]),
        ("shoes uk 43", []),
        ("dress xl", [("category", "dress"), ("size", "xl")]),
        ("dress extra-large size", [("category", "dress"), ("size", "extra-large size")]),
        ("king size bed", [("size", "king size"), ("category", "bed")]),
        ("chess king", []),
        ("m", []),
        ("42", []),
        ("size 99", []),
        ("air max 90", []),
        ("cheaper than this", []),
        ("", []),
        ("  ,,  ", []),
    ],
)
def test_words_are_taken_for_what_the_catalog_has(
    shop: Services, text: str, found: list[tuple[str, str]]
) -> None:
    assert parts(shop, text) == found


def test_prices_and_sizes_become_filters_and_leave_the_text(shop: Services) -> None:
    understood = read(shop, "nike shoes, size 42 under $100 for running")
    assert understood.query.text == "nike shoes for running"
    assert set(understood.query.where.conditions) == {
        Between("price", None, 100),
        AnyOf("size", ("42",)),
    }


def test_of_two_sizes_either_will_do(shop: Services) -> None:
    where = read(shop, "shoes size 42 or eu 43").query.where
    assert where == ProductFilter((AnyOf("size", ("42", "eu 43")),))


def test_what_is_preferred_hides_nothing_and_comes_first(shop: Services) -> None:
    plain = shop.search.search(Query(text="white shoes", k=50, understand=False))
    page = shop.search.search(Query(text="white shoes", k=50))
    assert page.total == plain.total == len(CATALOG)
    assert set(ids(page)[:2]) == {"court-shoes", "street-shoes"}  # neither title has the colour


def test_a_product_that_tells_no_value_is_raised_for_its_title(shop: Services) -> None:
    page = shop.search.search(Query(text="wooden bed", k=3, explain=True))
    assert ids(page)[0] == "wooden-bed"
    page = shop.search.search(Query(text="gap coat", k=3, explain=True))
    assert [part.text for part in page.hits[0].preferred] == ["gap"]
    parts = read(shop, "wooden bed").preferences
    (preference,) = preferences_of(parts, EVERYTHING, shop.live.get().index, shop.words)[:1]
    (bed,) = shop.store.find(["wooden-bed"]).values()
    assert preference.raises(np.array([bed.key])).tolist() == [True]


def test_a_filter_that_would_leave_nothing_is_not_applied_and_says_so(shop: Services) -> None:
    page = shop.search.search(Query(text="dress under 5", k=50))
    assert page.total == len(CATALOG)
    assert [(part.text, part.applied) for part in page.understood if part.is_filter] == [
        ("under 5", False)
    ]
    own = ProductFilter((AnyOf("brand", ("apple",)),))
    assert [part.applied for part in read(shop, "it under 50", where=own).parts] == [False]


def test_without_any_other_words_a_filter_lists_what_passes(shop: Services) -> None:
    page = shop.search.search(Query(text="under 20", k=50))
    assert set(ids(page)) == {"gap-filler", "apple-slicer", "cotton-shirt"}
    assert page.total == 3


def test_a_currency_that_the_catalog_lacks_lets_nothing_through(shop: Services) -> None:
    (part,) = read(shop, "€20 or less").parts
    assert (part.currency, part.applied) == ("eur", False)


def test_of_several_currencies_the_one_that_is_told_counts(services: Services) -> None:
    euro = Product(product_id="euro", title="Mug", price=Price(900, "EUR"))
    dollar = Product(product_id="dollar", title="Mug", price=Price(900, "USD"))
    services.indexer.run(listed(euro, dollar), feed_name="test")
    assert ids(services.search.search(Query(text="mug under 10 euros"))) == ["euro"]
    assert ids(services.search.search(Query(text="mug under $10"))) == ["dollar"]
    both = ids(services.search.search(Query(text="mug under 10")))
    assert sorted(both) == ["dollar", "euro"]


def test_what_the_filter_of_the_query_tells_is_not_told_again(shop: Services) -> None:
    where = ProductFilter((Between("price", 40, 100), AnyOf("color", ("blue",))))
    understood = read(shop, "red dress under 50", where=where)
    assert [part.text for part in understood.parts] == ["dress"]
    assert understood.query.where == where
    assert understood.query.text == "red dress"


def test_words_that_shall_be_words_stay_words(shop: Services) -> None:
    text = "Rose Gold ring under 50"
    understood = read(shop, text, literal=("rose gold", "UNDER  50"))
    assert (understood.parts, understood.query.text) == ((), text)


def test_understanding_can_be_turned_off(shop: Services) -> None:
    query = Query(text="red dress under 50", understand=False)
    assert shop.understanding.read(query, shop.live.get()) == Understood(query)
    with Services.open(shop.settings.model_copy(update={"understand": False})) as off:
        assert off.search.search(Query(text="red dress under 50")).understood == ()


def test_beside_a_product_its_price_bounds_what_is_cheaper(shop: Services) -> None:
    page = shop.search.search(Query(text="cheaper than this", product_id="trail-shoes", k=50))
    found = [hit.product for hit in page.hits]
    assert {"court-shoes", "street-shoes"} <= set(ids(page))
    assert all(one.price is not None and one.price < Price(8000, "USD") for one in found)
    (part,) = page.understood
    assert (part.kind, part.text, part.is_filter) == (PartKind.PRICE, "cheaper than this", True)


def test_orders_other_than_relevance_know_filters_alone(shop: Services) -> None:
    found = parts(shop, "red dress under 50", sort=Sort.PRICE_ASC)
    assert found == [("price", "under 50")]


def test_an_explained_hit_tells_preferences_apart_from_rules(shop: Services) -> None:
    page = shop.search.search(Query(text="red dress", explain=True))
    first = page.hits[0]
    assert [part.text for part in first.preferred] == ["red", "dress"]
    assert first.rules == ()
    assert first.why is not None
    assert first.why.score.understood > 0
    assert first.why.score.rules == 0
    assert first.why.score.total == pytest.approx(first.score, abs=1e-5)


def test_pages_of_a_preferred_order_neither_repeat_nor_skip(shop: Services) -> None:
    query = Query(text="red dress for women", k=50)
    whole = ids(shop.search.search(query))
    paged = [
        one
        for offset in range(0, len(CATALOG), 5)
        for one in ids(shop.search.search(Query(text=query.text, k=5, offset=offset)))
    ]
    assert paged == whole
    assert sorted(whole) == sorted(one.product_id for one in CATALOG)


def test_a_corrected_text_keeps_the_words_for_filters(shop: Services) -> None:
    page = shop.search.search(Query(text="summr dress under 50"))
    assert page.did_you_mean == "summer dress under 50"


def test_rules_go_by_the_words_as_typed(shop: Services) -> None:
    from datetime import UTC, datetime

    from shopsearch.merchandising import FixedRules
    from shopsearch.rules import KeptRule, Pin, Rule, When

    now = datetime(2026, 12, 1, tzinfo=UTC)
    rule = Rule(name="r", when=When(query_is="dress under 50"), pins=(Pin(1, "gold-ring"),))
    service = shop.search_under(FixedRules([KeptRule(rule, 1, 0, now)]), now)
    assert "gold-ring" not in ids(service.search(Query(text="dress under 50")))  # filtered out
    allowed = Rule(name="r", when=When(query_is="dress under 50"), pins=(Pin(1, "gap-filler"),))
    service = shop.search_under(FixedRules([KeptRule(allowed, 1, 0, now)]), now)
    assert ids(service.search(Query(text="dress under 50")))[0] == "gap-filler"


def test_a_new_generation_brings_its_values(services: Services) -> None:
    services.indexer.run(listed(product("Plain mug", color="Teal")), feed_name="test")
    assert parts(services, "lilac mug") == []
    services.indexer.run(listed(product("Other mug", color="Lilac")), feed_name="test")
    assert parts(services, "lilac mug") == [("color", "lilac")]


WORDS = st.sampled_from(
    [
        *("red", "dress", "under", "50", "$", "nike", "shoes", "size", "42", "xl", "not", '"', ","),
        *("rose", "gold", "black", "&", "decker", "for", "women", "apple", "eu", "max", "-", "k"),
    ]
)


@tuned(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=14).map(" ".join)))
def test_any_text_is_read_and_what_has_no_part_stays_as_it_is(shop: Services, text: str) -> None:
    understood = read(shop, text)
    at = 0
    for part in understood.parts:  # in the order of the text, none within another
        at = text.index(part.text, at) + len(part.text)
    if not any(part.is_filter for part in understood.parts):
        assert understood.query.text == text
    literal = tuple(part.text for part in understood.parts)
    again = read(shop, text, literal=literal)
    assert not {part.text.casefold() for part in again.parts} & {w.casefold() for w in literal}
