"""`/api/v1/regions`."""

from __future__ import annotations

import io

import pytest
from flask.testing import FlaskClient
from PIL import Image, ImageDraw


def picture() -> bytes:
    drawn = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(drawn).rectangle((40, 60, 160, 240), fill=(180, 20, 30))
    encoded = io.BytesIO()
    drawn.save(encoded, "PNG")
    return encoded.getvalue()


def ask(client: FlaskClient, **parts: object):
    return client.post("/api/v1/regions", data=parts, content_type="multipart/form-data")


def test_a_region_is_where_the_thing_is_and_a_search_takes_it(client: FlaskClient) -> None:
    answer = ask(client, image=(io.BytesIO(picture()), "a.png"))
    assert answer.status_code == 200
    best = answer.json["regions"][0]
    assert best["x"] == pytest.approx(0.1, abs=0.03)
    assert best["y"] == pytest.approx(0.2, abs=0.03)
    assert best["width"] == pytest.approx(0.3, abs=0.05)
    assert best["height"] == pytest.approx(0.6, abs=0.05)
    crop = ",".join(str(best[name]) for name in ("x", "y", "width", "height"))
    found = client.post(
        "/api/v1/search", data={"image": (io.BytesIO(picture()), "a.png"), "crop": crop}
    )
    assert found.status_code == 200


@pytest.mark.parametrize(
    ("parts", "status", "said"),
    [
        ({}, 400, "send one picture"),
        ({"image": (io.BytesIO(b""), "a.png")}, 400, "empty"),
        ({"image": "words"}, 400, "must be a file"),
        ({"picture": (io.BytesIO(b"x"), "a.png")}, 400, "named `image`"),
        ({"image": (io.BytesIO(b"%PDF-1.4"), "a.pdf")}, 422, ""),
        ({"image": (io.BytesIO(picture()[:90]), "a.png")}, 422, ""),
        ({"image": (io.BytesIO(picture()), "a.png"), "q": "red"}, 400, "no `q` here"),
    ],
)
def test_what_is_no_picture_is_refused(
    client: FlaskClient, parts: dict[str, object], status: int, said: str
) -> None:
    answer = ask(client, **parts)
    assert answer.status_code == status
    assert said in answer.json["detail"]


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "http://169.254.169.254/", "gopher://x/"]
)
def test_addresses_go_through_the_guarded_fetcher(client: FlaskClient, address: str) -> None:
    answer = client.post("/api/v1/regions", json={"image_url": address})
    assert answer.status_code == 422


def test_other_bodies_are_refused(client: FlaskClient) -> None:
    assert client.post("/api/v1/regions", data=b"x", content_type="text/plain").status_code == 415
    assert client.post("/api/v1/regions", json={"image": "x"}).status_code == 400
