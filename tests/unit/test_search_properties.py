"""Any query, over the real services: nothing crashes, leaks, repeats or is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Between, Price, Product, ProductFilter, Query, Sort
from shopsearch.settings import Settings

from .conftest import listed

COLOURS = ("Red", "Blue", "Green", "")
BRANDS = ("Kiln", "Fern", "Black & Decker", "")
KINDS = ("mug", "desk lamp", "5 inch tablet case", "running shoes", "men's jacket")
N = 90
AWKWARD = (
    '"',
    "'",
    "under 50",
    'NEAR(mug) OR "',
    "not red",
    "-blue",
    '"desk lamp"',
    '5"',
    "%",
    "*",
)
any_words = st.lists(
    st.sampled_from((*KINDS, *COLOURS, *BRANDS, *AWKWARD)) | st.text(max_size=12), max_size=5
).map(" ".join)
conditions = st.one_of(
    st.builds(
        AnyOf, st.just("brand"), st.lists(st.sampled_from(BRANDS[:3]), min_size=1).map(tuple)
    ),
    st.builds(AnyOf, st.just("color"), st.just(("red",)), st.booleans()),
    st.builds(Between, st.just("price"), st.just(5.0), st.sampled_from([20.0, 60.0])),
)
filters = st.lists(conditions, max_size=2).map(lambda some: ProductFilter(tuple(some)))
flags = st.fixed_dictionaries(
    {
        "sort": st.sampled_from(list(Sort)),
        "cutoff": st.booleans(),
        "collapse": st.booleans(),
        "understand": st.booleans(),
        "as_typed": st.booleans(),
        "diversity": st.sampled_from([0.0, 0.3]),
    }
)
thoroughly = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("properties")
    products = [
        Product(
            product_id=f"p{n}",
            title=f"{COLOURS[n % 4]} {KINDS[n % 5]} {n // 3}".strip(),
            brand=BRANDS[n % 4],
            color=COLOURS[n % 4],
            item_group_id=f"g{n // 3}" if n % 2 else "",
            price=Price(100 * (n + 1), "USD") if n % 7 else None,
        )
        for n in range(N)
    ]
    with Services.open(Settings(home=home, encoder="hashing", index="exact")) as services:
        services.indexer.run(listed(*products), feed_name="test")
        yield services


@given(text=any_words, where=filters, flags=flags, size=st.integers(1, 50))
@thoroughly
def test_pages_of_any_query_are_one_list_without_repeats_and_as_long_as_they_say(
    shop: Services, text: str, where: ProductFilter, flags: dict[str, object], size: int
) -> None:
    query = {"text": text, "where": where, **flags}
    whole = shop.search.search(Query(**query, k=1000))
    pages = [
        shop.search.search(Query(**query, k=size, offset=offset))
        for offset in range(0, whole.total + size, size)
    ]
    shown = [hit.product.product_id for page in pages for hit in page.hits]
    assert shown == [hit.product.product_id for hit in whole.hits]
    assert len(set(shown)) == len(shown) == whole.total
    assert [hit.rank for page in pages for hit in page.hits] == list(range(1, len(shown) + 1))
    assert all(-1.0 <= hit.score <= 1.0 for hit in whole.hits)


@given(text=any_words, where=filters, flags=flags)
@thoroughly
def test_no_filter_leaks_whatever_the_words(
    shop: Services, text: str, where: ProductFilter, flags: dict[str, object]
) -> None:
    page = shop.search.search(Query(text=text, where=where, **flags, k=1000))
    allowed = set(shop.live.get().index.fields.matching(where).tolist())
    stored = shop.store.find([hit.product.product_id for hit in page.hits])
    assert {one.key for one in stored.values()} <= allowed


@given(text=any_words, collapse=st.booleans())
@thoroughly
def test_facets_count_what_all_pages_show(shop: Services, text: str, collapse: bool) -> None:
    asked = Query(text=text, cutoff=True, collapse=collapse, facets=("brand", "color"), k=1000)
    page = shop.search.search(asked)
    plain = shop.search.search(Query(text=text, cutoff=True, k=1000)).hits
    for facet in page.facets:
        told: dict[str, set[str]] = {}
        for hit in plain:
            one = hit.product
            if value := getattr(one, facet.field):
                group = (one.item_group_id or one.product_id) if collapse else one.product_id
                told.setdefault(value, set()).add(group)
        counted = {value.value: value.count for value in facet.values if value.count}
        assert counted == {value: len(groups) for value, groups in told.items()}


@given(st.text(max_size=60))
@thoroughly
def test_suggestions_for_any_text_never_fail(shop: Services, text: str) -> None:
    found = shop.suggestions.suggest(text)
    assert len(found.suggestions) <= 8
