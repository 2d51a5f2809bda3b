"""The features of what a product offers."""

from __future__ import annotations

import numpy as np
import pytest

from shopsearch.domain import Price, Product
from shopsearch.ranking.offers import N_BEST, OFFERS, availability, popularity, price_nearness


def priced(*prices: Price | None) -> list[Product]:
    return [Product(product_id=str(n), price=price) for n, price in enumerate(prices)]


def falling(n: int) -> np.ndarray:
    """Cosines of n candidates, the best first."""
    return np.linspace(0.9, 0.1, n, dtype=np.float32)


def usd(amount_minor: int) -> Price:
    return Price(amount_minor, "USD")


def test_a_price_is_near_by_its_ratio_to_the_median() -> None:
    products = priced(usd(1000), usd(500), usd(2000), usd(1000), usd(4000))
    near = price_nearness(products, falling(5))
    assert near.tolist() == pytest.approx([1.0, 0.5, 0.5, 1.0, 0.25])


def test_the_median_is_that_of_the_best_candidates_alone() -> None:
    best, others = [usd(1000)] * N_BEST, [usd(9000)] * (3 * N_BEST)
    cosines = falling(4 * N_BEST)
    in_order = price_nearness(priced(*best, *others), cosines)
    assert in_order[0] == pytest.approx(1.0)
    assert in_order[-1] == pytest.approx(1 / 9)
    turned = price_nearness(priced(*others, *best), cosines[::-1].copy())
    assert turned.tolist() == in_order[::-1].tolist()


def test_prices_are_compared_within_their_currency() -> None:
    products = priced(usd(1000), Price(150_000, "JPY"), usd(2000), None, usd(0))
    median = 1500
    expected = [1000 / median, 1.0, median / 2000, 0.0, 0.0]
    assert price_nearness(products, falling(5)).tolist() == pytest.approx(expected)
    late = priced(*[usd(1000)] * N_BEST, Price(1000, "EUR"))
    assert price_nearness(late, falling(N_BEST + 1))[-1] == 0.0


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ("in stock", 1.0),
        ("in_stock", 1.0),
        ("InStock", 1.0),
        ("https://schema.org/InStock", 1.0),
        ("http://schema.org/LimitedAvailability/", 1.0),
        ("out of stock", 0.0),
        ("OUT_OF_STOCK", 0.0),
        ("https://schema.org/SoldOut", 0.0),
        ("discontinued", 0.0),
        ("preorder", 0.5),
        ("backorder", 0.5),
        ("ask us", 0.5),
        ("", 0.5),
    ],
)
def test_availability_is_read_as_feeds_write_it(told: str, value: float) -> None:
    product = Product(product_id="a", availability=told)
    assert availability([product], falling(1)).tolist() == [value]


def liked(*attributes: dict[str, str]) -> list[float]:
    products = [Product(product_id=str(n), attributes=each) for n, each in enumerate(attributes)]
    values: list[float] = popularity(products, falling(len(products))).tolist()
    return values


def test_popularity_is_a_share_of_the_most_popular_by_logarithm() -> None:
    values = liked({"popularity": "99"}, {"popularity": "9"}, {"popularity": "0"}, {})
    assert values == pytest.approx([1.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize(
    "name", ["popularity", "Review Count", "reviewCount", "number_of_reviews", "ratings_count"]
)
def test_popularity_is_known_by_more_than_one_name(name: str) -> None:
    assert liked({name: "1,000"}, {name: "1000.0"}, {name: "none"}) == [1.0, 1.0, 0.0]


def test_numbers_that_count_different_things_are_not_compared() -> None:
    assert liked({"popularity": "3"}, {"review_count": "5000"}) == [1.0, 0.0]
    assert liked({"rating_count": "7"}, {"review_count": "5000"}) == [0.0, 1.0]


@pytest.mark.parametrize("told", ["-5", "nan", "inf", "1e9", "4.5 stars", "9" * 400, ""])
def test_what_is_no_count_is_none(told: str) -> None:
    assert liked({"popularity": told}, {"popularity": "10"}) == [0.0, 1.0]
    assert liked({"popularity": told}) == [0.0]


@pytest.mark.parametrize("name", list(OFFERS))
def test_no_candidates_have_no_features(name: str) -> None:
    assert OFFERS[name]([], falling(0)).shape == (0,)
