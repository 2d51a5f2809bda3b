"""`/metrics`: what is counted, and that several processes count together."""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.server import create_app
from shopsearch.server.metrics import meters_of
from tests.waiting import wait_until

from .conftest import keyed, write_feed
from .test_serving import get, server

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (one.name, frozenset(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"shopsearch_{name}", frozenset(labels.items())))


@pytest.fixture
def fresh(shop: Services) -> FlaskClient:
    """Who runs a shop, at an application that has counted nothing yet."""
    return keyed(create_app(shop).test_client())


def counted(client: FlaskClient) -> Samples:
    return samples(keyed(client).get("/metrics").text)


def test_requests_count_by_operation_method_and_class_of_status(fresh: FlaskClient) -> None:
    for path in ("/healthz", "/healthz", "/nowhere/at/all", "/products/no-such"):
        fresh.get(path)

    found = counted(fresh)

    name = "http_request_duration_seconds_count"
    assert value(found, name, operation="health", method="GET", status="2xx") == 2
    assert value(found, name, operation="none", method="GET", status="4xx") == 1
    assert value(found, name, operation="pages.product", method="GET", status="4xx") == 1


def test_no_label_holds_what_a_visitor_has_sent(fresh: FlaskClient) -> None:
    fresh.get("/secretpath?q=secretword")
    fresh.open("/healthz", method="SECRETMETHOD")
    fresh.get("/api/v1/search?q=secretword&nofield=secretvalue")
    fresh.get("/api/v1/products/secretproduct", headers={"X-Request-Id": "secretid"})

    assert "secret" not in fresh.get("/metrics").text.lower()


def test_the_stages_of_searches_are_timed(fresh: FlaskClient) -> None:
    for _ in range(3):
        assert fresh.get("/api/v1/search?q=mug").status_code == 200

    found = counted(fresh)

    name = "search_stage_duration_seconds_count"
    assert value(found, name, stage="understand") == 3
    assert value(found, name, stage="fetch") == 3


def test_problems_count_by_their_code(fresh: FlaskClient) -> None:
    fresh.get("/api/v1/search?nofield=1")
    fresh.get("/api/v1/products/no-such")
    fresh.get("/api/v1/products/no-such")

    found = counted(fresh)

    assert value(found, "errors_total", code="query-error") == 1
    assert value(found, "errors_total", code="unknown-product") == 2


def test_the_request_that_asks_is_the_only_one_in_flight(fresh: FlaskClient) -> None:
    fresh.get("/api/v1/search?q=mug")
    fresh.get("/nowhere")

    assert value(counted(fresh), "http_requests_in_flight") == 1


def test_it_tells_of_the_index_that_answers(shop: Services, fresh: FlaskClient) -> None:
    found = counted(fresh)

    manifest = shop.live.get().manifest
    assert value(found, "ready") == 1
    assert value(found, "index_products") == manifest.count
    assert value(found, "index_generation_info", generation=manifest.generation_id) == 1
    assert value(found, "index_generation_trouble") == 0
    assert value(found, "store_revisions_behind") == 0
    created = value(found, "index_generation_created_timestamp_seconds")
    assert created is not None
    assert 0 <= time.time() - created < 3600


def test_an_index_that_lags_behind_the_catalog_is_told(services: Services, tmp_path: Path) -> None:
    services.indexer.run(open_feed(write_feed(tmp_path)), feed_name="shop")
    client = create_app(services).test_client()
    assert value(counted(client), "store_revisions_behind") == 0

    services.store.remove(["mug-red"])

    assert value(counted(client), "store_revisions_behind") == 1


def test_without_an_index_it_is_not_ready_and_says_so(empty_client: FlaskClient) -> None:
    found = counted(empty_client)

    assert value(found, "ready") == 0
    assert value(found, "index_products") == 0
    assert not [name for name, _ in found if name == "shopsearch_index_generation_info"]


def test_what_the_model_encodes_is_counted(shop: Services, fresh: FlaskClient) -> None:
    before = counted(fresh)
    fresh.get("/api/v1/search?q=never+asked+before")
    after = counted(fresh)

    for name in ("encoder_batches_total", "encoder_contents_total"):
        was, now = (value(found, name, modality="text") or 0 for found in (before, after))
        assert now == was + 1
    assert shop.encoder.text_use.seconds > 0


def test_a_picture_that_cannot_be_fetched_is_counted(fresh: FlaskClient) -> None:
    answer = fresh.post("/api/v1/search", json={"image_url": "http://127.0.0.1:9/no.png"})
    assert answer.status_code == 422

    name = "picture_fetch_duration_seconds_count"
    assert value(counted(fresh), name, outcome="fetch-rejected") == 1


def test_searches_that_were_not_logged_are_counted(
    shop: Services, fresh: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = value(counted(fresh), "search_log_dropped_total")
    assert before is not None
    monkeypatch.setattr(shop.logbook, "n_dropped", shop.logbook.n_dropped + 7)

    assert value(counted(fresh), "search_log_dropped_total") == before + 7


def test_what_others_count_is_followed(shop: Services) -> None:
    app = create_app(shop)
    load = meters_of(app).load
    numbers = {"hits": 3.0, "waiting": 2.0}
    meters_of(app).follow_count(load.cache.labels("answers", "hit"), lambda: numbers["hits"])
    meters_of(app).follow_level(load.queue_depth, lambda: numbers["waiting"])
    client = app.test_client()

    first = counted(client)
    numbers.update(hits=5.0, waiting=0.0)
    second = counted(client)

    for found, hits, waiting in ((first, 3, 2), (second, 5, 0)):
        assert value(found, "cache_requests_total", cache="answers", result="hit") == hits
        assert value(found, "queue_depth") == waiting


@pytest.mark.parametrize(
    ("accept", "kind"),
    [("", "text/plain"), ("application/openmetrics-text; version=1.0.0", "openmetrics")],
)
def test_it_speaks_the_format_that_is_asked_for(fresh: FlaskClient, accept: str, kind: str) -> None:
    answer = fresh.get("/metrics", headers={"Accept": accept})

    assert kind in answer.content_type
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.text.endswith("# EOF\n") == (kind == "openmetrics")


def scraped(host: str, port: int) -> Samples:
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as answer:
        return samples(answer.read().decode())


def eventually(host: str, port: int, name: str, wanted: float) -> None:
    """What a process tells of itself is a few seconds old at most."""
    deadline = time.monotonic() + 60
    while (told := value(scraped(host, port), name)) != wanted:
        assert time.monotonic() < deadline, (name, told)
        time.sleep(0.2)


def test_two_processes_count_together_and_what_one_counted_outlives_it(
    shop: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with server(shop.settings.home, workers=2) as (process, host, port):
        eventually(host, port, "workers", 2)
        for _ in range(12):
            assert get(host, port, "/api/v1/search?q=mug").status == 200
        request = {"operation": "search", "method": "GET", "status": "2xx"}
        name = "http_request_duration_seconds_count"
        counts = {value(scraped(host, port), name, **request) for _ in range(6)}
        assert counts == {12}  # whichever process is asked

        (folder,) = tmp_path.glob("shopsearch-metrics-*")
        killed = worker_of(process.pid)
        os.kill(killed, signal.SIGKILL)
        # it is of no account once its parent has noticed
        wait_until(lambda: scraped(host, port) and not list(folder.glob(f"gauge_*_{killed}.db")))
        eventually(host, port, "workers", 2)  # another one has taken its place
        found = scraped(host, port)
        assert value(found, name, **request) == 12
        assert value(found, "http_requests_in_flight") == 1
        eventually(host, port, "ready", 1)

        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert not folder.exists()


def worker_of(arbiter_pid: int) -> int:
    """One of the processes that an arbiter has forked."""
    children = Path(f"/proc/{arbiter_pid}/task/{arbiter_pid}/children").read_text("ascii")
    return int(children.split()[0])
