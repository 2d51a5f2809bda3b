"""Pictures: kept by browsers for ever, and no way to any other file."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image


@pytest.fixture
def address(client: FlaskClient) -> str:
    return client.get("/api/v1/products/mug-red").get_json()["image"]


def test_the_working_copy_is_a_jpeg(client: FlaskClient, address: str) -> None:
    answer = client.get(address, buffered=True)
    assert answer.content_type == "image/jpeg"
    assert Image.open(io.BytesIO(answer.data)).size == (64, 48)


@pytest.mark.parametrize("size_px", [160, 320, 480])
def test_a_thumbnail_is_a_webp(client: FlaskClient, address: str, size_px: int) -> None:
    answer = client.get(f"{address}/{size_px}", buffered=True)
    assert answer.content_type == "image/webp"
    assert Image.open(io.BytesIO(answer.data)).format == "WEBP"


def test_browsers_may_keep_pictures_for_ever(client: FlaskClient, address: str) -> None:
    for path in (address, f"{address}/160"):
        answer = client.get(path, buffered=True)
        kept = answer.headers["Cache-Control"]
        assert {"public", "immutable", "max-age=31536000"} <= set(kept.split(", "))
        etag = answer.headers["ETag"]
        again = client.get(path, headers={"If-None-Match": etag}, buffered=True)
        assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/media/" + "0" * 64,
        "/media/" + "0" * 64 + "/160",
        "/media/" + "A" * 64,
        "/media/" + "0" * 63,
        "/media/../catalog.db",
        "/media/%2e%2e/catalog.db",
        "/media/..%2f..%2fcatalog.db",
        "/media/" + "0" * 64 + "/../../catalog.db",
        "/media/",
    ],
)
def test_nothing_else_is_a_picture(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("size", ["1", "161", "99999", "160.0", "-160", "0x160"])
def test_thumbnails_come_in_few_sizes_only(client: FlaskClient, address: str, size: str) -> None:
    assert client.get(f"{address}/{size}").status_code == 404
