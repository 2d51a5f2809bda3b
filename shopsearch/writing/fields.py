"""The fields of a product as a program sends them, in the names of feeds -> a `Product`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from shopsearch.catalog import FieldMapping
from shopsearch.catalog.prices import is_currency
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.values import Json
from shopsearch.domain import Product
from shopsearch.errors import ProductRejected

Number = int | float
Value = str | bool | Number | list[str]

_ADDRESS = ("http://", "https://")
_NOWHERE = Path("/nonexistent")  # no field that comes from outside names a file
_SHOWN_CHARS = 200


class ProductFields:
    """Reads the fields of products, as feeds are read: the same field gives the same product.

    `currency` is that of prices that name none. Pictures have http(s) addresses alone: whoever
    sends them knows no file of this machine, and shall not learn of one.
    """

    def __init__(self, currency: str | None = None) -> None:
        self._currency = currency

    def read(self, product_id: str, fields: Mapping[str, object]) -> Product:
        """Raises `ProductRejected`, which says which field, which value and what to do.

        `fields` have the names of feeds, and `currency`; what is None is not there.
        """
        told = {name: value for name, value in fields.items() if value is not None}
        currency = self._checked_currency(told.pop("currency", None))
        record: dict[str, Json] = {"id": product_id}
        for name, value in told.items():
            record[name] = _as_json(value)
        _price(record, told.get("price"), currency)
        record.update(_pictures(told))
        product = ProductReader(FieldMapping(currency=currency), _NOWHERE).read(record)
        return _checked(product, product_id)

    def _checked_currency(self, told: object) -> str | None:
        if told is None:
            return self._currency
        if not is_currency(str(told)):
            raise ProductRejected(
                f"the currency {str(told)[:_SHOWN_CHARS]!r} is no ISO 4217 code; "
                "give one such as USD or EUR"
            ).about("currency")
        return str(told)


def _price(record: dict[str, Json], told: object, currency: str | None) -> None:
    """A price that is a number, as the feeds spell it. Raises `ProductRejected`."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return
    if currency is None:
        raise ProductRejected(
            f"the price {told} names no currency; give `currency`, or write it as `19.99 USD`"
        ).about("price")
    record["price"] = _spelled(told)


def _pictures(told: Mapping[str, object]) -> dict[str, Json]:
    """The addresses, each as one: a comma or a bar in one parts nothing."""
    given: dict[str, Json] = {}
    for name in ("image_link", "additional_image_link"):
        value = told.get(name, [])
        said = value if isinstance(value, list) else [value]
        places = [place for place in (str(one).strip() for one in said) if place]
        given[name] = [*places]
        for place in places:
            if not place.startswith(_ADDRESS):
                raise ProductRejected(
                    f"the picture {place[:_SHOWN_CHARS]!r} is no http(s) address; give one, such "
                    "as https://shop.example/mug.jpg"
                ).about(name)
    return given


def _checked(product: Product, product_id: str) -> Product:
    if product.product_id != product_id:
        raise ProductRejected(
            f"the id {product_id[:_SHOWN_CHARS]!r} begins or ends with spaces; take them away"
        ).about("id")
    if not all(place.startswith(_ADDRESS) for place in product.images):
        raise ProductRejected("a picture is no http(s) address; give one").about("image_link")
    return product


def _as_json(value: object) -> Json:
    """A value as the readers of feeds have it: numbers are text."""
    if isinstance(value, Mapping):
        return {str(name): _as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    if isinstance(value, bool):
        return value
    return _spelled(value) if isinstance(value, int | float) else str(value)


def _spelled(number: Number) -> str:
    """A number with its digits: 1e-07 is 0.0000001."""
    return f"{Decimal(str(number)):f}"
