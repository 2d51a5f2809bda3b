"""What a shop asks less for, where its feed says so."""

from __future__ import annotations

from datetime import UTC, datetime

from shopsearch.catalog.prices import parse_price
from shopsearch.domain import Price, Product
from shopsearch.errors import ProductRejected

SALE_PRICE = "sale_price"  # attributes, as Google Merchant names them
SALE_DATES = "sale_price_effective_date"  # START/END, ISO 8601


def sale_price(product: Product, now: datetime | None = None) -> Price | None:
    """The price while a sale lasts; None where there is none, or it is not below the usual one.

    A sale whose dates cannot be read is none: better the usual price than one that ended.
    """
    usual = product.price
    if usual is None or not _lasts(product.attributes.get(SALE_DATES, ""), now):
        return None
    try:
        sale = parse_price(product.attributes.get(SALE_PRICE, ""), usual.currency)
    except ProductRejected:
        return None
    if sale is None or sale.currency != usual.currency:
        return None
    return sale if 0 < sale.amount_minor < usual.amount_minor else None


def price_now(product: Product, now: datetime | None = None) -> Price | None:
    """What one pays: the price of the sale while one lasts, else the usual one."""
    return sale_price(product, now) or product.price


def _lasts(dates: str, now: datetime | None) -> bool:
    if not dates.strip():
        return True
    start, _, end = dates.partition("/")
    try:
        first, last = (_moment(one) for one in (start, end))
    except ValueError:
        return False
    return first <= (now or datetime.now(UTC)) <= last


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
