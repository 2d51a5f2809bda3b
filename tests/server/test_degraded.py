"""What visitors get while the vectors of the index are out of reach."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.errors import IndexUnavailable
from shopsearch.index.exact import ExactIndex

from .conftest import png


@pytest.fixture
def without_vectors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refused(*_arguments: object) -> None:
        raise IndexUnavailable("the server of the vectors cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(ExactIndex, "search", refused)
        broken.setattr(ExactIndex, "fetch", refused)
        yield


@pytest.mark.usefixtures("without_vectors")
def test_words_are_answered_alone_and_the_answer_says_so(client: FlaskClient) -> None:
    answer = client.get("/api/v1/search?q=blue+mug")
    assert answer.status_code == 200
    told = answer.get_json()
    assert told["degraded"] == ["vectors"]
    assert told["hits"][0]["product_id"] == "mug/blue 50%"


@pytest.mark.usefixtures("without_vectors")
@pytest.mark.parametrize("further", ["&page=2&size=2", "&sort=price_asc", "&why=true"])
def test_pages_orders_and_explanations_go_by_words_too(client: FlaskClient, further: str) -> None:
    answer = client.get(f"/api/v1/search?q=jug{further}")
    assert (answer.status_code, answer.get_json()["degraded"]) == (200, ["vectors"])
    assert answer.get_json()["hits"]


def test_an_answer_by_vectors_says_nothing_of_the_kind(client: FlaskClient) -> None:
    assert "degraded" not in client.get("/api/v1/search?q=blue+mug").get_json()
    assert b"by their words alone" not in client.get("/search?q=blue+mug").data


@pytest.mark.usefixtures("without_vectors")
def test_the_page_tells_it_in_one_quiet_line(client: FlaskClient) -> None:
    page = client.get("/search?q=blue+mug").get_data(as_text=True)
    assert page.count("found by their words alone") == 1
    assert 'class="meant" role="status"' in page


@pytest.mark.usefixtures("without_vectors")
def test_a_picture_alone_is_answered_503_and_when_to_come_again(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search", data={"image": (io.BytesIO(png("red")), "red.png")})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.get_json()["code"] == "index-unavailable"
    assert "search by words" in answer.get_json()["detail"]


@pytest.mark.usefixtures("without_vectors")
def test_what_is_like_a_product_is_answered_503(client: FlaskClient) -> None:
    assert client.get("/api/v1/products/mug-red/similar").status_code == 503
    assert client.get("/products/mug-red").status_code == 200  # without its shelves


class _InTrouble:
    trouble = "Milvus at http://milvus:19530 cannot be reached"


def test_readiness_stays_and_says_what_is_out_of_reach(
    client: FlaskClient, shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.__dict__, "outside", _InTrouble())
    told = client.get("/readyz")
    assert (told.status_code, told.get_json()["status"]) == (200, "degraded")
    assert "cannot be reached" in told.get_json()["detail"]
