"""What an answer holds, and how it travels: chosen fields, several searches at once, regions of
pictures, compression.
"""

from __future__ import annotations

import gzip
import io
import json

import pytest
from flask.testing import FlaskClient
from PIL import Image

from .conftest import SHOP, png
from .test_api import ids, refused


def red_and_blue(orientation: int = 1) -> bytes:
    """Red on the left, blue on the right, as it is shown upright."""
    picture = Image.new("RGB", (64, 48), "red")
    picture.paste("blue", (32, 0, 64, 48))
    exif = Image.Exif()
    exif[0x0112] = orientation
    if orientation == 3:
        picture = picture.transpose(Image.Transpose.ROTATE_180)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def by_picture(client: FlaskClient, picture: bytes, **fields: str) -> list[str]:
    form = {"image": (io.BytesIO(picture), "photo"), "size": "1", **fields}
    return ids(client.post("/api/v1/search", data=form))


def test_hits_have_the_fields_that_were_asked_for_and_their_id(client: FlaskClient) -> None:
    asked = "q=red+striped+mug&size=2&fields=score,brand&fields=attributes"
    by_address = client.get(f"/api/v1/search?{asked}").get_json()["hits"]
    body = {"q": "red striped mug", "size": 2, "fields": ["score", "brand", "attributes"]}
    by_json = client.post("/api/v1/search", json=body).get_json()["hits"]

    assert {frozenset(hit) for hit in by_address} == {
        frozenset({"product_id", "score", "brand", "attributes"})
    }
    assert by_address == by_json
    assert by_address[0]["attributes"] == {"glaze": "matt"}
    similar = client.get("/api/v1/products/mug-red/similar?fields=title&k=2").get_json()["hits"]
    assert {frozenset(hit) for hit in similar} == {frozenset({"product_id", "title"})}
    product = client.get("/api/v1/products/mug-red?fields=brand").get_json()
    assert product == {"product_id": "mug-red", "brand": "Nordic & Sons"}


@pytest.mark.parametrize(
    "path", ["search?q=mug&fields=glaze", "products/mug-red?fields=score", "search?fields=a,title"]
)
def test_a_field_that_cannot_be_shown_is_refused(client: FlaskClient, path: str) -> None:
    assert "fields" in refused(client.get(f"/api/v1/{path}"), 400, "query-error")


def test_several_searches_are_answered_at_once_in_their_order(client: FlaskClient) -> None:
    searches = [
        {"q": "red striped mug", "size": 1},
        {"product_id": "nowhere"},
        {"filter": {"color": "red"}, "fields": ["title"]},
    ]
    results = client.post("/api/v1/search/batch", json={"searches": searches}).get_json()["results"]

    assert [one["status"] for one in results] == [200, 404, 200]
    assert [hit["product_id"] for hit in results[0]["hits"]] == ["mug-red"]
    assert results[1]["problem"]["code"] == "unknown-product"
    assert results[2]["hits"] == [{"product_id": "mug-red", "title": "Red striped mug"}]
    alone = client.post("/api/v1/search", json=searches[0]).get_json()
    unlike = {"took_ms", "query_id", "status"}
    assert {k: v for k, v in results[0].items() if k not in unlike} == {
        k: v for k, v in alone.items() if k not in unlike
    }


@pytest.mark.parametrize(
    ("searches", "named"),
    [
        ([], "searches"),
        ([{"q": "mug"}] * 51, "searches"),
        ([{"q": "mug"}, {"q": 5}], "searches[1].q"),
        ([{"q": "mug", "brnd": "x"}], "brnd"),
        ("mug", "searches"),
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(
    client: FlaskClient, searches: object, named: str
) -> None:
    answer = client.post("/api/v1/search/batch", json={"searches": searches})
    assert named in refused(answer, 400, "query-error")


def test_a_batch_larger_than_its_limit_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search/batch", json={"searches": [{"q": "m" * 600_000}]})
    refused(answer, 413, "too-large")


@pytest.mark.parametrize("orientation", [1, 3])
def test_a_region_of_a_picture_is_searched_by_as_it_is_shown(
    client: FlaskClient, orientation: int
) -> None:
    picture = red_and_blue(orientation)

    assert by_picture(client, picture, crop="0.5,0,0.5,1") == ["mug/blue 50%"]
    assert by_picture(client, picture, crop="0,0,0.4,1", text_weight="0") == ["mug-red"]
    assert by_picture(client, png("blue"), crop="0,0,1,1") == ["mug/blue 50%"]


def test_what_a_region_has_beyond_the_picture_does_not_count(client: FlaskClient) -> None:
    assert by_picture(client, red_and_blue(), crop="0.6,0.9,1,1") == ["mug/blue 50%"]


@pytest.mark.parametrize(
    "crop", ["0,0,0,1", "1,0,0.5,0.5", "-0.1,0,1,1", "0,0,1", "a,b,c,d", "nan"]
)
def test_a_region_that_shows_nothing_is_refused(client: FlaskClient, crop: str) -> None:
    form = {"image": (io.BytesIO(png("red")), "photo"), "crop": crop}
    assert "crop" in refused(client.post("/api/v1/search", data=form), 400, "query-error")


def test_a_region_without_a_picture_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search", json={"q": "mug", "crop": [0, 0, 0.5, 0.5]})
    assert "picture" in refused(answer, 400, "query-error")


def test_answers_are_compressed_for_whoever_takes_that(client: FlaskClient) -> None:
    path = f"/api/v1/search?q=mug&why=true&size={len(SHOP)}&understand=false"
    plain = client.get(path)
    zipped = client.get(path, headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in zipped.headers["Vary"]
    document = json.loads(gzip.decompress(zipped.data))
    assert document["hits"] == plain.get_json()["hits"]
    assert len(zipped.data) < len(plain.data) / 3
    answer = client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["Content-Encoding"] == "br"
