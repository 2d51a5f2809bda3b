"""What product pages tell machines: valid JSON-LD out of any title, and whole addresses alone."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from markupsafe import Markup
from selectolax.lexbor import LexborHTMLParser

from shopsearch.bootstrap import Services
from shopsearch.domain import Price, Product
from shopsearch.errors import SettingsError
from shopsearch.server import create_app
from shopsearch.server.structured_data import (
    availability_url,
    breadcrumb_document,
    price_number,
    product_document,
    script_json,
    valid_gtin,
)
from shopsearch.settings import load_settings

from .conftest import SHOP, open_shop, shown_title

PUBLIC = "https://search.shop.example"
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>",
    '"; alert(1); "',
    "it's & \\ \\u003c/script>",
    "line\u2028and\u2029paragraph",
    "null\x00 bell\x07 tab\t",
    "\U0001f375 emoji, العربية, 日本",
)


@pytest.fixture(scope="module")
def public_shop(tmp_path_factory: pytest.TempPathFactory):
    with open_shop(tmp_path_factory.mktemp("public"), public_url=PUBLIC) as services:
        yield create_app(services).test_client()


def documents(client: FlaskClient, address: str) -> dict[str, dict]:
    page = LexborHTMLParser(client.get(address).text)
    scripts = page.css('script[type="application/ld+json"]')
    return {one["@type"]: one for one in (json.loads(script.text()) for script in scripts)}


def meta(client: FlaskClient, address: str, **headers: str) -> dict[str, str]:
    page = LexborHTMLParser(client.get(address, headers=headers).text)
    named = {
        tag.attributes.get("name") or tag.attributes.get("property"): tag.attributes["content"]
        for tag in page.css("head meta[content]")
    }
    links = {tag.attributes["rel"]: tag.attributes["href"] for tag in page.css("link[rel]")}
    return {**named, **({"canonical": links["canonical"]} if "canonical" in links else {})}


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    document = {"name": words}
    page = LexborHTMLParser(
        f'<script type="application/ld+json">{script_json(document)}</script><p>after</p>'
    )
    (script,) = page.css("script")
    assert json.loads(script.text()) == document
    assert page.css_first("p").text() == "after"
    assert script_json(document).isascii()


def test_templates_write_the_document_as_it_is(app: Flask) -> None:
    with app.test_request_context():
        written = render_template_string("{{ it }}", it=script_json({"name": "a & b"}))
    assert json.loads(written) == {"name": "a & b"}
    assert isinstance(script_json({}), Markup)


@pytest.mark.parametrize("product", SHOP, ids=lambda product: product["id"])
def test_every_product_page_holds_one_product(public_shop: FlaskClient, product) -> None:
    page = LexborHTMLParser(public_shop.get("/search").text)
    address = next(
        link.attributes["href"]
        for link in page.css(".card__link")
        if link.text(strip=True) == shown_title(product)
    )
    told = documents(public_shop, address)
    assert told["Product"]["name"] == shown_title(product)
    assert told["Product"]["sku"] == product["id"]
    assert told["Product"]["url"] == PUBLIC + address
    assert meta(public_shop, address)["canonical"] == PUBLIC + address
    assert ("offers" in told["Product"]) == ("price" in product)


def test_a_product_is_told_as_schema_org_has_it(public_shop: FlaskClient) -> None:
    told = documents(public_shop, "/products/mug-red")
    product = told["Product"]
    assert product["@context"] == "https://schema.org"
    assert product["brand"] == {"@type": "Brand", "name": "Nordic & Sons"}
    assert product["offers"] == {
        "@type": "Offer",
        "price": "19.99",
        "priceCurrency": "USD",
        "availability": "https://schema.org/InStock",
        "url": f"{PUBLIC}/products/mug-red",
    }
    (picture,) = product["image"]
    with public_shop.get(picture.removeprefix(PUBLIC)) as answer:
        assert answer.mimetype == "image/jpeg"
    trail = [(one["name"], one["item"]) for one in told["BreadcrumbList"]["itemListElement"]]
    assert [name for name, _ in trail] == ["Kitchen", "Mugs", "Red striped mug"]
    for _, address in trail:
        assert public_shop.get(address.removeprefix(PUBLIC)).status_code == 200


def test_an_offer_costs_what_one_pays_now_beside_the_usual_price() -> None:
    usual = Price.of(Decimal("19.99"), "USD")
    offer = product_document(
        Product(product_id="p", price=usual, attributes={"sale_price": "12.50 USD"})
    )["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("12.50", "USD")
    struck = offer["priceSpecification"]
    assert struck["priceType"] == "https://schema.org/StrikethroughPrice"
    assert (struck["price"], struck["priceCurrency"]) == ("19.99", "USD")


def test_messengers_get_title_summary_picture_and_price(public_shop: FlaskClient) -> None:
    told = meta(public_shop, "/products/mug-red")
    assert told["og:title"] == "Red striped mug"
    assert told["description"] == told["og:description"] == "Holds tea & coffee."
    assert told["og:url"] == f"{PUBLIC}/products/mug-red"
    assert told["og:image"].startswith(f"{PUBLIC}/media/")
    assert (told["product:price:amount"], told["product:price:currency"]) == ("19.99", "USD")


def test_without_a_public_address_no_whole_address_is_told(client: FlaskClient) -> None:
    told = meta(client, "/products/mug-red")
    assert not told.keys() & {"canonical", "og:url", "og:image"}
    product = documents(client, "/products/mug-red")["Product"]
    assert not product.keys() & {"url", "image"}
    assert "url" not in product["offers"]
    assert (
        "evil.example" not in client.get("/products/mug-red", headers={"Host": "evil.example"}).text
    )


def test_the_host_header_is_not_believed(public_shop: FlaskClient) -> None:
    answer = public_shop.get(
        "/products/mug-red", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    ("address", "canonical"),
    [
        ("/", f"{PUBLIC}/"),
        ("/?utm_source=mail", f"{PUBLIC}/"),
        ("/search", f"{PUBLIC}/search"),
        ("/search?utm_source=mail&page=1", f"{PUBLIC}/search"),
        (
            "/search?filter.product_type=Kitchen+%3E+Mugs",
            f"{PUBLIC}/search?filter.product_type=Kitchen+%3E+Mugs",
        ),
    ],
)
def test_the_start_page_and_plain_categories_may_be_found(
    public_shop: FlaskClient, address: str, canonical: str
) -> None:
    told = meta(public_shop, address)
    assert told["canonical"] == canonical
    assert "robots" not in told


@pytest.mark.parametrize(
    "address",
    [
        "/search?q=mug",
        "/search?like=mug-red",
        "/search?filter.brand=Nordic+%26+Sons",
        "/search?filter.product_type=Kitchen&filter.product_type=Garden",
        "/search?filter.product_type=Kitchen&sort=price_asc",
        "/search?diversity=0.5",
        "/favourites",
    ],
)
def test_search_engines_show_no_pages_of_results(public_shop: FlaskClient, address: str) -> None:
    told = meta(public_shop, address)
    assert told["robots"] == "noindex, follow"
    assert "canonical" not in told


@pytest.mark.parametrize(
    ("gtin", "digits"),
    [
        ("4006381333931", "4006381333931"),
        ("036000291452", "036000291452"),
        ("9638-5074", "96385074"),
        ("0 4006381 33393 1", "04006381333931"),
        ("4006381333932", None),
        ("123", None),
        ("40063813339३1", None),
        ("", None),
    ],
)
def test_only_a_gtin_that_holds_is_told(gtin: str, digits: str | None) -> None:
    assert valid_gtin(gtin) == digits


@pytest.mark.parametrize(
    ("said", "name"),
    [("in_stock", "InStock"), ("Out of Stock", "OutOfStock"), ("pre-order", None), ("soon", None)],
)
def test_only_known_availabilities_are_told(said: str, name: str | None) -> None:
    assert availability_url(said) == (name and f"https://schema.org/{name}")


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [("19.9", "EUR", "19.90"), ("150000", "JPY", "150000"), ("1e7", "USD", "10000000.00")],
)
def test_prices_are_plain_numbers(amount: str, currency: str, written: str) -> None:
    assert price_number(Price.of(Decimal(amount), currency)) == written


def test_what_is_not_known_is_not_told() -> None:
    assert product_document(Product(product_id="7", title="Cup")) == {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": "Cup",
        "sku": "7",
    }
    several = product_document(Product(product_id="7", title="Cup", color="red | blue"))
    assert several["color"] == ["red", "blue"]


def test_the_way_to_a_product_is_numbered() -> None:
    (first, second) = breadcrumb_document([("A", "https://x/a"), ("B", "https://x/b")])[
        "itemListElement"
    ]
    assert (first["position"], second["position"]) == (1, 2)


@pytest.mark.parametrize("given", [f"{PUBLIC}/", f" {PUBLIC.upper()} ", PUBLIC])
def test_the_public_address_is_an_origin(given: str, tmp_path: Path) -> None:
    assert load_settings(home=tmp_path, public_url=given).public_url == PUBLIC


@pytest.mark.parametrize(
    "given", [f"{PUBLIC}/shop", "shop.example", "javascript:alert(1)", 'https://a"b.example']
)
def test_anything_else_is_no_public_address(given: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="write https://search"):
        load_settings(home=tmp_path, public_url=given)


def test_the_shop_of_these_tests_has_no_public_address(shop: Services) -> None:
    assert shop.settings.public_url is None
