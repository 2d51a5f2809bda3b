"""`POST /api/v1/regions`, and what pages do with a region."""

from __future__ import annotations

import io
import re

import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from werkzeug.test import TestResponse

from shopsearch.bootstrap import Services
from shopsearch.server.addresses import search_address, search_fields
from shopsearch.server.api.regions import RegionsDocument
from shopsearch.server.search_request import read_search

from .conftest import png
from .hostile import crafted

REGIONS = "/api/v1/regions"


def two_things() -> bytes:
    picture = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((40, 60, 160, 200), fill="red")
    pen.rectangle((240, 60, 360, 200), fill="blue")
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def upload(content: bytes, **fields: object) -> dict[str, object]:
    return {"image": (io.BytesIO(content), "a.png"), **fields}


def refused(answer: TestResponse, status: int, code: str) -> str:
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    return str(problem["detail"])


def test_the_things_of_an_uploaded_picture_are_proposed_best_first(client: FlaskClient) -> None:
    document = client.post(REGIONS, data=upload(two_things())).get_json()
    RegionsDocument.model_validate(document)
    lefts = sorted(round(region["x"], 1) for region in document["regions"][:2])
    assert lefts == [0.1, 0.6]
    scores = [region["score"] for region in document["regions"]]
    assert scores == sorted(scores, reverse=True)


def test_a_picture_of_one_colour_has_none(client: FlaskClient) -> None:
    assert client.post(REGIONS, data=upload(png("red"))).get_json()["regions"] == []


def test_a_proposed_region_is_what_a_search_takes(client: FlaskClient) -> None:
    region = client.post(REGIONS, data=upload(two_things())).get_json()["regions"][0]
    crop = ",".join(str(region[side]) for side in ("x", "y", "width", "height"))
    answer = client.post("/api/v1/search", data=upload(two_things(), crop=crop))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a.png", "file:///etc/passwd", "http://169.254.169.254/", "mailto:x"]
)
def test_addresses_inside_are_never_fetched(client: FlaskClient, url: str) -> None:
    refused(client.post(REGIONS, json={"image_url": url}), 422, "fetch-rejected")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8\xff\xe0 once a picture",
        crafted.png_claiming(20_000, 20_000),
        crafted.gif_frame_claiming(20_000, 20_000),
        crafted.webp_without_size(),
    ],
    ids=["empty", "SVG", "cut short", "a bomb", "a large frame", "no size"],
)
def test_hostile_pictures_are_refused(client: FlaskClient, content: bytes) -> None:
    refused(client.post(REGIONS, data=upload(content)), 422, "picture-rejected")


def test_a_picture_that_is_too_large_is_refused(client: FlaskClient, shop: Services) -> None:
    content = b"\xff\xd8\xff" + bytes(2 * shop.settings.max_image_bytes)
    refused(client.post(REGIONS, data=upload(content)), 413, "too-large")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": {}}, "image"),
        ({"data": {"image": "https://example.com/a.png"}}, "image_url"),
        ({"data": upload(png("red"), q="mug")}, "`q`"),
        ({"data": upload(png("red"), also_image=(io.BytesIO(png("red")), "b.png"))}, "also_image"),
        ({"json": {}}, "image_url"),
        ({"json": {"image_url": ""}}, "image_url"),
        ({"json": {"image_url": 5}}, "image_url"),
        ({"json": {"image_url": "https://example.com/a.png", "crop": "0,0,1,1"}}, "crop"),
        ({"json": []}, "JSON object"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_name(
    client: FlaskClient, body: dict[str, object], said: str
) -> None:
    if "data" in body:
        body = {**body, "content_type": "multipart/form-data"}
    assert said in refused(client.post(REGIONS, **body), 400, "query-error")  # type: ignore[arg-type]


def test_other_kinds_of_bodies_and_methods_are_told_what_works(client: FlaskClient) -> None:
    refused(
        client.post(REGIONS, data=b"x", content_type="image/png"), 415, "unsupported-media-type"
    )
    refused(client.get(REGIONS), 405, "method-not-allowed")


def test_an_address_carries_the_region_and_is_read_back_the_same() -> None:
    asked = read_search([("q", "mug"), ("crop", "0.25,0,0.5,1")])
    assert search_address(asked) == "/search?q=mug&crop=0.25%2C0%2C0.5%2C1"
    for text in ("0.25,0,0.5,1", "0.123456,0.9999,0.00001,0.3", "0,0,1,1"):
        crop = read_search([("crop", text)]).crop
        again = dict(search_fields(read_search([("crop", text)])))["crop"]
        assert read_search([("crop", again)]).crop == crop


def test_a_page_whose_picture_is_gone_shows_the_search_without_its_region(
    client: FlaskClient,
) -> None:
    page = client.get("/search?q=mug&crop=0.1,0.1,0.5,0.5")
    assert page.status_code == 200
    assert 'name="crop"' not in page.text
    moved = client.post("/search", data={"q": "mug", "crop": "0.1,0.1,0.5,0.5"})
    assert moved.headers["Location"] == "/search?q=mug"


def test_a_page_of_results_keeps_the_region_in_its_forms(client: FlaskClient) -> None:
    page = client.post("/search", data=upload(two_things(), q="mug", crop="0.1,0.2,0.3,0.5")).text
    assert page.count('name="crop" value="0.1,0.2,0.3,0.5"') >= 2  # search box and order
    removed = re.search(r'href="([^"]*)"[^>]*aria-label="Remove the picture"', page)
    assert removed is not None
    assert "crop" not in removed[1]


def test_a_region_that_is_none_is_refused_in_words(client: FlaskClient) -> None:
    page = client.post("/search", data=upload(two_things(), crop="1,2,3,4"))
    assert page.status_code == 400
    assert "x,y,width,height" in page.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"%PDF-1.7", "no picture of a kind that is known"),
        (b"\xff\xd8\xff\xe0 once a picture", "is damaged"),
        (None, "No picture came from that address"),
    ],
    ids=["unknown", "damaged", "address"],
)
def test_each_way_a_picture_cannot_be_used_says_what_works(
    client: FlaskClient, given: bytes | None, said: str
) -> None:
    data = {"image_url": "http://127.0.0.1:1/a.png"} if given is None else upload(given)
    page = client.post("/search", data=data, content_type="multipart/form-data")
    assert page.status_code == 422
    assert said in page.text
