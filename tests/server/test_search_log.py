"""What a server notes of searches and clicks, and of whom it notes nothing."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import WITHHELD, ClickedSearch, SearchKind
from shopsearch.errors import StoreUnavailable
from shopsearch.logbook import Logbook
from shopsearch.server import create_app
from shopsearch.settings import Settings

from .conftest import png, write_feed
from .test_api import refused

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ADDRESS, AGENT = "198.51.100.23", "Mozilla/5.0 (Unmistakable; rv:1)"
FROM = {"environ_base": {"REMOTE_ADDR": ADDRESS, "HTTP_USER_AGENT": AGENT}}


@pytest.fixture(scope="module")
def logged_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logged")
    settings = Settings(home=folder / "home", encoder="hashing", index="exact")
    with Services.open(settings) as services:
        services.indexer.run(open_feed(write_feed(folder)), feed_name="shop")
    return settings.home


@pytest.fixture
def server(logged_home: Path) -> Iterator[Callable[..., tuple[Services, FlaskClient]]]:
    """Starts an application of its own over the shop, with an empty log."""
    started: list[Services] = []

    def start(**options: object) -> tuple[Services, FlaskClient]:
        settings = Settings(home=logged_home, encoder="hashing", index="exact", **options)
        started.append(Services.open(settings))
        started[-1].search_log.prune(EVER[1])
        return started[-1], create_app(started[-1]).test_client()

    yield start
    for services in started:
        services.close()


def logged(services: Services) -> list[ClickedSearch]:
    """All that was noted, written out first."""
    services.logbook.close()
    return list(services.search_log.read(*EVER))


def test_a_search_is_logged_as_it_was_answered(server) -> None:
    services, client = server()
    answer = client.get("/api/v1/search?q=Red++striped+mug&size=4", **FROM).get_json()
    (one,) = logged(services)
    search = one.search
    assert search.search_id == answer["query_id"]
    assert (search.text, search.kind) == ("Red striped mug", SearchKind.WORDS)
    assert list(search.product_ids) == [hit["product_id"] for hit in answer["hits"]]
    assert (search.page, search.first_rank, search.total) == (1, 1, answer["total"])
    assert search.generation == answer["generation"]
    assert search.took_ms == pytest.approx(answer["took_ms"], abs=0.06)
    assert search.session is not None
    assert abs((datetime.now(UTC) - search.at).total_seconds()) < 60


def test_a_second_page_is_a_row_of_its_own_with_its_ranks(server) -> None:
    services, client = server()
    answer = client.get("/api/v1/search?q=jug&size=3&page=2").get_json()
    (one,) = logged(services)
    assert (one.search.page, one.search.first_rank) == (2, 4)
    assert answer["hits"][0]["rank"] == 4


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda c: c.get("/search?q=mug"), SearchKind.WORDS),
        (lambda c: c.get("/search?like=mug-red"), SearchKind.PRODUCT),
        (lambda c: c.get("/search?like=mug-red&q=blue"), SearchKind.BOTH),
        (lambda c: c.get("/search?q=mug&not=blue"), SearchKind.BOTH),
        (lambda c: c.get("/search?filter.color=red"), SearchKind.LIST),
        (lambda c: c.get("/search"), SearchKind.LIST),
        (lambda c: c.get("/api/v1/products/mug-red/similar"), SearchKind.PRODUCT),
        (lambda c: c.post("/api/v1/search", json={"q": "mug"}), SearchKind.WORDS),
        (
            lambda c: c.post("/search", data={"image": (io.BytesIO(png("red")), "a.png")}),
            SearchKind.PICTURE,
        ),
        (
            lambda c: c.post(
                "/api/v1/search", data={"image": (io.BytesIO(png("red")), "a.png"), "q": "mug"}
            ),
            SearchKind.BOTH,
        ),
    ],
)
def test_every_way_to_search_is_logged_by_its_kind(server, ask, kind: SearchKind) -> None:
    services, client = server()
    answer = ask(client)
    assert answer.status_code == 200
    (one,) = logged(services)
    assert one.search.kind is kind
    assert one.search.search_id in answer.get_data(as_text=True)


def test_filters_order_corrections_and_dropped_words_are_marked(server) -> None:
    services, client = server()
    client.get("/api/v1/search?q=mug&price.max=50&sort=price_asc")
    client.get("/api/v1/search?q=stripd+mug")
    client.get("/api/v1/search?q=blue+striped")
    marks = [
        (s.is_filtered, s.is_sorted, s.is_corrected, s.is_relaxed)
        for s in (one.search for one in logged(services))
    ]
    assert marks[0][:2] == (True, True)
    assert marks[1][2]
    assert marks[2][3]


def test_what_is_no_search_of_somebody_is_not_logged(server) -> None:
    services, client = server()
    client.get("/")
    client.get("/products/mug-red")
    client.get("/api/v1/suggest?q=mu")
    client.head("/search?q=mug")
    client.get("/search?q=mug", headers={"Sec-Purpose": "prefetch;prerender"})
    client.get("/api/v1/search?price.min=x")
    client.get("/search?like=no-such-product")
    assert logged(services) == []


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_nothing_at_all_is_logged_of_who_opts_out(server, header: str) -> None:
    services, client = server()
    known = client.get("/api/v1/search?q=mug").get_json()
    wish = {header: "1"}
    assert "query_id" not in client.get("/api/v1/search?q=jug", headers=wish).get_json()
    assert b"data-query-id" not in client.get("/search?q=jug", headers=wish).data
    assert "query_id" not in client.get("/api/v1/products/mug-red/similar", headers=wish).get_json()
    answer = client.post("/api/v1/events", json=a_click(known), headers=wish)
    assert (answer.status_code, answer.get_json()) == (202, {"accepted": 0})
    (only,) = logged(services)
    assert (only.search.text, only.clicks) == ("mug", ())


def test_a_zero_is_no_opting_out(server) -> None:
    services, client = server()
    client.get("/search?q=mug", headers={"DNT": "0", "Sec-GPC": "0"})
    assert len(logged(services)) == 1


def test_the_setting_turns_it_off(server) -> None:
    services, client = server(search_log="off", events="off")
    answer = client.get("/api/v1/search?q=mug").get_json()
    assert "query_id" not in answer
    assert b"data-query-id" not in client.get("/search?q=mug").data
    click = {"type": "click", "query_id": "x", "product_id": "mug-red", "rank": 1}
    answer = client.post("/api/v1/events", json={"events": [click]})
    assert (answer.status_code, answer.get_json()) == (202, {"accepted": 0})
    assert services.suggestions.suggest("mu").suggestions
    assert logged(services) == []


def test_no_byte_on_disk_tells_who_searched(server, logged_home: Path) -> None:
    services, client = server()
    for words in ("mug", "anna.unmistakable@example.com", "+49 170 5550123"):
        answer = client.get(f"/api/v1/search?q={words}", **FROM).get_json()
        client.post("/api/v1/events", json=a_click(answer), **FROM)
    picture = png("purple", (61, 47))
    client.post("/api/v1/search", data={"image": (io.BytesIO(picture), "secret-name.png")}, **FROM)
    assert [one.search.text for one in logged(services)] == ["mug", WITHHELD, WITHHELD, ""]
    told = (ADDRESS, AGENT, "unmistakable", "5550123", "secret-name")
    files = [path for path in logged_home.rglob("*") if path.is_file()]
    assert any(path.name.startswith("catalog.db") for path in files)
    for path in files:
        content = path.read_bytes().lower()
        assert [name for name in told if name.lower().encode() in content] == [], path
        assert picture not in content


def test_a_session_is_one_visitor(server) -> None:
    services, client = server()
    for address, agent in ((ADDRESS, AGENT), (ADDRESS, AGENT), (ADDRESS, "x"), ("::1", AGENT)):
        environ = {"REMOTE_ADDR": address, "HTTP_USER_AGENT": agent}
        client.get("/search?q=mug", environ_base=environ)
    sessions = [one.search.session for one in logged(services)]
    assert sessions[0] == sessions[1]
    assert len(set(sessions)) == 3


@pytest.mark.parametrize(("n_proxies", "n_sessions"), [(0, 1), (1, 2)])
def test_the_address_behind_a_proxy_counts_where_the_proxy_is_trusted(
    server, n_proxies: int, n_sessions: int
) -> None:
    services, client = server(trusted_proxies=n_proxies)
    for address in ("203.0.113.5", "203.0.113.6"):
        # what stands before the last address may be forged by anybody
        client.get("/search?q=mug", headers={"X-Forwarded-For": f"{time.time()}, {address}"})
    assert len({one.search.session for one in logged(services)}) == n_sessions


# Events


def a_click(answer: dict[str, object], place: int = 0, **changes: object) -> dict[str, object]:
    hit = answer["hits"][place]  # type: ignore[index]
    click = {
        "type": "click",
        "query_id": answer["query_id"],
        "product_id": hit["product_id"],
        "rank": hit["rank"],
    }
    return {"events": [{**click, **changes}]}


def test_clicks_are_logged_with_the_search_they_name(server) -> None:
    services, client = server()
    answer = client.get("/api/v1/search?q=mug&size=3&page=2").get_json()
    for place in (1, 0, 1):
        posted = client.post("/api/v1/events", json=a_click(answer, place))
        assert (posted.status_code, posted.get_json()) == (202, {"accepted": 1})
    (one,) = logged(services)
    shown = [(hit["product_id"], hit["rank"]) for hit in answer["hits"][:2]]
    assert [(click.product_id, click.rank) for click in one.clicks] == shown


def test_clicks_on_what_was_not_shown_are_taken_and_not_kept(server) -> None:
    services, client = server()
    answer = client.get("/api/v1/search?q=mug&size=3").get_json()
    for changes in ({"query_id": "A" * 16}, {"rank": 9}, {"product_id": "mug' OR 1=1"}):
        assert client.post("/api/v1/events", json=a_click(answer, **changes)).status_code == 202
    (one,) = logged(services)
    assert one.clicks == ()


CLICK = {"type": "click", "query_id": "abc", "product_id": "p", "rank": 1}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 60_000, "nested too deeply"),
        (b"\xff\xfe", "not JSON"),
        (b"null", "must be a JSON object"),
        (b"[]", "must be a JSON object"),
        ({}, "`events` is missing"),
        ({"events": [CLICK], "more": 1}, "no `more` here; there is: events"),
        ({"events": []}, "at least 1"),
        ({"events": {}}, "`events` is {}: Input should be a valid list"),
        ({"events": [CLICK] * 1001}, "at most 1000"),
        ({"events": [None]}, "events[0]"),
        ({"events": [CLICK, "click"]}, "events[1]"),
        (
            {"events": [{**CLICK, "type": "like"}]},
            "`events[0].type` is 'like', but must be one of 'view', 'click'",
        ),
        ({"events": [{**CLICK, "type": ["click"]}]}, "`events[0].type` is"),
        ({"events": [{}]}, "`events[0].type` is missing"),
        ({"events": [{**CLICK, "user": "anna"}]}, "there is no `events[0].user`"),
        ({"events": [{"type": "click", "rank": 1}]}, "`events[0].product_id` is missing"),
        ({"events": [{**CLICK, "query_id": ""}]}, "query_id"),
        ({"events": [{**CLICK, "query_id": "a" * 65}]}, "query_id"),
        ({"events": [{**CLICK, "query_id": "'; DROP"}]}, "query_id"),
        ({"events": [{**CLICK, "query_id": 7}]}, "query_id"),
        ({"events": [{**CLICK, "product_id": ""}]}, "product_id"),
        ({"events": [{**CLICK, "product_id": "x" * 129}]}, "product_id"),
        ({"events": [{**CLICK, "product_id": {"a": 1}}]}, "product_id"),
        ({"events": [{**CLICK, "rank": 0}]}, "rank"),
        ({"events": [{**CLICK, "rank": 1.5}]}, "rank"),
        ({"events": [{**CLICK, "rank": True}]}, "rank"),
        ({"events": [{**CLICK, "rank": 10_001}]}, "rank"),
        ({"events": [{**CLICK, "rank": "\ud800"}]}, "rank"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_events_that_make_no_sense_are_refused_as_a_whole(server, body, told: str) -> None:
    services, client = server()
    sent = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post("/api/v1/events", data=sent, content_type="application/json")
    assert told in refused(answer, 400, "query-error")
    assert logged(services) == []


def test_events_are_small_json_and_posted(server) -> None:
    _, client = server()
    plain = client.post("/api/v1/events", data=json.dumps({"events": [CLICK]}))
    refused(plain, 415, "unsupported-media-type")
    refused(client.get("/api/v1/events"), 405, "method-not-allowed")
    large = {"events": [{**CLICK, "query_id": "a" * 2_100_000}]}
    message = refused(client.post("/api/v1/events", json=large), 413, "too-large")
    assert "up to 2,048 KiB" in message


@pytest.mark.parametrize("product_id", ["\ud800", "\x00", "ünï ☕ +?#&="])
def test_any_product_id_is_taken(server, product_id: str) -> None:
    services, client = server()
    answer = client.get("/api/v1/search?q=jug").get_json()
    sent = json.dumps(a_click(answer, product_id=product_id))
    posted = client.post("/api/v1/events", data=sent, content_type="application/json")
    assert posted.status_code == 202
    services.logbook.close()
    services.event_book.close()
    assert (services.logbook.n_dropped, services.event_book.n_lost) == (0, 0)


# When the log cannot be written


def test_a_search_is_answered_while_the_log_fails(server, monkeypatch) -> None:
    services, client = server()

    def fails(*_: object) -> int:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(services.search_log, "write", fails)
    assert client.get("/search?q=mug").status_code == 200
    assert client.get("/api/v1/search?q=mug").status_code == 200
    services.logbook.close()
    assert services.logbook.n_dropped == 2


def test_a_search_is_answered_while_the_queue_is_full(server, monkeypatch) -> None:
    services, client = server()
    book = Logbook(services.search_log, keep_days=1, capacity=2, write_every_s=3600.0)
    monkeypatch.setitem(services.__dict__, "logbook", book)
    answers = [client.get("/api/v1/search?q=mug").get_json() for _ in range(5)]
    assert ["query_id" in answer for answer in answers] == [True, True, False, False, False]
    assert len(logged(services)) == 2
    assert services.logbook.n_dropped == 3


# Suggestions


def test_what_many_have_searched_for_is_suggested_and_nothing_else(server) -> None:
    services, client = server()
    asked = {
        "Striped red mug": 3,
        "striped mug": 2,  # too few
        "striped obscenity": 4,  # no word of this shop
        "blue striped": 4,  # found nothing as it is
    }
    for words, n_visitors in asked.items():
        for n in range(n_visitors):
            environ = {"REMOTE_ADDR": f"192.0.2.{n}"}
            client.get("/search", query_string={"q": words}, environ_base=environ)
    services.logbook.close()
    assert services.logged_queries is not None
    services.logged_queries.renew()
    for beginning in ("stri", "striped re", "red str", "STRIPD r"):
        document = client.get("/api/v1/suggest", query_string={"q": beginning}).get_json()
        queries = [one["text"] for one in document["suggestions"] if one["kind"] == "query"]
        assert queries == ["Striped red mug"], beginning
    for beginning in ("", "obscen", "blue"):
        document = client.get("/api/v1/suggest", query_string={"q": beginning}).get_json()
        assert "query" not in {one["kind"] for one in document["suggestions"]}


def test_suggestions_read_the_log_beside_the_requests(server) -> None:
    services, client = server()
    for n in range(3):
        client.get("/search?q=red+mug", environ_base={"REMOTE_ADDR": f"192.0.2.{n}"})
    services.logbook.close()
    kinds: set[str] = set()
    until = time.monotonic() + 10
    while "query" not in kinds and time.monotonic() < until:
        kinds = {
            one["kind"] for one in client.get("/api/v1/suggest?q=red").get_json()["suggestions"]
        }
        time.sleep(0.02)
    assert "query" in kinds
