"""Sale prices, as feeds tell them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shopsearch.domain import Price, Product
from shopsearch.server.offers import price_now, sale_price

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def product(sale: str, dates: str = "") -> Product:
    attributes = {"sale_price": sale, "sale_price_effective_date": dates}
    return Product(product_id="p", price=Price(2000, "USD"), attributes=attributes)


@pytest.mark.parametrize("sale", ["15.99 USD", "15.99", "$15.99"])
def test_a_lower_price_is_a_sale(sale: str) -> None:
    assert sale_price(product(sale), NOW) == Price.of(Decimal("15.99"), "USD")


@pytest.mark.parametrize("sale", ["", "20 USD", "25 USD", "0 USD", "15 EUR", "soon"])
def test_what_is_not_lower_or_cannot_be_compared_is_none(sale: str) -> None:
    assert sale_price(product(sale), NOW) is None


@pytest.mark.parametrize(
    ("dates", "lasts"),
    [
        ("2026-02-24T11:07-0800/2026-03-02T23:59-0800", True),
        ("2026-02-24/2026-03-02", True),
        ("2026-03-02T00:00Z/2026-03-09T00:00Z", False),
        ("2026-02-01/2026-02-20", False),
        ("until Easter", False),
    ],
)
def test_a_sale_counts_while_it_lasts(dates: str, lasts: bool) -> None:
    assert (sale_price(product("15 USD", dates), NOW) is not None) is lasts


def test_a_product_without_a_price_has_no_sale() -> None:
    assert sale_price(Product(product_id="p", attributes={"sale_price": "5 USD"}), NOW) is None


def test_what_one_pays_is_the_sale_price_while_it_lasts() -> None:
    assert price_now(product("15 USD"), NOW) == Price.of(Decimal(15), "USD")
    assert price_now(product(""), NOW) == Price.of(Decimal("20"), "USD")
    assert price_now(Product(product_id="p"), NOW) is None
