"""Facets against a count in plain Python, over real SQLite and both indexes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    AnyOf,
    Between,
    Condition,
    Exists,
    Facet,
    FacetValue,
    FieldCounts,
    Price,
    Product,
    ProductFilter,
    Query,
    SearchPage,
)
from shopsearch.errors import QueryError
from shopsearch.index import graph as plan
from shopsearch.index.exact import ExactIndex
from shopsearch.settings import Settings

from .conftest import listed

FIELDS = ("brand", "color", "product_type", "glaze")
STRANGE = ("Straße", "İstanbul", "日本 > x", "'; DROP TABLE products; --", '"', "\\", "%", "a,b")
NAMES = {
    "brand": ("Nike", "NIKE", "Puma", *STRANGE[:3]),
    "color": ("Red", "red", "blue", STRANGE[3], ""),
    "product_type": ("", "Home", "Home > Kitchen", "Home > Kitchen > Mugs", "home > Bed", "Toys"),
    "glaze": ("", "matt", STRANGE[4], STRANGE[5], STRANGE[6], STRANGE[7], "x" * 900),
}


def drawn_products(n: int) -> list[Product]:
    rng = np.random.default_rng(4)

    def one_of(field: str) -> str:
        return str(rng.choice(NAMES[field]))

    def priced() -> Price | None:
        if rng.random() < 0.2:
            return None
        amount = Decimal(int(rng.integers(100, 20_000))) / 100
        return Price.of(amount, str(rng.choice(["USD", "USD", "JPY"])))

    return [
        Product(
            product_id=f"p{place}",
            title=f"Mug number {place}",
            brand=one_of("brand"),
            color=one_of("color"),
            product_type=one_of("product_type"),
            price=priced(),
            attributes={"glaze": glaze} if (glaze := one_of("glaze")) else {},
        )
        for place in range(n)
    ]


PRODUCTS = drawn_products(120)


@pytest.fixture(scope="module", params=["exact", "graph"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """The drawn products; the graph is asked however few there are."""
    is_graph = request.param == "graph"
    chosen = {"index": "faiss", "index_kind": "hnsw"} if is_graph else {"index": "exact"}
    home = tmp_path_factory.mktemp(request.param)
    with (
        pytest.MonkeyPatch.context() as patch,
        Services.open(Settings(home=home, encoder="hashing", **chosen)) as services,
    ):
        patch.setattr(plan, "COMPARED_PER_CANDIDATE", 0)
        patch.setattr(plan, "EF_AT_LEAST", 16)
        services.indexer.run(listed(*PRODUCTS), feed_name="drawn")
        yield services


# --- the truth ------------------------------------------------------------------------------------


def words_of(product: Product, field: str) -> tuple[str, ...]:
    value = product.filter_row().get(field, ())
    return tuple(map(str.casefold, value)) if isinstance(value, tuple) else ()


def passes(product: Product, condition: Condition) -> bool:
    price = float(product.price.amount) if product.price else None
    match condition:
        case AnyOf():
            wanted = {value.casefold() for value in condition.values}
            return bool(wanted & set(words_of(product, condition.field))) is not condition.negate
        case Exists():
            return (condition.field in product.filter_row()) is condition.present
        case Between():
            low = -np.inf if condition.low is None else condition.low
            high = np.inf if condition.high is None else condition.high
            return price is not None and low <= price <= high


def matching(conditions: Iterable[Condition], but_field: str = "") -> list[Product]:
    held = [one for one in conditions if one.field != but_field]
    return [p for p in PRODUCTS if all(passes(p, one) for one in held)]


def flattened(values: Iterable[FacetValue]) -> Iterator[FacetValue]:
    for value in values:
        yield value
        yield from flattened(value.children)


def levels_above(category: str) -> Iterator[str]:
    while " > " in category:
        category = category.rpartition(" > ")[0]
        yield category


def counted(facet: Facet) -> dict[str, int]:
    return {one.value.casefold(): one.count for one in flattened(facet.values) if one.count}


def ids(page: SearchPage) -> set[str]:
    return {hit.product.product_id for hit in page.hits}


VALUES = st.sampled_from([value for values in NAMES.values() for value in values if value])
CONDITIONS = st.one_of(
    st.builds(
        AnyOf,
        st.sampled_from(FIELDS),
        st.lists(VALUES | st.text(max_size=8), min_size=1, max_size=3).map(tuple),
        st.booleans(),
    ),
    st.builds(
        Between,
        st.just("price"),
        st.none() | st.integers(0, 120).map(float),
        st.none() | st.integers(80, 250).map(float),
    ),
    st.builds(Exists, st.sampled_from(FIELDS), st.booleans()),
)
FILTERS = st.lists(CONDITIONS, max_size=3).map(tuple)
quickly = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# --- the promises ---------------------------------------------------------------------------------


@quickly
@given(conditions=FILTERS, text=st.sampled_from(["", "mug", "number 7"]))
def test_facets_count_all_that_the_other_filters_let_through(
    shop: Services, conditions: tuple[Condition, ...], text: str
) -> None:
    asked = Query(text=text, where=ProductFilter(conditions), facets=FIELDS, facet_limit=200, k=1)
    page = shop.search.search(asked)

    assert [facet.name for facet in page.facets] == list(FIELDS)
    for facet in page.facets:
        left = matching(conditions, but_field=facet.field)
        truth = Counter(word for p in left for word in set(words_of(p, facet.field)))
        assert counted(facet) == truth
        assert facet.n_values == len(truth)
        assert facet.n_missing == sum(not words_of(p, facet.field) for p in left)


@quickly
@given(
    conditions=FILTERS,
    text=st.sampled_from(["", "mug", "number 7"]),
    product_id=st.sampled_from([None, "p3"]),
)
def test_facets_counted_after_the_hits_are_those_counted_with_them(
    shop: Services, conditions: tuple[Condition, ...], text: str, product_id: str | None
) -> None:
    where = ProductFilter(conditions)
    asked = Query(text=text, product_id=product_id, where=where, facets=FIELDS, k=1)
    page = shop.search.search(replace(asked, facets=()))
    assert page.facets == ()
    assert shop.search.facets(asked, page) == shop.search.search(asked).facets


@quickly
@given(conditions=FILTERS, text=st.sampled_from(["", "mug", "number 7"]))
def test_a_filter_neither_loses_a_product_nor_lets_one_slip_through(
    shop: Services, conditions: tuple[Condition, ...], text: str
) -> None:
    page = shop.search.search(Query(text=text, where=ProductFilter(conditions), k=200))
    assert ids(page) == {product.product_id for product in matching(conditions)}
    assert page.total == len(page.hits)


@quickly
@given(conditions=FILTERS)
def test_choosing_a_value_or_a_band_leaves_as_many_as_it_said(
    shop: Services, conditions: tuple[Condition, ...]
) -> None:
    asked = Query(where=ProductFilter(conditions), facets=("brand", "price"), k=1)
    brand, price = shop.search.search(asked).facets
    for value in brand.values[:3]:
        chosen = (*ProductFilter(conditions).without("brand").conditions,)
        chosen += (AnyOf("brand", (value.value,)),)
        assert shop.search.search(Query(where=ProductFilter(chosen))).total == value.count
    others = ProductFilter(conditions).without("price").conditions
    for band in price.bands:
        bounds = (Between("price", band.low, band.high), AnyOf("currency", (band.currency,)))
        page = shop.search.search(Query(where=ProductFilter((*others, *bounds))))
        assert page.total == band.count


@quickly
@given(conditions=FILTERS)
def test_price_bands_are_few_ascending_and_leave_no_price_out(
    shop: Services, conditions: tuple[Condition, ...]
) -> None:
    query = Query(where=ProductFilter(conditions), facets=("price",), k=1)
    (facet,) = shop.search.search(query).facets
    left = matching(conditions, but_field="price")
    for currency in ("USD", "JPY"):
        bands = [band for band in facet.bands if band.currency == currency]
        priced = [p for p in left if p.price and p.price.currency == currency]
        assert sum(band.count for band in bands) == len(priced)
        assert len(bands) <= 10
        lows = [band.low for band in bands[1:]]
        assert lows == sorted(lows)
    assert facet.n_missing == sum(p.price is None for p in left)


@quickly
@given(
    field=st.text(max_size=40),
    values=st.lists(st.text(max_size=60), min_size=1, max_size=4).map(tuple),
    bounds=st.tuples(st.floats(), st.floats()),
)
def test_nothing_that_a_filter_or_a_facet_names_breaks_the_search(
    shop: Services, field: str, values: tuple[str, ...], bounds: tuple[float, float]
) -> None:
    where = ProductFilter((AnyOf(field, values), Between(field, *bounds), Exists(field)))
    page = shop.search.search(Query(text="mug", where=where, facets=(field, "brand")))
    assert page.total == 0 or field in FIELDS or field == "currency"
    assert {one.value for one in page.facets[0].values if one.chosen} >= {
        one for one in page.facets[0].values if one.value in values
    } or page.facets[0].values


@quickly
@given(conditions=FILTERS, part=st.sampled_from(["N", "nik", "ß", "stra", "> k", "x", "nothing"]))
def test_values_that_contain_a_text_are_found_however_rare_they_are(
    shop: Services, conditions: tuple[Condition, ...], part: str
) -> None:
    asked = Query(where=ProductFilter(conditions), facets=FIELDS, facet_query=part, k=1)
    for facet in shop.search.search(asked).facets:
        left = matching(conditions, but_field=facet.field)
        truth = Counter(word for p in left for word in set(words_of(p, facet.field)))
        found = {word: n for word, n in truth.items() if part.casefold() in word}
        chosen = [one.value.casefold() for one in flattened(facet.values) if one.chosen]
        # what is chosen is listed all the same, and the categories above it with it
        named = {above for one in chosen for above in (one, *levels_above(one))}
        assert {w: n for w, n in counted(facet).items() if w in found or w not in named} == found
        assert facet.n_values == len(found)
        assert facet.n_missing == sum(not words_of(p, facet.field) for p in left)


@quickly
@given(conditions=FILTERS)
def test_a_histogram_counts_each_price_of_its_currency_once(
    shop: Services, conditions: tuple[Condition, ...]
) -> None:
    query = Query(where=ProductFilter(conditions), facets=("price",), k=1)
    (facet,) = shop.search.search(query).facets
    left = matching(conditions, but_field="price")
    told = Counter({one.currency: sum(b.count for b in one.bins) for one in facet.histograms})
    assert told == Counter(p.price.currency for p in left if p.price)


def test_a_value_is_spelt_as_a_product_spells_it(shop: Services) -> None:
    (brand,) = shop.search.search(Query(facets=("brand",), where=ProductFilter())).facets
    spelt = {value.value for value in brand.values}
    assert {"Puma", "Straße", "İstanbul"} <= spelt
    assert len(spelt & {"Nike", "NIKE"}) == 1


def test_the_filter_of_a_facet_hides_no_sibling_and_marks_what_is_chosen(shop: Services) -> None:
    where = ProductFilter((AnyOf("brand", ("puma", "nobody")), AnyOf("color", ("blue",))))
    brand, color = shop.search.search(Query(where=where, facets=("brand", "color"))).facets
    chosen = {value.value: value.count for value in brand.values if value.chosen}
    assert set(chosen) == {"Puma", "nobody"}
    assert chosen["nobody"] == 0
    assert len(brand.values) > 2
    of_brand = [p for p in PRODUCTS if p.brand == "Puma" and p.color.casefold() == "red"]
    assert counted(color)["red"] == len(of_brand) > 0


def test_categories_are_a_tree_under_either_of_their_names(shop: Services) -> None:
    (facet,) = shop.search.search(Query(facets=("category",))).facets
    assert (facet.name, facet.field) == ("category", "product_type")
    home = next(value for value in facet.values if value.value == "Home")
    kitchen = next(value for value in home.children if value.value == "Home > Kitchen")
    assert [mugs.value for mugs in kitchen.children] == ["Home > Kitchen > Mugs"]
    assert home.count >= sum(child.count for child in home.children)


def test_the_most_frequent_values_come_first_and_only_so_many(shop: Services) -> None:
    (facet,) = shop.search.search(Query(facets=("glaze",), facet_limit=2)).facets
    (whole,) = shop.search.search(Query(facets=("glaze",), facet_limit=200)).facets
    counts = [value.count for value in whole.values]
    assert counts == sorted(counts, reverse=True)
    assert [value.count for value in facet.values] == counts[:2]
    assert facet.n_values == len(whole.values) > 2


def test_the_product_that_a_query_names_is_not_counted(shop: Services) -> None:
    (facet,) = shop.search.search(Query(product_id="p3", facets=("brand",))).facets
    without = Counter(p.brand.casefold() for p in PRODUCTS if p.product_id != "p3")
    assert counted(facet) == without


def test_what_does_not_depend_on_the_words_is_counted_once_for_a_generation(
    shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.search.search(Query(text="mug"))  # the first one of a generation counts for other reasons
    times = Counter[str]()
    fields = type(shop.generations.load().index.fields)
    count = fields.counts

    def counted(self: Any, field: str, *arguments: Any, **named: Any) -> FieldCounts:
        times[field] += 1
        return count(self, field, *arguments, **named)

    monkeypatch.setattr(fields, "counts", counted)
    where = ProductFilter((AnyOf("brand", ("puma",)), Between("price", 1.0, 180.0)))
    for words in ("mug", "number", "seven"):
        for facets in (("color", "brand"), ("brand", "glaze")):
            answer = shop.search.search(Query(text=words, where=where, facets=facets))
            assert [one.name for one in answer.facets] == list(facets)
    assert times == {"color": 1, "brand": 1, "glaze": 1}
    shop.search.search(Query(text="mug", where=where, facets=("color",), facet_limit=3))
    shop.search.search(Query(text="mug", where=where, facets=("color",), collapse=True))
    assert times["color"] == 3
    for words in ("mug number 7", "mug number 8"):  # what is relevant is another thing for each
        shop.search.search(Query(text=words, cutoff=True, facets=("glaze",)))
    assert times["glaze"] == 3
    listed = AnyOf("brand", ["nike"])  # type: ignore[arg-type] - as a caller in Python may say it
    answer = shop.search.search(Query(where=ProductFilter((listed,)), facets=("glaze",)))
    assert answer.facets[0].values


def test_what_nobody_asked_for_is_not_counted(shop: Services) -> None:
    assert shop.search.search(Query(text="mug")).facets == ()


def test_too_many_facets_or_values_are_refused(shop: Services) -> None:
    with pytest.raises(QueryError, match="21 facets are asked for; the limit is 20"):
        shop.search.search(Query(facets=tuple(f"f{n}" for n in range(21))))
    with pytest.raises(QueryError, match="is 0, but must be from 1 to 200"):
        shop.search.search(Query(facets=("brand",), facet_limit=0))


def test_counting_takes_no_loop_over_the_products() -> None:
    n = 50_000
    vectors = np.zeros((n, 4), dtype=np.float32)
    vectors[:, 0] = 1.0
    index = ExactIndex(4)
    rows = [{"brand": (f"b{place % 300}",), "price": float(place)} for place in range(n)]
    index.upsert(np.arange(n), vectors, rows)
    started = time.thread_time()
    found = index.fields.counts("brand", ProductFilter((Between("price", 10, None),)), limit=5)
    assert time.thread_time() - started < 0.05  # a loop in Python takes longer than that
    assert found.counts.tolist() == [167] * 5
