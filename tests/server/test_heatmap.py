"""The heat map of a product over HTTP."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.heatmaps import HeatmapService
from shopsearch.server.addresses import api_product_address

from .test_api import refused

RED_MUG = "/api/v1/products/mug-red/heatmap.png"


@pytest.fixture
def seeing(shop: Services, client: FlaskClient, colour_encoder, monkeypatch) -> FlaskClient:
    """A visitor of the shop, whose encoder can tell regions."""
    service = HeatmapService(
        preparer=shop.preparer, encoder=colour_encoder, store=shop.store, pictures=shop.pictures
    )
    monkeypatch.setitem(shop.__dict__, "heatmaps", service)
    return client


def test_it_is_a_picture_for_the_visitor_alone(seeing: FlaskClient) -> None:
    answer = seeing.get(f"{RED_MUG}?q=something+red")

    assert answer.status_code == 200
    assert answer.content_type == "image/png"
    assert Image.open(io.BytesIO(answer.data)).size == (64, 48)
    assert answer.cache_control.private
    assert not answer.cache_control.public
    assert float(answer.headers["X-Cosine"]) > 0.95
    assert answer.headers["X-Evidence"] == "some"


def test_words_that_nothing_speaks_for_are_told(seeing: FlaskClient) -> None:
    answer = seeing.get(f"{RED_MUG}?q=blue")

    assert answer.status_code == 200
    assert answer.headers["X-Evidence"] == "none"


@pytest.mark.parametrize("product_id", ["nothing", "words-only"])
def test_a_product_or_a_picture_that_is_not_there_is_404(
    seeing: FlaskClient, product_id: str
) -> None:
    answer = seeing.get(f"/api/v1/products/{product_id}/heatmap.png?q=red")

    code = "unknown-product" if product_id == "nothing" else "picture-missing"
    assert repr(product_id) in refused(answer, 404, code)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("", "no words"),
        ("?q=", "no words"),
        ("?q=%20%00", "no words"),
        ("?q=red&size=3", "no `size` here"),
        ("?q=red&q=blue", "2 times"),
        ("?q=" + "x" * 1001, "1,001 characters"),
    ],
)
def test_what_makes_no_sense_is_refused(seeing: FlaskClient, asked: str, reason: str) -> None:
    assert reason in refused(seeing.get(RED_MUG + asked), 400, "query-error")


def test_an_encoder_that_cannot_tell_regions_is_501_and_what_it_says_stays_inside(
    client: FlaskClient,
) -> None:
    detail = refused(client.get(f"{RED_MUG}?q=red"), 501, "regions-unavailable")

    assert "cannot do this" in detail
    assert "hashing" not in detail


def test_a_product_whose_id_ends_like_this_address_travels_as_a_parameter() -> None:
    assert api_product_address("x/heatmap.png") == "/api/v1/products?id=x%2Fheatmap.png"
