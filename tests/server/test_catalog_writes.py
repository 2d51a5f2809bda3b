"""Catalog writes of the API: durable and live when they are answered, one by one and together."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import Product
from shopsearch.errors import WriterBusy, WriteUnfinished
from shopsearch.index.lock import HomeLock
from shopsearch.server import create_app
from shopsearch.server.api.etags import product_etag
from shopsearch.settings import Settings
from shopsearch.writing import CatalogWriter, Removal, Upsert, WriteStatus

from .conftest import keyed, png

BULK = "/api/v1/products/bulk"
MUG = {"title": "Red mug", "price": 19.99, "currency": "USD", "attributes": {"glaze": "matt"}}


@pytest.fixture
def home_settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        encoder="hashing",
        index="exact",
        worker_threads=128,
        rate_limit="off",
        rate_limit_write="off",
        fetch_allow_hosts=("127.0.0.1",),
        fetch_retries=0,
        fetch_timeout_s=5.0,
    )


@pytest.fixture
def own_shop(home_settings: Settings) -> Iterator[Services]:
    """A shop that may be written into; it is empty."""
    with Services.open(home_settings) as services:
        yield services


@pytest.fixture(scope="module")
def empty_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A shop for requests that are refused: nothing is ever in it."""
    home = tmp_path_factory.mktemp("empty")
    with Services.open(
        Settings(
            home=home,
            encoder="hashing",
            fetch_allow_hosts=("127.0.0.1",),
            fetch_retries=0,
            rate_limit="off",
            rate_limit_write="off",
        )
    ) as services:
        yield services


@pytest.fixture
def refused(empty_shop: Services) -> Iterator[FlaskClient]:
    """Sends what is refused."""
    yield keyed(create_app(empty_shop).test_client())
    assert empty_shop.store.count() == 0
    assert empty_shop.generations.ids() == []


@pytest.fixture
def client(own_shop: Services) -> FlaskClient:
    return keyed(create_app(own_shop).test_client())


@contextmanager
def pictures(answers: dict[str, bytes]) -> Iterator[str]:
    """Serves pictures by name; the address of the server."""

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = answers.get(self.path.lstrip("/"))
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def upsert(product_id: str, **fields: Any) -> dict[str, Any]:
    return {"op": "upsert", "product_id": product_id, **fields}


def remove(product_id: str) -> dict[str, Any]:
    return {"op": "remove", "product_id": product_id}


def bulk(client: FlaskClient, operations: Sequence[dict[str, Any]], **headers: str) -> TestResponse:
    return client.post(BULK, json={"operations": operations}, headers=headers)


def found(client: FlaskClient, words: str) -> list[str]:
    hits = client.get("/api/v1/search", query_string={"q": words}).get_json()["hits"]
    return [hit["product_id"] for hit in hits]


def code_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_a_product_is_written_and_found_at_once(client: FlaskClient) -> None:
    answer = client.put("/api/v1/products/A7", json=MUG)

    assert answer.status_code == 200
    written = answer.get_json()
    assert (written.pop("status"), written.pop("generation")) == ("indexed", written_by(client))
    assert written == client.get("/api/v1/products/A7").get_json()
    assert (written["title"], written["price"], written["currency"]) == ("Red mug", 19.99, "USD")
    assert written["attributes"] == {"glaze": "matt"}
    assert found(client, "red mug") == ["A7"]


def written_by(client: FlaskClient) -> str:
    generation: str = client.get("/api/v1/search?q=mug").get_json()["generation"]
    return generation


def test_what_is_written_again_is_unchanged_and_publishes_nothing(client: FlaskClient) -> None:
    first = client.put("/api/v1/products/A7", json=MUG).get_json()

    second = client.put("/api/v1/products/A7", json=MUG).get_json()

    assert second == {**first, "status": "unchanged"}


def test_a_product_is_replaced_whole(client: FlaskClient) -> None:
    client.put("/api/v1/products/A7", json={**MUG, "brand": "Nordic"})

    client.put("/api/v1/products/A7", json={"title": "Blue mug"})

    product = client.get("/api/v1/products/A7").get_json()
    assert (product["title"], product["brand"], product["price"]) == ("Blue mug", "", None)
    assert product["attributes"] == {}


def test_ids_that_cannot_travel_in_a_path_travel_as_a_parameter(client: FlaskClient) -> None:
    for product_id in ("..", "a//b", "x/similar", "bulk", "ünï ☕ +?#&=", "y/"):
        check_by_parameter(client, product_id)


def check_by_parameter(client: FlaskClient, product_id: str) -> None:
    asked = {"query_string": {"id": product_id}}

    assert client.put("/api/v1/products", json=MUG, **asked).get_json()["product_id"] == product_id
    assert client.get("/api/v1/products", **asked).get_json()["title"] == "Red mug"
    assert client.delete("/api/v1/products", **asked).get_json()["status"] == "removed"
    assert client.get("/api/v1/products", **asked).status_code == 404


@pytest.mark.parametrize("path", ["A7/similar", "A7/heatmap.png", "bulk"])
def test_what_is_no_address_of_a_product_is_not_written(refused: FlaskClient, path: str) -> None:
    assert refused.put(f"/api/v1/products/{path}", json=MUG).status_code == 405
    assert refused.delete(f"/api/v1/products/{path}").status_code == 405


def test_a_product_is_removed_once(client: FlaskClient) -> None:
    client.put("/api/v1/products/A7", json=MUG)

    removed = client.delete("/api/v1/products/A7")

    assert removed.status_code == 200
    assert {**removed.get_json(), "generation": ""} == {
        "product_id": "A7",
        "status": "removed",
        "generation": "",
    }
    assert found(client, "mug") == []
    assert code_of(client.delete("/api/v1/products/A7")) == (404, "unknown-product")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"title": "x", "colour": "red"}, "colour"),
        ({"title": 5}, "title"),
        ({"title": "x", "price": -1}, "price"),
        ({"title": "x", "price": True}, "price"),
        ({"title": "x", "currency": "EURO"}, "currency"),
        ({"title": "x", "attributes": {"a": {"b": "c"}}}, "attributes"),
        ({"title": "x", "attributes": {"": "c"}}, "attributes"),
        ({"title": "x", "additional_image_link": "https://a.example/1.png"}, "additional"),
        (["title"], "object"),
    ],
)
def test_what_is_no_product_is_refused_with_the_field(
    refused: FlaskClient, body: object, said: str
) -> None:
    answer = refused.put("/api/v1/products/A7", json=body)

    assert code_of(answer) == (400, "query-error")
    assert said in answer.get_json()["detail"]


BAD = (
    ({}, "neither a picture nor words"),
    ({"title": " "}, "neither a picture nor words"),
    ({"title": "x", "price": 5}, "currency"),
    ({"title": "x", "price": "5 bananas"}, "bananas"),
    ({"title": "x", "price": "5 EUR", "currency": "ABC"}, "ABC"),
    ({"title": "nul \0"}, "NUL"),
)


def test_a_bad_product_is_rejected_and_leaves_the_catalog_as_it_was(client: FlaskClient) -> None:
    client.put("/api/v1/products/A7", json=MUG)

    for body, said in BAD:
        answer = client.put("/api/v1/products/A7", json=body)

        assert code_of(answer) == (422, "product-rejected")
        assert said in answer.get_json()["detail"]
    assert client.get("/api/v1/products/A7").get_json()["title"] == "Red mug"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"title": NaN}'])
def test_a_broken_body_is_refused(refused: FlaskClient, body: bytes) -> None:
    answer = refused.put("/api/v1/products/A7", data=body, content_type="application/json")

    assert code_of(answer) == (400, "query-error")


def test_what_is_too_large_or_no_json_is_refused(refused: FlaskClient) -> None:
    large = refused.put("/api/v1/products/A7", json={"title": "x" * 1_000_001})

    assert code_of(large) == (413, "too-large")
    assert "977 KiB" in large.get_json()["detail"]
    assert refused.put("/api/v1/products/A7", data="title=x").status_code == 415


@pytest.mark.parametrize("product_id", ["x" * 129, " x", "x\n"])
def test_a_bad_id_is_rejected(refused: FlaskClient, product_id: str) -> None:
    answer = refused.put("/api/v1/products", json=MUG, query_string={"id": product_id})

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("spelled", ["{}", "file://{}", "FILE:{}", "./{}", "a,{}", " {}", '["{}"]'])
@pytest.mark.parametrize("field", ["image_link", "additional_image_link"])
def test_no_file_of_the_server_can_be_had_as_a_picture(
    refused: FlaskClient, tmp_path: Path, spelled: str, field: str
) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png("red"))
    link = spelled.format(secret)
    body = {"title": "x", field: link if field == "image_link" else [link]}

    answer = refused.put("/api/v1/products/A7", json=body)

    assert code_of(answer) == (422, "product-rejected")
    assert "no http(s) address" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "link",
    [
        "secret.png",
        "../secret.png",
        "..\\secret.png",
        "C:\\secret.png",
        "\\\\host\\share\\secret.png",
        "//127.0.0.1/secret.png",
        "data:image/png;base64,AAAA",
        "ftp://127.0.0.1/x.png",
        "HTTP://127.0.0.1/x.png",
    ],
)
def test_a_picture_has_an_http_address(refused: FlaskClient, link: str) -> None:
    answer = refused.put("/api/v1/products/A7", json={"title": "x", "image_link": link})

    assert code_of(answer) == (422, "product-rejected")


def test_several_places_in_one_picture_are_one_address(
    refused: FlaskClient, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes(png("red"))
    with pictures({}) as host:
        for joint in ("|", ","):
            link = f"{host}/a.png{joint}{tmp_path}/secret.png"
            answer = refused.put("/api/v1/products/A7", json={"title": "x", "image_link": link})
            assert answer.status_code == 422


def test_attributes_are_no_way_around_the_check_of_pictures(
    client: FlaskClient, own_shop: Services, tmp_path: Path
) -> None:
    (tmp_path / "secret.png").write_bytes(png("red"))
    hidden = {
        name: str(tmp_path / "secret.png") for name in ("image_link", "image", "image_1", "g:image")
    }

    client.put("/api/v1/products/A7", json={"title": "x", "attributes": hidden})

    assert own_shop.store.find(["A7"])["A7"].product.images == ()


def test_a_private_address_is_not_fetched(tmp_path: Path) -> None:
    guarded = Settings(home=tmp_path / "home", encoder="hashing", fetch_retries=0)
    with Services.open(guarded) as services, pictures({"a.png": png("red")}) as host:
        client = keyed(create_app(services).test_client())
        answer = client.put("/api/v1/products/A7", json={"image_link": f"{host}/a.png"})

    assert answer.status_code == 422


def test_a_picture_is_fetched_and_shown(client: FlaskClient) -> None:
    with pictures({"a.png": png("red"), "b.png": png("blue"), "no.png": b"<html>"}) as host:
        first = client.put("/api/v1/products/A7", json={"image_link": f"{host}/a.png"})
        other = client.put("/api/v1/products/A7", json={"image_link": f"{host}/b.png"})
        with client.get(other.get_json()["image"]) as shown:
            assert shown.status_code == 200
        for bad in ("no.png", "gone.png"):
            answer = client.put("/api/v1/products/A7", json={"image_link": f"{host}/{bad}"})
            assert answer.status_code == 422

    assert first.headers["ETag"] != other.headers["ETag"]
    assert first.get_json()["image"] != other.get_json()["image"]
    assert client.get("/api/v1/products/A7").headers["ETag"] == other.headers["ETag"]


def test_a_bulk_request_tells_what_became_of_each(client: FlaskClient) -> None:
    client.put("/api/v1/products/gone", json=MUG)
    client.put("/api/v1/products/same", json=MUG)
    operations = [
        upsert("new", title="New mug"),
        upsert("same", **MUG),
        remove("gone"),
        remove("never"),
        upsert("bad"),
        upsert("bad price", title="x", price="-5 EUR"),
    ]

    answer = bulk(client, operations)

    assert answer.status_code == 200
    told = answer.get_json()
    statuses = ["indexed", "unchanged", "removed", "unchanged", "rejected", "rejected"]
    assert [one["product_id"] for one in told["results"]] == [o["product_id"] for o in operations]
    assert [one["status"] for one in told["results"]] == statuses
    assert told["results"][5]["field"] == "price"
    assert "negative" in told["results"][5]["reason"]
    counts = {name: told[name] for name in ("indexed", "unchanged", "removed", "rejected")}
    assert counts == {"indexed": 1, "unchanged": 2, "removed": 1, "rejected": 2}
    assert sorted(found(client, "mug")) == ["new", "same"]


def test_operations_of_a_bulk_request_are_made_in_their_order(
    client: FlaskClient, own_shop: Services
) -> None:
    operations = [
        upsert("A", title="first"),
        upsert("A", title="second"),
        remove("A"),
        upsert("A", title="third"),
        upsert("A"),  # rejected: the third stays
        upsert("B", title="b"),
        remove("B"),
    ]

    statuses = [one["status"] for one in bulk(client, operations).get_json()["results"]]

    assert statuses == [
        "indexed",
        "indexed",
        "removed",
        "indexed",
        "rejected",
        "indexed",
        "removed",
    ]
    assert {one.product.title for one in own_shop.store.find(["A", "B"]).values()} == {"third"}


def test_an_upsert_that_fails_late_leaves_the_one_before(client: FlaskClient) -> None:
    """Its words are there, and nothing of them can be read: only preparing it shows that."""
    operations = [upsert("A", title="first"), upsert("A", title="<p></p>")]

    results = bulk(client, operations).get_json()["results"]

    assert [one["status"] for one in results] == ["indexed", "rejected"]
    assert client.get("/api/v1/products/A").get_json()["title"] == "first"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operations": []},
        {"operations": [remove("A")] * 1001},
        {"operations": [{"op": "merge", "product_id": "A"}]},
        {"operations": [{"op": "remove", "product_id": ""}]},
        {"operations": [{"op": "remove", "product_id": "A", "title": "x"}]},
        {"operations": [upsert("A", title="x"), upsert("B", titel="x")]},
        {"operations": [upsert("A", title="x")], "mode": "fast"},
    ],
)
def test_a_malformed_bulk_request_is_refused_as_a_whole(refused: FlaskClient, body: object) -> None:
    assert code_of(refused.post(BULK, json=body)) == (400, "query-error")


def test_a_thousand_products_are_one_generation(client: FlaskClient, own_shop: Services) -> None:
    answer = bulk(client, [upsert(f"P{n}", title=f"Mug {n}") for n in range(1000)])

    assert answer.get_json()["indexed"] == 1000
    assert len(own_shop.generations.ids()) == 1
    assert own_shop.live.get().manifest.count == 1000


def test_writes_at_the_same_time_all_arrive_in_few_generations(
    own_shop: Services, home_settings: Settings
) -> None:
    app = create_app(own_shop)
    published: set[str] = set()

    def put(n: int) -> str:
        answer = keyed(app.test_client()).put(f"/api/v1/products/P{n}", json={"title": f"Mug {n}"})
        assert found(keyed(app.test_client()), f"Mug {n}")  # what was answered is live
        generation: str = answer.get_json()["generation"]
        return generation

    with ThreadPoolExecutor(24) as pool:
        published = set(pool.map(put, range(24)))

    assert own_shop.store.count() == 24
    assert own_shop.live.get().manifest.count == 24
    assert len(published) < 12


def test_of_writers_that_have_read_the_same_exactly_one_succeeds(own_shop: Services) -> None:
    app = create_app(own_shop)
    client = keyed(app.test_client())
    client.put("/api/v1/products/A7", json={"title": "0"})
    tag = client.get("/api/v1/products/A7").headers["ETag"]

    def put(n: int) -> int:
        path, body = "/api/v1/products/A7", {"title": f"Mug {n}"}
        return keyed(app.test_client()).put(path, json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(put, range(8)))

    assert statuses == [200] + [412] * 7


def test_a_write_with_a_tag_needs_the_product_as_it_was_read(client: FlaskClient) -> None:
    path = "/api/v1/products/A7"
    client.put(path, json={**MUG, "description": "long " * 200})
    packed = client.get(path, headers={"Accept-Encoding": "br"})
    assert packed.headers["Content-Encoding"] == "br"
    old = client.get(path).headers["ETag"]
    client.put(path, json=MUG, headers={"If-Match": packed.headers["ETag"]})

    assert code_of(client.put(path, json={"title": "x"}, headers={"If-Match": old})) == (
        412,
        "product-changed",
    )
    assert client.delete(path, headers={"If-Match": old}).status_code == 412
    assert client.delete(path, headers={"If-Match": "nonsense"}).status_code == 412
    assert client.get(path).get_json()["title"] == "Red mug"
    new = client.get(path).headers["ETag"]
    assert client.delete(path, headers={"If-Match": f'"other", {new}'}).status_code == 200
    assert client.delete(path, headers={"If-Match": new}).status_code == 412
    assert client.put(path, json=MUG, headers={"If-Match": "*"}).status_code == 412


def test_a_product_can_be_written_only_if_it_is_new(client: FlaskClient) -> None:
    path, new = "/api/v1/products/A7", {"If-None-Match": "*"}

    assert client.put(path, json=MUG, headers=new).status_code == 200
    assert client.put(path, json=MUG, headers=new).status_code == 412
    assert client.put(path, json=MUG, headers={"If-None-Match": '"x"'}).status_code == 400


def test_an_unchanged_product_is_not_sent_again(client: FlaskClient) -> None:
    path = "/api/v1/products/A7"
    client.put(path, json=MUG)
    answer = client.get(path)

    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"{path}?fields=title").headers.get("ETag") is None
    client.put(path, json={**MUG, "title": "Blue mug"})
    assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200


def test_a_tag_changes_exactly_when_the_document_does(
    client: FlaskClient, own_shop: Services
) -> None:
    client.put("/api/v1/products/A7", json=MUG)
    before = own_shop.store.find(["A7"])["A7"]
    client.delete("/api/v1/products/A7")
    client.put("/api/v1/products/A7", json=MUG)
    after = own_shop.store.find(["A7"])["A7"]

    assert before.key != after.key
    assert product_etag(before) == product_etag(after)


def test_while_another_process_indexes_a_write_is_refused_in_time(
    client: FlaskClient, own_shop: Services
) -> None:
    own_shop.catalog_writer._patience_s = 0.1
    with HomeLock(own_shop.settings.home):
        busy = client.put("/api/v1/products/A7", json=MUG)

    assert code_of(busy) == (503, "home-busy")
    assert int(busy.headers["Retry-After"]) > 0
    assert "being indexed" in busy.get_json()["detail"]
    assert str(own_shop.settings.home) not in busy.text
    assert client.put("/api/v1/products/A7", json=MUG).status_code == 200


def test_a_write_waits_for_a_process_that_is_done_soon(
    client: FlaskClient, own_shop: Services
) -> None:
    held = threading.Event()
    done = threading.Event()

    def index() -> None:
        with HomeLock(own_shop.settings.home):
            held.set()
            done.wait(0.3)

    other = threading.Thread(target=index)
    other.start()
    held.wait(30)

    assert client.put("/api/v1/products/A7", json=MUG).status_code == 200
    other.join()


class Held:
    """An indexer that waits before each run."""

    def __init__(self, inner: Services) -> None:
        self.inner = inner.indexer
        self.begun = threading.Event()
        self.goes_on = threading.Event()

    def apply(self, feeds: Any, *, patience_s: float) -> Any:
        self.begun.set()
        assert self.goes_on.wait(10)
        return self.inner.apply(feeds, patience_s=patience_s)


@contextmanager
def held_writer(shop: Services, **further: Any) -> Iterator[tuple[CatalogWriter, Held]]:
    indexer = Held(shop)
    writer = CatalogWriter(
        indexer=lambda: indexer,
        preparer=shop.preparer,
        store=shop.store,
        renew=shop.live.renew,
        **further,
    )
    try:
        yield writer, indexer
    finally:
        indexer.goes_on.set()
        writer.close()


def product(product_id: str, title: str = "Mug") -> Upsert:
    return Upsert(Product(product_id=product_id, title=title))


def test_a_write_whose_turn_does_not_come_is_never_made(own_shop: Services) -> None:
    with ThreadPoolExecutor(1) as pool, held_writer(own_shop, timeout_s=0.2) as (writer, indexer):
        first = pool.submit(writer.write, [product("A")])
        indexer.begun.wait(30)
        with pytest.raises(WriteUnfinished, match="nothing is written"):
            writer.write([product("B")])
        with pytest.raises(WriteUnfinished, match="being made"):
            first.result()

    assert set(own_shop.store.find(["A", "B"])) == {"A"}


def test_more_writes_than_may_wait_are_refused_at_once(own_shop: Services) -> None:
    with ThreadPoolExecutor(2) as pool, held_writer(own_shop, max_callers=2) as (writer, indexer):
        taken = [pool.submit(writer.write, [product(name)]) for name in "AB"]
        indexer.begun.wait(30)
        while writer._n_callers < 2:
            pass
        with pytest.raises(WriterBusy, match="2 writes are waiting"):
            writer.write([product("C")])
        indexer.goes_on.set()
        assert {one.result().outcomes[0].status for one in taken} == {WriteStatus.INDEXED}


def test_writes_of_one_product_that_wait_together_each_have_their_own_answer(
    own_shop: Services,
) -> None:
    with held_writer(own_shop) as (writer, indexer), ThreadPoolExecutor(4) as pool:
        first = pool.submit(writer.write, [product("X")])
        indexer.begun.wait(30)
        waiting = []
        for change in (product("A", "one"), product("A", "two"), Removal("A")):
            waiting.append(pool.submit(writer.write, [change]))
            while len(writer._queue) < len(waiting):
                pass
        indexer.goes_on.set()
        outcomes = [one.result().outcomes[0] for one in (first, *waiting)]

    titles = [one.stored.product.title if one.stored else None for one in outcomes]
    assert titles == ["Mug", "one", "two", None]
    assert outcomes[3].status is WriteStatus.REMOVED
    assert len(own_shop.generations.ids()) == 2


def test_a_writer_that_is_closed_finishes_what_waits_and_takes_no_more(own_shop: Services) -> None:
    own_shop.catalog_writer.write([product("A")])
    own_shop.catalog_writer.close()

    with pytest.raises(WriterBusy):
        own_shop.catalog_writer.write([product("B")])
    assert own_shop.store.count() == 1


def test_the_same_key_and_request_get_the_same_answer_and_nothing_is_done(
    client: FlaskClient, own_shop: Services
) -> None:
    key = {"Idempotency-Key": "order-1"}
    first = bulk(client, [upsert("A", title="x")], **key)
    client.delete("/api/v1/products/A")

    second = bulk(client, [upsert("A", title="x")], **key)

    assert second.get_json() == first.get_json()
    assert (first.headers.get("Idempotent-Replayed"), second.headers["Idempotent-Replayed"]) == (
        None,
        "true",
    )
    assert own_shop.store.count() == 0


def test_a_key_is_for_one_request(client: FlaskClient) -> None:
    bulk(client, [upsert("A", title="x")], **{"Idempotency-Key": "k"})

    other = bulk(client, [upsert("A", title="y")], **{"Idempotency-Key": "k"})

    assert code_of(other) == (422, "idempotency-key-reused")
    assert client.get("/api/v1/products/A").get_json()["title"] == "x"


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "größe"])
def test_a_bad_key_is_refused(refused: FlaskClient, key: str) -> None:
    assert bulk(refused, [remove("A")], **{"Idempotency-Key": key}).status_code == 400


def test_a_key_whose_request_is_under_way_is_a_conflict(
    own_shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(own_shop)
    with held_writer(own_shop) as (writer, indexer):
        monkeypatch.setitem(own_shop.__dict__, "catalog_writer", writer)
        ask: Callable[[], TestResponse] = lambda: bulk(  # noqa: E731 - asked twice
            keyed(app.test_client()), [upsert("A", title="x")], **{"Idempotency-Key": "k"}
        )
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(ask)
            indexer.begun.wait(30)
            assert code_of(ask()) == (409, "idempotency-key-in-use")
            indexer.goes_on.set()
            assert first.result().status_code == 200
        assert ask().headers["Idempotent-Replayed"] == "true"


def test_a_request_that_failed_may_come_again_with_its_key(
    client: FlaskClient, own_shop: Services
) -> None:
    own_shop.catalog_writer._patience_s = 0.0
    key = {"Idempotency-Key": "k"}
    with HomeLock(own_shop.settings.home):
        assert bulk(client, [upsert("A", title="x")], **key).status_code == 503

    assert bulk(client, [upsert("A", title="x")], **key).get_json()["indexed"] == 1


IDS = st.sampled_from(["A", "B", "C", "a//b"])
FIELDS = st.fixed_dictionaries(
    {"title": st.sampled_from(["", "Red mug", "Größe ☕", "1 | 2"])},
    optional={
        "price": st.sampled_from(["5 EUR", "19.99 USD", "x"]),
        "brand": st.sampled_from(["Nordic", "A & B"]),
        "color": st.sampled_from(["red", "red | blue"]),
        "attributes": st.dictionaries(
            st.sampled_from(["glaze", "Designed For", "color"]), st.sampled_from(["matt", "x"])
        ),
    },
)
CHANGES = st.tuples(IDS, FIELDS | st.none())
REQUESTS = st.lists(st.tuples(st.booleans(), st.lists(CHANGES, min_size=1, max_size=4)), max_size=4)


@given(requests=REQUESTS)
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_catalog_is_what_the_command_line_would_have_made_of_the_same_changes(
    tmp_path_factory: pytest.TempPathFactory,
    requests: Sequence[tuple[bool, Sequence[tuple[str, dict[str, Any] | None]]]],
) -> None:
    folder = tmp_path_factory.mktemp("same")
    by_api, by_feed = folder / "api", folder / "feed"
    with Services.open(Settings(home=by_api, encoder="hashing", index="exact")) as one:
        client = keyed(create_app(one).test_client())
        for is_bulk, changes in requests:
            send(client, changes, together=is_bulk)
        written = catalog_of(one)
    with Services.open(Settings(home=by_feed, encoder="hashing", index="exact")) as other:
        for n, change in enumerate(each for _, changes in requests for each in changes):
            feed = folder / f"{n}.jsonl"
            feed.write_text(json.dumps(as_line(*change)) + "\n", encoding="utf-8")
            other.indexer.run(open_feed(feed), feed_name="changes")
        assert catalog_of(other) == written


def send(
    client: FlaskClient,
    changes: Sequence[tuple[str, dict[str, Any] | None]],
    *,
    together: bool,
) -> None:
    if together:
        operations = [remove(i) if f is None else upsert(i, **f) for i, f in changes]
        assert bulk(client, operations).status_code == 200
        return
    for product_id, fields in changes:
        asked = {"query_string": {"id": product_id}}
        if fields is None:
            client.delete("/api/v1/products", **asked)
        else:
            client.put("/api/v1/products", json=fields, **asked)


def as_line(product_id: str, fields: dict[str, Any] | None) -> dict[str, Any]:
    return {"id": product_id, **({"op": "delete"} if fields is None else fields)}


def catalog_of(shop: Services) -> tuple[dict[str, str], int]:
    """The fingerprints of all products, and how many the index holds of them."""
    stored = shop.store.fingerprints(["A", "B", "C", "a//b"])
    if shop.generations.current_id() is None:
        return dict(stored), 0
    assert shop.live.get().manifest.store_revision == shop.store.revision()
    return dict(stored), shop.live.get().manifest.count


def test_who_wrote_what_is_noted(own_shop: Services, client: FlaskClient) -> None:
    client.put("/api/v1/products/A7", json={"title": "Red mug"})
    bulk(client, [upsert("B1", title="Blue mug"), remove("A7")])
    client.put("/api/v1/products/A8", json={})

    noted = own_shop.audit_log.read(datetime.now(UTC) - timedelta(hours=1), limit=10)
    told = {(one.operation, one.target, one.status) for one in noted if one.status is not None}
    assert told == {("putProduct", "A7", 200), ("bulk", "2", 200), ("putProduct", "A8", 422)}
