"""What every answer carries: headers, request ids, statuses that errors come to."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import structlog
from flask.testing import FlaskClient

from shopsearch import errors
from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.search import SearchService
from shopsearch.server import create_app
from shopsearch.server.errors import status_of
from shopsearch.server.health import reason_not_ready

from .conftest import write_feed

PATHS = ["/", "/search?q=mug", "/nothing", "/api/v1/search", "/api/v1/nothing", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_tells_the_browser_what_to_refuse(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(
        rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; ") if " " in rule
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "microphone=(self)" in headers["Permissions-Policy"]  # search by voice
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_static_files_are_kept_under_a_versioned_address(client: FlaskClient) -> None:
    page = client.get("/").text
    start = page.index("/static/")
    address = page[start : page.index('"', start)]
    answer = client.get(address, buffered=True)
    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert client.get("/static/css/base.css").status_code == 404


def test_a_sane_request_id_is_echoed_and_logged(client: FlaskClient) -> None:
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        answer = client.get("/healthz?secret=1", headers={"X-Request-Id": "trace-42.a_B"})
    assert answer.headers["X-Request-Id"] == "trace-42.a_B"
    line = next(line for line in lines if line["event"] == "request answered")
    logged = {name: line[name] for name in ("request_id", "method", "path", "status")}
    assert logged == {
        "request_id": "trace-42.a_B",
        "method": "GET",
        "path": "/healthz",
        "status": 200,
    }
    assert line["ms"] >= 0


@pytest.mark.parametrize("given", ["", "a" * 65, "two words", "ü", "a;b", "<b>"])
def test_any_other_request_id_is_replaced(client: FlaskClient, given: str) -> None:
    echoed = client.get("/healthz", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert len(echoed) == 32
    assert echoed.isalnum()


def test_a_redirect_cannot_be_split_by_what_is_typed(client: FlaskClient) -> None:
    answer = client.post("/search", data={"q": "a\r\nSet-Cookie: x=1"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/search?q=a+Set-Cookie%3A+x%3D1"
    assert "Set-Cookie" not in answer.headers


def test_no_answer_sets_a_cookie(client: FlaskClient) -> None:
    for path in PATHS:
        assert "Set-Cookie" not in client.get(path).headers


def all_errors() -> list[type[errors.ShopsearchError]]:
    return [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.ShopsearchError)
    ]


SAID = {
    errors.UnknownProduct: ("x",),
    errors.DimensionMismatch: (3, 4),
    errors.ScopeMissing: ("catalog", ["search"]),
    errors.RateLimited: ("600 requests a minute", 7),
    errors.EventsBusy: (3, 100),
    errors.Overloaded: (),
}
FOR_CALLERS = (errors.GenerationMissing, errors.HomeBusy, errors.WriteError)  # told what to do


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_on_pages_and_in_the_api(client, monkeypatch, kind) -> None:
    error = kind(*SAID.get(kind, ("secret /srv/home",)))

    def fail(*_args, **_named):
        raise error

    monkeypatch.setattr(SearchService, "search", fail)
    for path in ("/search?q=a", "/api/v1/search?q=a"):
        answer = client.get(path)
        assert answer.status_code == status_of(error)
        if answer.status_code >= 500 and not isinstance(error, FOR_CALLERS):
            assert "/srv/home" not in answer.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UnknownProduct("x"), 404),
        (errors.QueryError("x"), 400),
        (errors.PictureRejected("x"), 422),
        (errors.FetchRejected("x"), 422),
        (errors.GenerationMissing("x"), 503),
        (errors.EncoderUnavailable("x"), 503),
        (errors.StoreUnavailable("x"), 503),
        (errors.DimensionMismatch(3, 4), 500),
        (errors.ShopsearchError("x"), 500),
    ],
)
def test_statuses_are_as_promised(error: errors.ShopsearchError, status: int) -> None:
    assert status_of(error) == status


def test_a_defect_is_logged_and_not_shown(client, monkeypatch) -> None:
    def fail(*_args, **_named):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(SearchService, "search", fail)
    for path in ("/search?q=a", "/api/v1/search?q=a"):
        with structlog.testing.capture_logs() as lines:
            answer = client.get(path)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert answer.headers["X-Request-Id"] in answer.text
        assert answer.headers["Content-Security-Policy"]
        failed = next(line for line in lines if line["event"] == "request failed unexpectedly")
        assert isinstance(failed["exc_info"], ZeroDivisionError)


def test_alive_asks_nothing_of_model_or_index(empty_client: FlaskClient) -> None:
    assert empty_client.get("/healthz").get_json() == {"status": "alive"}


def test_ready_means_model_and_index(client: FlaskClient, shop) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json()["generation"] == shop.live.get().manifest.generation_id


def test_not_ready_without_a_model(services) -> None:
    answer = create_app(services).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "model" in answer.get_json()["detail"]


def test_not_ready_without_an_index(services) -> None:
    services.encoder.load()
    answer = create_app(services).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "shopsearch index" in answer.get_json()["detail"]
    assert answer.content_type == "application/problem+json"


def test_degraded_but_ready_while_an_older_generation_stands_in(
    services: Services, tmp_path
) -> None:
    services.indexer.run(open_feed(write_feed(tmp_path)), feed_name="shop")
    older = services.generations.current_id()
    product_id = next(iter(services.store.fetch([1]).values())).product.product_id
    services.indexer.remove([product_id])
    folder = services.generations.folder(services.generations.current_id())
    (folder / "vectors.faiss").unlink()
    services.encoder.load()
    client = create_app(services).test_client()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert ready.json["generation"] == older
    assert "vectors.faiss" in ready.json["detail"]
    assert "shopsearch reindex" in ready.json["detail"]
    found = client.get("/api/v1/search?q=mug").json
    assert found["generation"] == older
    assert product_id not in [hit["product_id"] for hit in found["hits"]]


def test_not_ready_with_the_index_of_another_model(shop, monkeypatch) -> None:
    monkeypatch.setattr(type(shop.embedder), "encoder_id", "another")
    reason = reason_not_ready(shop)
    assert reason is not None
    assert "shopsearch reindex" in reason


def test_a_server_of_another_language_than_its_words_says_that_it_is_not_ready(
    services: Services, tmp_path: Path
) -> None:
    services.indexer.run(open_feed(write_feed(tmp_path)), feed_name="shop")
    other = Services(services.settings.model_copy(update={"language": "german"}))
    other.encoder.load()
    client = create_app(other).test_client()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["code"]) == (503, "not-ready")
    assert "kept in english" in ready.json["detail"]
    answer = client.get("/api/v1/search?q=mug")
    assert (answer.status_code, answer.json["code"]) == (503, "language-mismatch")
    other.lexical.renew()
    assert client.get("/api/v1/search?q=mug").status_code == 200
    assert client.get("/readyz").status_code == 200
    other.close()
