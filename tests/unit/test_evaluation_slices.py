"""Which slice a query belongs to, and which slices are marked."""

from decimal import Decimal
from pathlib import Path

import pytest

from shopsearch.domain import Exists, Price, Product, ProductFilter
from shopsearch.errors import EvaluationError
from shopsearch.evaluation import groups
from shopsearch.evaluation.measures import evaluate
from shopsearch.evaluation.queries import JudgedQuery
from shopsearch.evaluation.slices import MIN_QUERIES, slices


def _product(product_id: str, price: float | None = None, currency: str = "EUR", **fields):
    money = None if price is None else Price.of(Decimal(str(price)), currency)
    return Product(product_id=product_id, title=product_id, price=money, **fields)


def _relevant(**queries: list[Product]) -> dict[str, list[Product]]:
    return queries


def test_a_query_is_of_the_kind_of_what_it_is_made_of():
    where = ProductFilter((Exists("gtin"),))
    queries = [
        JudgedQuery(query_id="words", text="mug"),
        JudgedQuery(query_id="picture", image=Path("a.jpg")),
        JudgedQuery(query_id="both", text="mug", image=Path("a.jpg"), negatives=("blue",)),
        JudgedQuery(query_id="like", product_id="P"),
        JudgedQuery(query_id="but", product_id="P", text="blue", where=where),
        JudgedQuery(query_id="blank", product_id="P", text="  "),
    ]
    assert groups.by_kind(queries) == {
        "text": ["words"],
        "image": ["picture"],
        "text+image": ["both"],
        "product": ["like", "blank"],
        "text+product": ["but"],
        "with negatives": ["both"],
        "with filters": ["but"],
    }


def test_a_query_belongs_to_the_value_of_more_than_half_of_its_relevant_products():
    red, scarlet, blue, bare = (
        _product("a", color="red"),
        _product("b", color="Red"),
        _product("c", color="blue"),
        _product("d"),
    )
    found = groups.by_field(
        _relevant(
            most=[red, scarlet, blue],
            half=[red, blue],
            unset=[bare, bare, blue],
            none=[],
            one=[blue],
        ),
        "color",
    )
    assert found == {
        "red": ["most"],
        "blue": ["one"],
        groups.MIXED: ["half"],
        groups.NOT_SET: ["unset"],
        groups.NO_RELEVANT: ["none"],
    }


def test_a_field_that_no_relevant_product_has_makes_no_slices():
    assert groups.by_field(_relevant(q=[_product("a")]), "gender") == {}
    assert groups.by_price(_relevant(q=[_product("a")])) == {}
    assert groups.by_category(_relevant(q=[_product("a")])) == {}


def test_a_category_is_its_first_two_levels_or_what_is_shared_of_them():
    tee = _product("a", product_type="Apparel > Tops > T-shirts")
    shirt = _product("b", product_type="Apparel > Tops > Shirts")
    shoe = _product("c", product_type="Apparel > Shoes")
    lamp = _product("d", product_type="Lamps")
    found = groups.by_category(
        _relevant(tops=[tee, shirt], apparel=[tee, shoe], mixed=[tee, lamp], lamp=[lamp])
    )
    assert found == {
        "Apparel > Tops": ["tops"],
        "Apparel": ["apparel"],
        "Lamps": ["lamp"],
        groups.MIXED: ["mixed"],
    }


def test_price_bands_are_quartiles_for_each_currency_cheapest_first():
    euros = {f"e{n}": [_product(f"e{n}", n)] for n in range(1, 9)}
    yen = {f"y{n}": [_product(f"y{n}", 100 * n, "JPY")] for n in range(1, 5)}
    found = groups.by_price({**euros, **yen, "bare": [_product("x")]})
    assert found == {
        "up to 2.00 EUR": ["e1", "e2"],
        "over 2.00 to 4.00 EUR": ["e3", "e4"],
        "over 4.00 to 6.00 EUR": ["e5", "e6"],
        "over 6.00 EUR": ["e7", "e8"],
        "up to 100 JPY": ["y1"],
        "over 100 to 200 JPY": ["y2"],
        "over 200 to 300 JPY": ["y3"],
        "over 300 JPY": ["y4"],
        groups.NOT_SET: ["bare"],
    }
    assert list(found)[:2] == ["up to 2.00 EUR", "over 2.00 to 4.00 EUR"]


def test_a_product_that_many_queries_want_counts_once_in_the_quartiles():
    cheap, dear = _product("a", 1), [_product(f"d{n}", 10 * n) for n in range(1, 4)]
    queries = {f"q{n}": [cheap] for n in range(50)} | {p.product_id: [p] for p in dear}
    assert len(groups.by_price(queries)) == 4


def test_where_all_prices_are_the_same_there_is_one_band():
    found = groups.by_price(_relevant(q=[_product("a", 5)], r=[_product("b", 5)]))
    assert found == {"any EUR": ["q", "r"]}


def test_every_query_is_in_one_slice_of_each_field_but_kind_and_slice():
    catalog = {
        f"p{n}": _product(f"p{n}", n % 7 + 1, gender=("male", "female", "")[n % 3])
        for n in range(30)
    }
    run = {f"q{n}": [f"p{n}"] for n in range(30)}
    qrels = {f"q{n}": {f"p{n}": 1.0, f"p{(n * 5) % 30}": 1.0, "gone": 2.0} for n in range(30)}
    found = slices(
        evaluate(run, qrels),
        queries=[JudgedQuery(query_id=q, text=q) for q in run],
        qrels=qrels,
        products=catalog,
    )
    for field in ("gender", "price", "kind"):
        ids = [q for each in found if each.field == field for q in each.query_ids]
        assert sorted(ids) == sorted(run)


def _good_and_bad(n_bad: int):
    """40 queries that find what they should, and a few that do not; sliced by a label."""
    labels = {f"g{n}": "good" for n in range(40)} | {f"b{n}": "bad" for n in range(n_bad)}
    run = {q: ["right" if label == "good" else "wrong"] for q, label in labels.items()}
    qrels = {q: {"right": 1.0} for q in run}
    queries = [JudgedQuery(query_id=q, text=q, slices=(labels[q],)) for q in run]
    found = slices(evaluate(run, qrels), queries=queries, qrels=qrels, products={})
    return {each.value: each for each in found if each.field == "slice"}


def test_slices_wholly_beside_the_mean_of_all_are_marked():
    found = _good_and_bad(MIN_QUERIES)
    assert found["bad"].means["ndcg@10"] == 0.0
    assert "ndcg@10" in found["bad"].below
    assert found["bad"].above == ()
    assert "ndcg@10" in found["good"].above


def test_small_slices_are_shown_but_never_marked():
    bad = _good_and_bad(MIN_QUERIES - 1)["bad"]
    assert (bad.n_queries, bad.below, bad.above) == (MIN_QUERIES - 1, (), ())


def test_a_slice_like_all_others_is_not_marked():
    run = {f"q{n}": ["right"] if n % 2 else ["wrong"] for n in range(40)}
    qrels = {q: {"right": 1.0} for q in run}
    queries = [
        JudgedQuery(query_id=q, text=q, slices=("ab"[n % 4 > 1], "all")) for n, q in enumerate(run)
    ]
    found = slices(evaluate(run, qrels), queries=queries, qrels=qrels, products={})
    assert {each.value for each in found if each.field == "slice"} == {"a", "b", "all"}
    assert not [each.value for each in found if each.below or each.above]


def test_any_attribute_can_be_asked_for_and_a_wrong_one_names_those_there_are():
    products = {"a": _product("a", brand="Kiln", attributes={"Fit": "slim"}, product_type="Mugs")}
    run, qrels = {"q": ["a"]}, {"q": {"a": 1.0}}
    arguments = {
        "queries": [JudgedQuery(query_id="q", text="q")],
        "qrels": qrels,
        "products": products,
    }
    found = slices(evaluate(run, qrels), fields=("Fit", "brand", "category"), **arguments)
    assert [(each.field, each.value) for each in found] == [
        ("kind", "text"),
        ("category", "Mugs"),
        ("Fit", "slim"),
        ("brand", "Kiln"),
    ]
    with pytest.raises(EvaluationError, match=r"'fitt'.*brand, product_type"):
        slices(evaluate(run, qrels), fields=("fitt",), **arguments)


def test_judged_products_below_the_bound_do_not_place_a_query():
    products = {"a": _product("a", gender="male"), "b": _product("b", gender="female")}
    run, qrels = {"q": ["a"]}, {"q": {"a": 0.5, "b": 1.0}}
    found = slices(
        evaluate(run, qrels),
        queries=[JudgedQuery(query_id="q", text="q")],
        qrels=qrels,
        products=products,
    )
    assert [each.value for each in found if each.field == "gender"] == ["female"]
