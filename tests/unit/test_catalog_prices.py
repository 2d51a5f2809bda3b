"""Prices as shops write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.catalog.prices import CURRENCIES, parse_price
from shopsearch.domain import Price
from shopsearch.errors import ProductRejected


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("19.99 USD", "19.99", "USD"),
        ("USD 19.99", "19.99", "USD"),
        ("usd19.99", "19.99", "USD"),
        ("19.99usd", "19.99", "USD"),
        ("$19.99", "19.99", "USD"),
        ("US$ 5", "5", "USD"),
        ("1.299,00 EUR", "1299", "EUR"),
        ("1,299.00 USD", "1299", "USD"),
        ("1,299 USD", "1299", "USD"),
        ("1,29 EUR", "1.29", "EUR"),
        ("0,999 EUR", "1.00", "EUR"),
        ("1.234.567,89 EUR", "1234567.89", "EUR"),
        ("1,234,567 USD", "1234567", "USD"),
        ("1,29,900 INR", "129900", "INR"),
        ("1 299,00 €", "1299", "EUR"),
        ("1\u00a0299,00 €", "1299", "EUR"),
        ("CHF 1'299.00", "1299", "CHF"),
        ("CHF 1\u2019299.00", "1299", "CHF"),
        ("£5", "5", "GBP"),
        ("Rs. 899", "899", "INR"),
        ("₹899.50", "899.50", "INR"),
        ("¥1,200", "1200", "JPY"),
        ("12 zł", "12", "PLN"),
        (".5 USD", "0.5", "USD"),
        ("5. USD", "5", "USD"),
        ("1e3 USD", "1000", "USD"),
        ("0 USD", "0", "USD"),
        ("1.234 KWD", "1.234", "KWD"),
        ("  7 USD  ", "7", "USD"),
    ],
)
def test_a_price_is_understood(text: str, amount: str, currency: str) -> None:
    assert parse_price(text, None) == Price.of(Decimal(amount), currency)


def test_a_bare_number_takes_the_currency_of_the_feed() -> None:
    assert parse_price("19.99", "EUR") == Price(1999, "EUR")


def test_a_currency_in_the_text_wins_over_that_of_the_feed() -> None:
    assert parse_price("19.99 USD", "EUR") == Price(1999, "USD")


def test_a_shared_symbol_means_the_currency_of_the_feed() -> None:
    assert parse_price("$5", "CAD") == Price(500, "CAD")
    assert parse_price("5 kr", "SEK") == Price(500, "SEK")
    assert parse_price("€5", "CAD") == Price(500, "EUR")


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_no_text_is_no_price(text: str) -> None:
    assert parse_price(text, None) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("19.99", "names no currency.*--currency"),
        ("19.99 QQQ", "'QQQ' for a currency"),
        ("5 kr", "'KR' for a currency"),
        ("USD 5 EUR", "two currencies"),
        ("-5 USD", "negative"),
        ("free", "cannot be read"),
        ("NaN", "cannot be read"),
        ("inf USD", "cannot be read"),
        ("5-10 USD", "cannot be read"),
        ("from 5 USD", "'FROM' for a currency"),
        ("1e999 USD", "cannot be read"),
        ("1.2.3,4,5 USD", "cannot be read"),
        ("9" * 30 + " USD", "no price"),
        ("1" * 5_000, "cannot be read"),
    ],
)
def test_what_is_no_price_is_rejected_with_its_value(text: str, told: str) -> None:
    with pytest.raises(ProductRejected, match=told) as rejected:
        parse_price(text, None)

    assert text[:20] in str(rejected.value)


@given(
    st.decimals(min_value=0, max_value=10**9, places=2),
    st.sampled_from(sorted(CURRENCIES)),
    st.sampled_from(["{0:.2f} {1}", "{1} {0:.2f}", "{0:,.2f} {1}"]),
)
def test_a_price_that_was_written_is_read(amount: Decimal, currency: str, form: str) -> None:
    assert parse_price(form.format(amount, currency), None) == Price.of(amount, currency)


@given(st.one_of(st.text(), st.from_regex(r"[ $€A-Z.,'0-9eE+-]{0,20}", fullmatch=True)))
def test_any_text_is_a_price_or_a_rejection(text: str) -> None:
    try:
        price = parse_price(text, "EUR")
    except ProductRejected:
        price = None
    assert price is None or price.amount_minor >= 0
