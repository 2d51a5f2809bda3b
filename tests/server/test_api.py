"""The HTTP API: the answers that other people's programs build on."""

from __future__ import annotations

import io
import json
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from PIL import Image

from .conftest import SHOP, png

HIT_KEYS = {"rank", "score", "product_id", "title", "price", "currency", "image"}
OF_A_PAGE = {"page", "size", "query_id"}
JSON = "application/json"
PROBLEM = "application/problem+json"


def ids(answer) -> list[str]:
    return [hit["product_id"] for hit in answer.get_json()["hits"]]


def refused(answer, status: int, code: str) -> str:
    """The detail of a problem document, which is as RFC 9457 has it."""
    assert answer.status_code == status
    assert answer.content_type == PROBLEM
    problem = answer.get_json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem["detail"]


def test_a_search_by_words_answers_with_the_promised_keys(client: FlaskClient) -> None:
    answer = client.get("/api/v1/search?q=red+striped+mug&understand=false")

    document = answer.get_json()
    assert set(document) == {"hits", "total", "took_ms", "generation", *OF_A_PAGE}
    assert document["total"] == len(SHOP)
    first = document["hits"][0]
    assert set(first) == HIT_KEYS
    assert (first["rank"], first["product_id"]) == (1, "mug-red")
    assert (first["price"], first["currency"]) == (19.99, "USD")
    assert -1 <= first["score"] <= 1
    assert b'"price":19.99' in answer.data


def test_the_picture_of_a_hit_can_be_had_at_its_address(client: FlaskClient) -> None:
    hit = client.get("/api/v1/search?q=red+striped+mug").get_json()["hits"][0]
    assert client.get(hit["image"], buffered=True).content_type == "image/jpeg"


def test_a_product_without_price_and_picture_says_so_with_null(client: FlaskClient) -> None:
    hits = client.get("/api/v1/search?q=plain+words").get_json()["hits"]
    plain = next(hit for hit in hits if hit["product_id"] == "words-only")
    assert (plain["price"], plain["currency"], plain["image"]) == (None, None, None)


def test_a_currency_without_cents_keeps_its_amount(client: FlaskClient) -> None:
    answer = client.get(f"/api/v1/products/{quote('ünï ☕ +?#&=', safe='')}")
    assert (answer.get_json()["price"], answer.get_json()["currency"]) == (1500.0, "JPY")


def test_pages_follow_each_other_without_repeating_a_hit(client: FlaskClient) -> None:
    whole = ids(client.get("/api/v1/search?q=jug&size=100"))
    pages = [ids(client.get(f"/api/v1/search?q=jug&size=4&page={n}")) for n in (1, 2, 3)]
    assert [product_id for page in pages for product_id in page] == whole
    second = client.get("/api/v1/search?q=jug&size=4&page=2").get_json()
    assert [hit["rank"] for hit in second["hits"]] == [5, 6, 7, 8]
    assert (second["page"], second["size"]) == (2, 4)


def test_filters_and_prices_narrow_a_search(client: FlaskClient) -> None:
    assert ids(client.get("/api/v1/search?filter.color=RED")) == ["mug-red"]
    assert ids(client.get("/api/v1/search?filter.glaze=matt&filter.glaze=shiny")) == ["mug-red"]
    assert ids(client.get("/api/v1/search?filter.product_type=kitchen")) == ["mug-red"]
    by_price = client.get("/api/v1/search?price.min=8&price.max=19.99&sort=price_asc")
    assert ids(by_price) == ["..", "x/similar", "mug-red"]


def test_a_search_by_price_sorts_and_puts_what_has_none_last(client: FlaskClient) -> None:
    found = ids(client.get("/api/v1/search?filter.currency=usd&sort=price_desc"))
    assert found == ["mug/blue 50%", "mug-red", "x/similar", "..", "a//b"]


def test_json_asks_the_same_as_an_address(client: FlaskClient) -> None:
    body = {
        "q": "mug",
        "filter": {"color": ["red", "blue"]},
        "price": {"min": 5, "max": 20},
        "size": 3,
        "not": ["glass"],
    }
    answer = client.post("/api/v1/search", json=body)
    assert ids(answer) == ["mug-red"]
    assert answer.get_json()["size"] == 3
    flat = {"q": "mug", "filter.color": "red", "price.min": 5}
    assert ids(client.post("/api/v1/search", json=flat)) == ["mug-red"]


def test_an_uploaded_picture_finds_the_product_that_looks_like_it(client: FlaskClient) -> None:
    for color, product_id in (("blue", "mug/blue 50%"), ("green", "only-picture")):
        form = {"image": (io.BytesIO(png(color)), "photo.png"), "size": "1"}
        assert ids(client.post("/api/v1/search", data=form)) == [product_id]


def test_words_and_a_picture_are_weighed(client: FlaskClient) -> None:
    def first(weight: str) -> str:
        image = (io.BytesIO(png("blue")), "photo.png")
        form = {"image": image, "q": "red striped mug", "text_weight": weight}
        return ids(client.post("/api/v1/search", data=form))[0]

    assert first("0") == "mug/blue 50%"
    assert first("1") == "mug-red"


def test_a_product_as_the_query_is_not_among_its_own_hits(client: FlaskClient) -> None:
    found = ids(client.post("/api/v1/search", json={"product_id": "mug-red"}))
    assert len(found) == len(SHOP) - 1
    assert "mug-red" not in found
    assert ids(client.get("/api/v1/products/mug-red/similar?k=3")) == found[:3]


def test_a_search_that_asks_why_is_told(client: FlaskClient) -> None:
    form = {"q": "red mug", "why": "true", "image": (io.BytesIO(png("red")), "a.png")}
    answers = [
        client.get("/api/v1/search?q=red+striped+mug&why=true"),
        client.post("/api/v1/search", json={"q": "red striped mug", "why": True}),
        client.post("/api/v1/search", data=form),
        client.get("/api/v1/products/mug-red/similar?k=3&why=true"),
    ]
    for answer in answers:
        hits = answer.get_json()["hits"]
        assert all(set(hit) == {*HIT_KEYS, "why"} for hit in hits)
        for hit in hits:
            parts = hit["why"]["score"]
            total = parts["cosine"] + sum(one["part"] for one in parts["features"].values())
            total += parts["exact"] + parts.get("understood", 0.0)
            assert total == pytest.approx(hit["score"], abs=1e-4)
    assert answers[0].get_json()["hits"] == answers[1].get_json()["hits"]
    assert answers[0].get_json()["hits"][0]["why"]["matched"]["title"] == ["red", "striped", "mug"]


@pytest.mark.parametrize("query", ["q=mug", "q=mug&why=false", "why=true"])
def test_a_search_that_does_not_ask_why_or_asks_nothing_is_not_told(
    client: FlaskClient, query: str
) -> None:
    hits = client.get(f"/api/v1/search?{query}").get_json()["hits"]
    assert {frozenset(hit) for hit in hits} == {frozenset(HIT_KEYS)}
    body = {"q": "mug", "why": False}
    hits = client.post("/api/v1/search", json=body).get_json()["hits"]
    assert {frozenset(hit) for hit in hits} == {frozenset(HIT_KEYS)}


def test_what_similar_cannot_be_asked_is_refused_by_name(client: FlaskClient) -> None:
    for query, named in (("why=yes", "'yes'"), ("size=3", "k, why"), ("k=0", "is 0")):
        answer = client.get(f"/api/v1/products/mug-red/similar?{query}")
        assert named in refused(answer, 400, "query-error")


@pytest.mark.parametrize("product", SHOP, ids=lambda product: product["id"])
def test_a_product_answers_by_its_id_whatever_is_in_it(client: FlaskClient, product) -> None:
    by_parameter = client.get("/api/v1/products", query_string={"id": product["id"]})
    assert by_parameter.get_json()["product_id"] == product["id"]
    assert by_parameter.get_json()["title"] == product.get("title", "")


@pytest.mark.parametrize("product_id", ["mug-red", "mug/blue 50%", "a//b", "ünï ☕ +?#&="])
def test_most_ids_travel_in_a_path(client: FlaskClient, product_id: str) -> None:
    path = f"/api/v1/products/{quote(product_id, safe='')}"
    assert client.get(path).get_json()["product_id"] == product_id
    assert product_id not in ids(client.get(f"{path}/similar"))


def test_a_product_tells_everything_the_catalog_holds(client: FlaskClient) -> None:
    document = client.get("/api/v1/products/mug-red").get_json()
    assert document["brand"] == "Nordic & Sons"
    assert document["product_type"] == "Kitchen > Mugs"
    assert document["attributes"] == {"glaze": "matt"}
    assert document["link"] == "https://shop.example/mug-red"
    assert document["image"].startswith("/media/")


def test_an_unknown_product_is_not_found(client: FlaskClient) -> None:
    for path in ("/products/none", "/products/none/similar", "/products?id=none"):
        assert "'none'" in refused(client.get(f"/api/v1{path}"), 404, "unknown-product")
    answer = client.post("/api/v1/search", json={"product_id": "none"})
    assert "'none'" in refused(answer, 404, "unknown-product")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "`colour`"),
        ("filter.=red", "`filter.`"),
        ("filter.price=5", "price.min"),
        ("facet_limit=0", "`facet_limit` is '0'"),
        ("page=0", "'0'"),
        ("page=-1", "'-1'"),
        ("page=two", "'two'"),
        ("page=99999999999999999999", "`page`"),
        ("page=1000&size=100", "narrow the search"),
        ("size=101", "from 1 to 100"),
        ("size=1e9", "'1e9'"),
        ("price.min=cheap", "'cheap'"),
        ("price.max=nan", "'nan'"),
        ("price.max=inf", "'inf'"),
        ("price.min=1_000", "'1_000'"),
        ("price.min=٣", "`price.min`"),
        ("price.min=20&price.max=10", "swap them"),
        ("text_weight=1.5", "from 0 to 1"),
        ("sort=wild", "price_asc"),
        ("q=a&q=b", "2 times"),
        ("why=yes", "'yes'"),
        ("q=" + "a" * 1001, "1,001 characters"),
        ("&".join(f"not={n}" for n in range(51)), "51 times"),
        ("image_url=http://127.0.0.1/", "POST"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(client: FlaskClient, query, named) -> None:
    assert named in refused(client.get(f"/api/v1/search?{query}"), 400, "query-error")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[]", "JSON object"),
        ('"red"', "JSON object"),
        ("{", "not JSON"),
        ("", "not JSON"),
        ("\x00", "not JSON"),
        ("[" * 30_000, "not JSON"),
        ('{"q": true}', "`q`"),
        ('{"why": 1}', "`why`"),
        ('{"filter": {"why": true}}', "`filter.why`"),
        ('{"q": {"a": {"b": 1}}}', "`q.a`"),
        ('{"q": [["a"]]}', "`q`"),
        ('{"page": 1e400}', "`page`"),
        ('{"page": 1.5}', "'1.5'"),
        ('{"price": {"min": NaN}}', "'nan'"),
        ('{"page": ' + "9" * 5000 + "}", "not JSON"),
        ('{"q": "\\ud800"}', "surrogate"),
        ('{"\\ud800": "x"}', "there is no"),
        ('{"crop": [0, 0, 1, 1]}', "`crop`"),
        ('{"__proto__": "x"}', "`__proto__`"),
    ],
)
def test_a_broken_body_is_refused(client: FlaskClient, body: str, named: str) -> None:
    answer = client.post("/api/v1/search", data=body, content_type=JSON)
    assert named in refused(answer, 400, "query-error")


def test_null_in_json_is_as_good_as_nothing(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search", json={"q": "mug", "image_url": None, "sort": None})
    assert answer.status_code == 200


def test_a_body_of_another_type_is_refused_with_the_ones_that_work(client: FlaskClient) -> None:
    answer = client.post("/api/v1/search", data="q=mug", content_type="text/plain")
    assert "multipart/form-data" in refused(answer, 415, "unsupported-media-type")


def test_a_large_json_body_is_refused_before_it_is_read(client: FlaskClient) -> None:
    body = json.dumps({"q": "a" * 100_000})
    answer = client.post("/api/v1/search", data=body, content_type=JSON)
    assert "too large" in refused(answer, 413, "too-large")


def test_a_picture_larger_than_all_fields_may_be_is_taken(client: FlaskClient) -> None:
    noise = Image.effect_noise((480, 480), 200)
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    assert 128 * 1024 < buffer.tell() < 200_000
    buffer.seek(0)
    answer = client.post("/api/v1/search", data={"image": (buffer, "noise.png")})
    assert answer.status_code == 200


def test_an_upload_beyond_the_limit_is_refused_with_the_limit(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(b"\xff" * 400_000), "photo.jpg")}
    assert "0.2 MB" in refused(client.post("/api/v1/search", data=form), 413, "too-large")


@pytest.mark.parametrize(
    "content",
    [b"not a picture", b"\xff\xd8\xff\xe0 cut", png("red")[:60], b"<svg onload=alert(1)/>"],
    ids=["text", "broken jpeg", "truncated png", "svg"],
)
def test_a_picture_that_is_none_is_refused_with_the_reason(client: FlaskClient, content) -> None:
    form = {"image": (io.BytesIO(content), "../../etc/passwd.png")}
    assert refused(client.post("/api/v1/search", data=form), 422, "picture-rejected")


def test_a_picture_of_too_many_pixels_is_refused(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(png("red", (2000, 2000))), "big.png")}
    detail = refused(client.post("/api/v1/search", data=form), 422, "picture-rejected")
    assert "2,000 x 2,000" in detail


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:1/a.png",
        "http://[::1]/a.png",
        "http://2130706433/a.png",
        "gopher://example.com/",
        "/media/x",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_addresses_inside_are_never_fetched(client: FlaskClient, url: str) -> None:
    answer = client.post("/api/v1/search", json={"image_url": url})
    refused(answer, 422, "fetch-rejected")


def test_two_pictures_at_once_are_refused(client: FlaskClient) -> None:
    upload = (io.BytesIO(png("red")), "a.png")
    both = {"image": upload, "image_url": "https://example.com/a.png"}
    assert "either" in refused(client.post("/api/v1/search", data=both), 400, "query-error")
    two = {"image": [(io.BytesIO(png("red")), "a.png"), (io.BytesIO(png("red")), "b.png")]}
    assert "2 pictures" in refused(client.post("/api/v1/search", data=two), 400, "query-error")
    strange = {"photo": (io.BytesIO(png("red")), "a.png")}
    assert "'photo'" in refused(client.post("/api/v1/search", data=strange), 400, "query-error")
    text = {"image": "https://example.com/a.png", "x": (io.BytesIO(b""), "")}
    assert "image_url" in refused(client.post("/api/v1/search", data=text), 400, "query-error")


def test_what_is_not_there_is_not_found(client: FlaskClient) -> None:
    refused(client.get("/api/v1/nothing"), 404, "not-found")


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/search")
    refused(answer, 405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_an_empty_catalog_says_how_to_fill_it(empty_client: FlaskClient) -> None:
    answer = empty_client.get("/api/v1/search?q=mug")
    assert "shopsearch index" in refused(answer, 503, "generation-missing")
    assert answer.headers["Retry-After"]
