"""Further wishes over HTTP and on the pages."""

from __future__ import annotations

import io
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Wanted
from shopsearch.errors import QueryError
from shopsearch.server.addresses import search_address
from shopsearch.server.search_request import flat_fields, read_search
from shopsearch.weighted import read_weighted, written_weighted

from .conftest import png


def upload(color: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(png(color)), "a.png"


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [hit["product_id"] for hit in answer.get_json()["hits"]]


def refused(answer, status: int = 400) -> str:
    assert answer.status_code == status
    return answer.get_json()["detail"]


@given(st.text(max_size=20), st.integers(1, 1000), st.sampled_from([1, -1]))
def test_what_is_written_with_a_weight_is_read_again(
    value: str, thousandths: int, sign: int
) -> None:
    weight = sign * thousandths / 1000
    assert read_weighted(written_weighted(value, weight)) == (value, pytest.approx(weight))


@pytest.mark.parametrize(
    "text",
    ["a^", "a^0", "a^2", "a^-1.1", "a^nan", "a^1e-3", "a^b", "^^", "a^\N{ARABIC-INDIC DIGIT ONE}"],
)
def test_a_weight_that_is_none_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(QueryError, match="from -1 to 1"):
        read_weighted(text)


def test_an_address_and_a_json_document_wish_alike() -> None:
    fields = [("also", "blue^0.5"), ("also_product", "a//b^-1"), ("not_product", "a^b")]
    document = {
        "also": [
            {"text": "blue", "weight": 0.5},
            {"product_id": "a//b", "weight": -1},
            {"product_id": "a^b", "weight": -0.5},
        ]
    }
    by_address, by_json = read_search(fields), read_search(flat_fields(document))
    assert by_address.also == by_json.also
    assert by_address.query().also == (
        Wanted(text="blue", weight=0.5),
        Wanted(product_id="a//b", weight=-1.0),
        Wanted(product_id="a^b", weight=-0.5),
    )


def test_wishes_alone_are_a_search(client: FlaskClient) -> None:
    assert ids(client.get("/api/v1/search?also=red+striped+mug"))[0] == "mug-red"
    body = {"also": {"text": "red striped mug"}, "not": "blue"}
    found = ids(client.post("/api/v1/search", json=body))
    assert (found[0], found[-1]) == ("mug-red", "mug/blue 50%")
    assert "mug-red" not in ids(client.get("/api/v1/search?q=mug&not_product=mug-red"))


def test_pictures_are_wished_for_by_parts_whose_names_hold_a_weight(client: FlaskClient) -> None:
    def with_parts(**parts: str) -> list[str]:
        form = {name: upload(color) for name, color in parts.items()}
        return ids(client.post("/api/v1/search", data={"q": "mug", **form}))

    assert with_parts(also_image="blue")[0] == "mug/blue 50%"
    less = with_parts(**{"also_image^-1": "blue", "also_image^0.7": "red"})
    assert less.index("mug-red") < less.index("mug/blue 50%")
    against = with_parts(not_image="red")
    assert against.index("mug/blue 50%") < against.index("mug-red")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("q=a&also=b^0", "'0'"),
        ("q=a&also=b^7", "'7'"),
        ("q=a&also=^0.5", "wishes for nothing"),
        ("also=b^-1", "beside what it excludes"),
        ("not_product=mug-red", "beside what it excludes"),
        ("q=a&" + "&".join(f"also={n}" for n in range(11)), "at most 10"),
        ("q=a&also_image_url=http://127.0.0.1/a.png", "POST"),
        ("q=a&also_image=x", "`also_image`"),
        ("q=a&alsoo=x", "`alsoo`"),
    ],
)
def test_wishes_that_make_no_sense_are_refused_by_name(client: FlaskClient, query, named) -> None:
    assert named in refused(client.get(f"/api/v1/search?{query}"))


@pytest.mark.parametrize(
    "also",
    [
        [{"text": "a", "weight": 0}],
        [{"text": "a", "weight": True}],
        [{"text": "a", "weight": "1"}],
        [{"text": "a", "weight": 1e-12}],
        [{"text": "a", "product_id": "b"}],
        [{"text": 5}],
        [{"words": "a"}],
        [{}],
        [["a"]],
        5,
        {"text": "\ud800"},
    ],
)
def test_a_wish_that_is_none_is_refused(client: FlaskClient, also: object) -> None:
    body = json.dumps({"q": "mug", "also": also})
    answer = client.post("/api/v1/search", data=body, content_type="application/json")
    told = refused(answer)
    assert "`also`" in told or "the weight" in told


def test_broken_pictures_and_addresses_inside_are_refused(client: FlaskClient) -> None:
    form = {"q": "mug", "also_image": (io.BytesIO(b"none"), "a.png")}
    refused(client.post("/api/v1/search", data=form), 422)
    body = {"q": "mug", "also": [{"image_url": "http://127.0.0.1:1/a.png"}]}
    refused(client.post("/api/v1/search", json=body), 422)
    as_text = {"q": "mug", "also_image^0.5": "https://example.com/a.png", "image": upload("red")}
    assert "also_image_url" in refused(client.post("/api/v1/search", data=as_text))
    heavy = {"q": "mug", "also_image^5": upload("red")}
    assert "'5'" in refused(client.post("/api/v1/search", data=heavy))
    many = {"q": "mug", "also_image": [upload("red") for _ in range(11)]}
    assert "at most 10" in refused(client.post("/api/v1/search", data=many))
    assert client.get("/api/v1/search?q=mug&also_product=nobody").status_code == 404


def test_a_page_address_keeps_the_wishes_but_not_the_pictures() -> None:
    fields = [("q", "mug"), ("also", "blue^0.5"), ("also", "x^2^1"), ("not_product", "a//b")]
    asked = read_search([*fields, ("also_image_url", "https://example.com/a.png")])
    address = search_address(asked)
    assert "example.com" not in address
    again = read_search(
        (name, value)
        for name, values in parse_qs(urlsplit(address).query).items()
        for value in values
    )
    assert again.also == tuple(one for one in asked.also if one.kind != "image_url")


def test_a_page_shows_each_wish_and_a_way_to_take_it_away(client: FlaskClient) -> None:
    address = "/search?q=mug&also=%3Cb%3Eblue^0.5&not_product=mug-red&also=blue"
    page = client.get(address).get_data(as_text=True)
    assert "also &lt;b&gt;blue (0.5)" in page
    assert "less Red striped mug<" in page
    assert "Remove also blue" in page
    assert 'href="/search?q=mug&amp;also=blue&amp;not_product=mug-red"' in page
    assert client.get("/search?q=mug&also_product=nobody").status_code == 404


def test_a_page_of_wishes_alone_says_what_it_answers(client: FlaskClient) -> None:
    page = client.get("/search?also=blue+mug").get_data(as_text=True)
    assert "Also blue mug" in page
    form = {"also_image": upload("blue"), "q": ""}
    answer = client.post("/search", data=form)
    assert (answer.status_code, answer.location) == (200, None)
