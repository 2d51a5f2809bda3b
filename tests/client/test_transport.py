"""Retries, time-outs, errors and answers of newer servers, over real sockets."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from shopsearch.client import (
    ApiError,
    BatchFailure,
    ByExamples,
    ByHistory,
    Event,
    Forbidden,
    Page,
    Past,
    RateLimited,
    Retries,
    Search,
    ServerBroken,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)

from .conftest import Ask, Scripted, Told

PAGE = json.dumps({"hits": [], "total": 0, "took_ms": 1.5, "generation": "g1"}).encode()
BUSY = Told(503, b'{"code": "overloaded", "detail": "busy", "request_id": "r1"}')


def test_what_passes_is_tried_again(client_of: Ask, scripted: Scripted) -> None:
    scripted.script = [BUSY, Told(429), Told(breaks=True), Told(body=PAGE)]

    assert client_of(scripted.address).search("mug").generation == "g1"
    assert len(scripted.requests) == 4
    assert len({body for _, _, _, body in scripted.requests}) == 1


def test_a_server_that_stays_busy_is_told_with_all_that_it_said(
    client_of: Ask, scripted: Scripted
) -> None:
    scripted.script = [BUSY]

    with pytest.raises(Unavailable) as caught:
        client_of(scripted.address).suggest("mu")

    assert len(scripted.requests) == 4  # once, and three more
    assert (caught.value.code, caught.value.request_id) == ("overloaded", "r1")
    assert isinstance(caught.value, ServerBroken)


def test_it_waits_as_long_as_the_server_asks(client_of: Ask, scripted: Scripted) -> None:
    scripted.script = [Told(429, headers={"Retry-After": "1"}), Told(body=PAGE)]

    started = time.monotonic()
    client_of(scripted.address).search("mug")

    assert 1.0 <= time.monotonic() - started < 5.0


def test_a_longer_wait_is_left_to_the_caller(client_of: Ask, scripted: Scripted) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for told, seconds in (("3600", 3600.0), (later, pytest.approx(3600, abs=5))):
        scripted.requests.clear()
        scripted.script = [Told(429, headers={"Retry-After": told})]

        with pytest.raises(RateLimited) as caught:
            client_of(scripted.address).search("mug")

        assert caught.value.retry_after == seconds
        assert len(scripted.requests) == 1


@pytest.mark.parametrize("nonsense", ["", "soon", "-5", "1e9", "٣"])
def test_a_wait_that_is_nonsense_is_none(client_of: Ask, scripted: Scripted, nonsense: str) -> None:
    header = {"Retry-After": nonsense} if nonsense.isascii() else {}
    scripted.script = [Told(429, headers=header)]

    with pytest.raises(RateLimited) as caught:
        client_of(scripted.address, retries=Retries(n_more=0)).search("mug")

    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorized), (403, Forbidden), (500, ServerBroken)]
)
def test_what_does_not_pass_is_asked_once(
    client_of: Ask, scripted: Scripted, status: int, kind: type[ApiError]
) -> None:
    scripted.script = [Told(status, b"<html>a proxy's page</html>")]

    with pytest.raises(kind) as caught:
        client_of(scripted.address).search("mug")

    assert len(scripted.requests) == 1
    assert caught.value.status == status
    assert caught.value.detail


def test_nobody_there_is_unreachable(client_of: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(Unreachable, match="POST /api/v1/search"):
        client_of(address).search("mug")


def test_an_answer_that_does_not_come_is_timed_out_and_not_asked_for_again(
    client_of: Ask,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(TimedOut):
            client_of(address, timeout_s=0.3).suggest("mu")
        assert time.monotonic() - started < 2.0


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"hits": 3}', b"\xff\xfe"])
def test_an_answer_that_is_none_of_ours_is_told(
    client_of: Ask, scripted: Scripted, body: bytes
) -> None:
    scripted.script = [Told(body=body)]

    with pytest.raises(ServerBroken, match="is this the address of a shopsearch"):
        client_of(scripted.address).search("mug")


def test_the_key_is_sent(client_of: Ask, scripted: Scripted) -> None:
    scripted.script = [Told(body=PAGE)]
    client_of(scripted.address, key="sk_1").search("mug")

    assert scripted.requests[0][2]["Authorization"] == "Bearer sk_1"


def test_keys_that_a_newer_server_adds_are_kept(client_of: Ask, scripted: Scripted) -> None:
    hit = {"product_id": "a", "sparkle": {"deep": [1]}, "title": None}
    newer = {**json.loads(PAGE), "hits": [hit], "novelty": "yes", "unknown": None}
    scripted.script = [Told(body=json.dumps(newer).encode())]

    page = client_of(scripted.address).search("mug")

    assert page.model_extra == {"novelty": "yes"}
    assert page.hits[0].model_extra == {"sparkle": {"deep": [1]}}
    assert page.unknown == ()


def test_a_product_that_has_not_changed_is_not_sent_again(
    client_of: Ask, scripted: Scripted
) -> None:
    scripted.script = [
        Told(body=b'{"product_id": "a", "title": "A"}', headers={"ETag": '"v1"'}),
        Told(304),
    ]
    client = client_of(scripted.address)

    first = client.product("a")
    again = client.product("a", known=first)

    assert first.etag == '"v1"'
    assert again is first
    assert scripted.requests[1][2]["If-None-Match"] == '"v1"'


def test_a_batch_gives_pages_and_failures_in_their_order(
    client_of: Ask, scripted: Scripted
) -> None:
    problem = {"status": 400, "problem": {"status": 400, "code": "query-error", "detail": "no"}}
    results = [{"status": 200, **json.loads(PAGE)}, problem]
    scripted.script = [Told(body=json.dumps({"results": results}).encode())]

    page, failure = client_of(scripted.address).search_batch([Search("a"), Search("b", size=0)])

    assert isinstance(page, Page)
    assert isinstance(failure, BatchFailure)
    assert (failure.status, failure.code, failure.detail) == (400, "query-error", "no")
    assert json.loads(scripted.requests[0][3]) == {"searches": [{"q": "a"}, {"q": "b", "size": 0}]}


def test_events_carry_ids_so_that_a_second_try_counts_once(
    client_of: Ask, scripted: Scripted
) -> None:
    scripted.script = [Told(breaks=True), Told(202, b'{"accepted": 2}')]

    accepted = client_of(scripted.address).purchase(["a", "b"], order_id="o1")

    assert accepted.accepted == 2
    first, second = (json.loads(body)["events"] for _, _, _, body in scripted.requests)
    assert first == second
    assert len({event["event_id"] for event in first}) == 2
    assert {event["order_id"] for event in first} == {"o1"}


@pytest.mark.parametrize(
    ("name", "args", "told"),
    [
        ("view", ("a",), {"type": "view", "product_id": "a"}),
        ("click", ("a",), {"type": "click", "product_id": "a"}),
        ("add_to_cart", ("a",), {"type": "add_to_cart", "product_id": "a"}),
    ],
)
def test_each_event_says_its_type(
    client_of: Ask, scripted: Scripted, name: str, args: tuple[str, ...], told: dict[str, str]
) -> None:
    scripted.script = [Told(202, b'{"accepted": 1}')]
    getattr(client_of(scripted.address), name)(*args)

    (event,) = json.loads(scripted.requests[0][3])["events"]
    assert {name: value for name, value in event.items() if name != "event_id"} == told


def test_a_product_is_written_and_removed_under_its_own_id(
    client_of: Ask, scripted: Scripted
) -> None:
    removal = b'{"product_id": "..", "status": "removed", "generation": "g2"}'
    scripted.script = [Told(201, b'{"product_id": "a b", "status": "indexed"}'), Told(200, removal)]
    client = client_of(scripted.address)

    written = client.put_product("a b", {"title": "A", "price": "5 USD"})
    removed = client.delete_product("..")

    assert written.status == "indexed"
    assert (removed.product_id, removed.status) == ("..", "removed")
    (put, put_path, _, body), (delete, delete_path, _, _) = scripted.requests
    assert (put, put_path) == ("PUT", "/api/v1/products/a%20b")
    assert json.loads(body) == {"title": "A", "price": "5 USD"}
    assert (delete, delete_path) == ("DELETE", "/api/v1/products?id=..")


def test_a_moment_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Event(type="view", product_id="a", at=datetime(2026, 1, 1))  # noqa: DTZ001 - on purpose


def test_recommendations_say_what_is_wanted(client_of: Ask, scripted: Scripted) -> None:
    scripted.script = [Told(body=PAGE)]
    client = client_of(scripted.address)
    client.recommendations(ByExamples(like=("a",), dislike=["b"], k=3, price_max=20.0))
    client.recommendations(ByHistory(events=[Past(product_id="a", days_ago=2.0)], visitor_id="v1"))

    examples, history = (json.loads(body) for _, _, _, body in scripted.requests)
    assert examples == {
        "kind": "examples",
        "like": ["a"],
        "dislike": ["b"],
        "k": 3,
        "price": {"max": 20.0},
    }
    assert history == {
        "kind": "history",
        "visitor_id": "v1",
        "events": [{"product_id": "a", "type": "view", "days_ago": 2.0}],
    }


def test_importing_the_client_loads_nothing_of_a_server() -> None:
    program = (
        "import sys, shopsearch.client;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}));"
        "print(*sorted(name for name in sys.modules if name.startswith('shopsearch.')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    packages, modules = (set(line.split()) for line in run.stdout.splitlines())

    assert not packages & {"torch", "flask", "faiss", "sqlalchemy", "numpy", "PIL", "onnxruntime"}
    assert all(name.startswith("shopsearch.client") for name in modules)
