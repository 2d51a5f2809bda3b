"""What shops tell of their visitors: what is taken, what is refused, and what is kept of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import Event, EventKind, Popular
from shopsearch.errors import StoreUnavailable
from shopsearch.logbook import EventBook
from shopsearch.server import create_app
from shopsearch.server.api.events import EventsAsked
from shopsearch.settings import Settings

from .conftest import write_feed
from .test_api import refused

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
VISITOR = "v-5d41402abc4b2a76"
VIEW = {"type": "view", "product_id": "mug-red", "visitor_id": VISITOR}
PURCHASE = {
    "type": "purchase",
    "product_id": "mug-red",
    "visitor_id": VISITOR,
    "event_id": "line-1",
    "order_id": "#1001/größe",
    "quantity": 3,
}
ADDRESS = "/api/v1/events"


def server_at(home: Path, **options: object) -> Services:
    return Services.open(Settings(home=home, encoder="hashing", index="exact", **options))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    with server_at(folder / "home") as services:
        services.indexer.run(open_feed(write_feed(folder)), feed_name="shop")
    return folder / "home"


@pytest.fixture
def server(home: Path) -> Iterator[Callable[..., tuple[Services, FlaskClient]]]:
    """Starts an application of its own over the shop, without events."""
    started: list[Services] = []

    def start(**options: object) -> tuple[Services, FlaskClient]:
        started.append(server_at(home, **options))
        started[-1].events.prune(EVER[1])
        return started[-1], create_app(started[-1]).test_client()

    yield start
    for services in started:
        services.close()


def told(client: FlaskClient, *events: object, **headers: str) -> int:
    answer = client.post(ADDRESS, json={"events": events}, headers=headers)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    n_accepted: int = answer.get_json()["accepted"]
    return n_accepted


def kept(services: Services, visitor: str = VISITOR) -> list[Event]:
    """What is kept of a visitor, written out first."""
    services.event_book.close()
    return list(services.events.of_visitor(visitor, limit=10_000))


def n_kept(services: Services) -> int:
    services.event_book.close()
    found = services.events.popular(*EVER, list(EventKind), limit=10_000)
    return sum(one.n_events for one in found)


def test_events_of_all_types_are_kept(server) -> None:
    services, client = server()
    at = datetime.now(UTC) - timedelta(days=3)
    first = {**VIEW, "at": at.isoformat()}
    cart = {**VIEW, "type": "add_to_cart", "quantity": 2, "product_id": "not in the catalog"}
    assert told(client, first, {**VIEW, "type": "click"}, cart, PURCHASE) == 4
    found = {one.kind: one for one in kept(services)}
    assert set(found) == set(EventKind)
    assert found[EventKind.VIEW].at == at
    assert (found[EventKind.CART].product_id, found[EventKind.CART].quantity) == (
        "not in the catalog",
        2,
    )
    bought = found[EventKind.PURCHASE]
    assert (bought.event_id, bought.quantity, bought.visitor) == ("line-1", 3, VISITOR)
    assert datetime.now(UTC) - bought.at < timedelta(minutes=1)


def test_a_whole_number_may_be_spelt_with_a_point(server) -> None:
    services, client = server()
    assert told(client, {**PURCHASE, "quantity": 2.0, "query_id": "a", "rank": 1.0}) == 1
    assert [one.quantity for one in kept(services)] == [2]


def test_products_of_one_order_were_bought_together(server) -> None:
    services, client = server()
    told(client, PURCHASE, {**PURCHASE, "event_id": "line-2", "product_id": "a//b"})
    services.event_book.close()
    (other,) = services.events.together("mug-red", EVER[0], limit=5).together
    assert (other.product_id, other.n_together) == ("a//b", 1)


def test_what_is_sent_again_is_kept_once(server) -> None:
    services, client = server()
    batch = [VIEW, VIEW, {**VIEW, "event_id": "mine"}]
    assert told(client, *batch, **{"Idempotency-Key": "batch-1"}) == 3
    assert told(client, *batch, **{"Idempotency-Key": "batch-1"}) == 3
    assert told(client, {**VIEW, "event_id": "mine"}) == 1
    assert n_kept(services) == 3


def test_without_an_id_each_event_is_another_one(server) -> None:
    services, client = server()
    told(client, VIEW)
    told(client, VIEW)
    told(client, VIEW, **{"Idempotency-Key": "one"})
    told(client, VIEW, **{"Idempotency-Key": "two"})
    assert n_kept(services) == 4


def test_a_click_on_a_hit_is_kept_once_in_the_log_and_among_the_events(server) -> None:
    services, client = server()
    services.search_log.prune(EVER[1])
    answer = client.get("/api/v1/search?q=mug").get_json()
    hit = answer["hits"][0]
    named = {"query_id": answer["query_id"], "rank": hit["rank"], "product_id": hit["product_id"]}
    assert told(client, {"type": "click", **named}, {"type": "view", **named}) == 2
    assert told(client, {"type": "click", **named}) == 1
    services.logbook.close()
    (search,) = services.search_log.read(*EVER)
    assert [click.product_id for click in search.clicks] == [hit["product_id"]]
    assert n_kept(services) == 2


def test_a_click_that_names_no_search_is_an_event_alone(server) -> None:
    services, client = server(search_log="off")
    assert told(client, {"type": "click", "product_id": "mug-red"}) == 1
    assert n_kept(services) == 1


def test_a_setting_turns_it_off_and_clicks_are_logged_all_the_same(server) -> None:
    services, client = server(events="off")
    answer = client.get("/api/v1/search?q=mug").get_json()
    hit = answer["hits"][0]
    click = {"type": "click", "query_id": answer["query_id"], "rank": 1}
    assert told(client, VIEW, PURCHASE, {**click, "product_id": hit["product_id"]}) == 1
    assert n_kept(services) == 0


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_nothing_is_kept_of_who_opts_out(server, header: str) -> None:
    services, client = server()
    assert told(client, VIEW, PURCHASE, **{header: "1"}) == 0
    assert n_kept(services) == 0


def test_a_thousand_events_are_taken_with_the_longest_of_everything(server) -> None:
    services, client = server()
    long = {**PURCHASE, "product_id": "😀" * 128, "order_id": "😀" * 64, "visitor_id": "v" * 64}
    events = [{**long, "event_id": f"{n:064}"} for n in range(1_000)]
    assert told(client, *events) == 1_000
    assert n_kept(services) == 1_000


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    "visitor",
    [
        "a",
        "anna_7f-3:b.c~9",
        "550e8400-e29b-41d4-a716-446655440000",
        "anon_550E8400-E29B-41D4-A716-446655440000",
        "12345678abcdef90",
        "d41d8cd98f00b204e9800998ecf8427e" * 2,
        "v123456",
    ],
)
def test_pseudonyms_are_taken(server, visitor: str) -> None:
    services, client = server()
    assert told(client, {**VIEW, "visitor_id": visitor}) == 1
    assert len(kept(services, visitor)) == 1


BAD = [
    *[
        ({**VIEW, "visitor_id": visitor}, "pseudonym")
        for visitor in (
            "anna@shop.example",
            "+49 170 5550123",
            "0170-555.0123",
            "user1234567",
            "1234567890123456",
            "491705550123",
            "anna b",
            "anna\n",
            "größe",
            "٠١٢٣٤٥٦٧",
            "v" * 65,
            "",
            7,
            None,
            "\ud800",
        )
    ],
    ({**VIEW, "event_id": "a b"}, "event_id"),
    ({**VIEW, "event_id": "e" * 65}, "event_id"),
    ({**VIEW, "event_id": ""}, "event_id"),
    ({**VIEW, "quantity": 1}, "there is no `events[0].quantity`"),
    ({**VIEW, "order_id": "1"}, "there is no `events[0].order_id`"),
    ({**PURCHASE, "order_id": ""}, "order_id"),
    ({**PURCHASE, "order_id": "o" * 65}, "order_id"),
    ({**PURCHASE, "quantity": 0}, "quantity"),
    ({**PURCHASE, "quantity": 10_001}, "quantity"),
    ({**PURCHASE, "quantity": "2"}, "quantity"),
    ({**PURCHASE, "quantity": 1.5}, "quantity"),
    ({**PURCHASE, "quantity": 1e300}, "quantity"),
    ({**PURCHASE, "quantity": True}, "quantity"),
    ({**VIEW, "query_id": "abc"}, "`rank` is missing"),
    ({**VIEW, "rank": 1}, "`query_id` is missing"),
    ({**VIEW, "at": "2026-03-05"}, "RFC 3339"),
    ({**VIEW, "at": "2026-03-05T12:00:00"}, "RFC 3339"),
    ({**VIEW, "at": "2026-02-30T12:00:00Z"}, "RFC 3339"),
    ({**VIEW, "at": "0000-01-01T00:00:00Z"}, "RFC 3339"),
    ({**VIEW, "at": "0001-01-01T00:00:00+23:59"}, "RFC 3339"),
    ({**VIEW, "at": 1_772_712_000}, "RFC 3339"),
    ({**VIEW, "at": "٢٠٢٦-03-05T12:00:00Z"}, "RFC 3339"),
    ({**VIEW, "at": (NOW + timedelta(hours=3)).isoformat()}, "lies in the future"),
    ({**VIEW, "at": "9999-12-31T23:59:59Z"}, "lies in the future"),
    ({**VIEW, "at": (NOW - timedelta(days=366)).isoformat()}, "longer ago than the 365 days"),
    ({**VIEW, "at": "1970-01-01T00:00:00Z"}, "longer ago"),
]


@pytest.mark.parametrize(
    ("event", "reason"), BAD, ids=[f"{n}-{one[1]}" for n, one in enumerate(BAD)]
)
def test_an_event_that_makes_no_sense_costs_its_batch_and_is_told(server, event, reason) -> None:
    services, client = server()
    body = json.dumps({"events": [event, VIEW]})
    answer = client.post(ADDRESS, data=body, content_type="application/json")
    message = refused(answer, 400, "query-error")
    assert reason in message
    assert "events[0]" in message
    assert n_kept(services) == 0


@pytest.mark.parametrize(
    "at",
    [
        "{now}Z",
        "{now}.123456789z",
        "{now}-00:00",
        "{leap}:60Z",
    ],
)
def test_moments_are_read_as_the_standard_has_them(server, at: str) -> None:
    services, client = server()
    moment = datetime.now(UTC) - timedelta(minutes=2)
    spelt = at.format(now=f"{moment:%Y-%m-%dT%H:%M:%S}", leap=f"{moment:%Y-%m-%dT%H:%M}")
    assert told(client, {**VIEW, "at": spelt}) == 1
    (one,) = kept(services)
    assert abs(one.at - moment) < timedelta(minutes=1)


def test_a_clock_may_be_a_little_fast(server) -> None:
    _, client = server()
    assert told(client, {**VIEW, "at": (datetime.now(UTC) + timedelta(minutes=4)).isoformat()}) == 1


@pytest.mark.parametrize("key", ["", "a b", "k" * 201, "größe"])
def test_a_key_of_a_batch_is_plain(server, key: str) -> None:
    _, client = server()
    answer = client.post(ADDRESS, json={"events": [VIEW]}, headers={"Idempotency-Key": key})
    assert "Idempotency-Key" in refused(answer, 400, "query-error")


def test_where_there_is_no_room_none_is_taken_and_that_is_said(server, monkeypatch) -> None:
    services, client = server()
    book = EventBook(services.events, keep_days=365, capacity=3, write_every_s=3600.0)
    book._writer._is_hasty = False
    monkeypatch.setitem(services.__dict__, "event_book", book)
    assert told(client, VIEW, VIEW) == 2
    answer = client.post(ADDRESS, json={"events": [VIEW, VIEW]})
    assert "send them again" in refused(answer, 503, "events-busy")
    assert int(answer.headers["Retry-After"]) > 0
    assert told(client, VIEW) == 1
    assert n_kept(services) == 3


def test_no_request_waits_for_a_database_that_fails(server, monkeypatch) -> None:
    services, client = server()

    def fails(_: object) -> int:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(services.events, "write", fails)
    assert told(client, VIEW) == 1
    services.event_book.close()
    assert services.event_book.n_lost == 1


def test_no_byte_on_disk_names_a_visitor_or_an_order(server, home: Path) -> None:
    services, client = server()
    visitor = f"unmistakable-{uuid.UUID(int=7).hex[:6]}"
    told(client, {**PURCHASE, "visitor_id": visitor, "order_id": "unmistakable order"})
    assert len(kept(services, visitor)) == 1
    files = [path for path in home.rglob("*") if path.is_file()]
    assert any(path.name.startswith("catalog.db") for path in files)
    assert [path for path in files if b"unmistakable" in path.read_bytes()] == []


def test_erasing_a_visitor_leaves_what_others_did(server) -> None:
    services, client = server()
    told(client, VIEW, PURCHASE, {**VIEW, "visitor_id": "other"})
    assert len(kept(services)) == 2
    assert services.events.erase(VISITOR) == 2
    assert services.events.popular(*EVER, list(EventKind), limit=9) == [Popular("mug-red", 1)]


def test_the_schema_allows_what_is_taken_and_forbids_what_is_refused() -> None:
    schema = Draft202012Validator(EventsAsked.model_json_schema())
    for event in (VIEW, PURCHASE, {**VIEW, "type": "click", "query_id": "a", "rank": 1}):
        assert schema.is_valid({"events": [event]}), event
    for event, _ in BAD:
        changed = {name for name, value in event.items() if {**PURCHASE, **VIEW}.get(name) != value}
        if changed == {"at"} or event.get("visitor_id") == "\ud800":
            continue  # the time of day is in no schema, and half a character in no validator
        assert not schema.is_valid({"events": [event]}), event
