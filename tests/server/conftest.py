"""A small shop with awkward ids and hostile texts, over the real services."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import Scope
from shopsearch.server import create_app
from shopsearch.server.context import services_of
from shopsearch.settings import Settings

HOSTILE_TITLE = '<script>alert(1)</script>"><img src=x onerror=alert(2)> teapot'

FIELDS = ["id", "title", "description", "brand", "product_type", "price", "image", "link"]
FIELDS += ["availability", "color", "glaze"]

SHOP = (
    {
        "id": "mug-red",
        "title": "Red striped mug",
        "description": "<p>Holds <b>tea</b> &amp; coffee.</p><script>alert(3)</script>",
        "brand": "Nordic & Sons",
        "product_type": "Kitchen > Mugs",
        "price": "19.99 USD",
        "image": "red.png",
        "link": "https://shop.example/mug-red",
        "availability": "in_stock",
        "color": "red",
        "glaze": "matt",
    },
    {"id": "mug/blue 50%", "title": "Blue mug", "price": "24.50 USD", "image": "blue.png"},
    {"id": "a//b", "title": "Jug of two slashes", "price": "7 USD"},
    {"id": "..", "title": "Jug of two dots", "price": "8 USD"},
    {"id": "x/similar", "title": "Jug that ends like an address", "price": "9 USD"},
    {"id": "ünï ☕ +?#&=", "title": "Jug with everything", "price": "1500 JPY"},
    {
        "id": "hostile",
        "title": HOSTILE_TITLE,
        "brand": "\"onmouseover='alert(4)'",
        "link": "javascript:alert(5)",
        "price": "1299 EUR",
    },
    {"id": "only-picture", "image": "green.png"},
    {"id": "words-only", "title": "Plain words, no picture and no price"},
)


def shown_title(product: dict[str, str]) -> str:
    """What pages call a product: its title without markup, or its id."""
    if product["id"] == "hostile":
        return '"> teapot'
    return product.get("title") or f"Product {product['id']}"


def png(color: str, size: tuple[int, int] = (64, 48)) -> bytes:
    """A small picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def write_feed(folder: Path) -> Path:
    for color in ("red", "blue", "green"):
        (folder / f"{color}.png").write_bytes(png(color))
    feed = folder / "products.csv"
    with feed.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(SHOP)
    return feed


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The shop, indexed, its model in memory. Many tests share it, so nobody writes into it."""
    with open_shop(tmp_path_factory.mktemp("shop")) as services:
        yield services


@contextmanager
def open_shop(folder: Path, **further: Any) -> Iterator[Services]:
    """A shop of one's own in a folder."""
    settings = Settings(
        home=folder / "home",
        encoder="hashing",
        index="exact",
        max_image_bytes=200_000,
        max_image_pixels=1_000_000,
        fetch_timeout_s=2.0,
        rate_limit="off",  # all tests ask from one address
        rate_limit_write="off",
        **further,
    )
    with Services.open(settings) as services:
        report = services.indexer.run(open_feed(write_feed(folder)), feed_name="shop")
        assert report.indexed == len(SHOP), report.rejected
        services.encoder.load()
        yield services


def keyed(client: FlaskClient) -> FlaskClient:
    """The client, which sends a key that opens everything with each request."""
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key_to(services_of(client.application))}"
    return client


@functools.cache
def key_to(services: Services) -> str:
    """A key to a shop that opens everything."""
    return str(services.key_issuer.make("tests", [Scope.ADMIN]).spelt)


@pytest.fixture(scope="session")
def app(shop: Services) -> Flask:
    """The application over the shop."""
    return create_app(shop)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor of the shop."""
    return app.test_client()


@pytest.fixture
def empty_client(services: Services) -> FlaskClient:
    """A visitor of a shop that nobody has indexed anything into."""
    return create_app(services).test_client()
