"""How often one caller may ask, in memory and in Redis; and which other sites may ask at all."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.domain import Scope
from shopsearch.errors import SettingsError
from shopsearch.server import create_app, rate_counts, rates
from shopsearch.server.api.operations import operation
from shopsearch.server.rate_counts import CountsInMemory
from shopsearch.settings import Settings, load_settings

from .redis_server import RedisServer, redis_server

__all__ = ["redis_server"]  # a fixture

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
READ, WRITE = "/api/v1/read", "/api/v1/write"


@operation("dummy-read", tag="dummy", scope=Scope.SEARCH, answers={})
def read() -> str:
    return ""


@operation("dummy-write", tag="dummy", scope=Scope.CATALOG, answers={}, is_write=True)
def write() -> str:
    return ""


Start = Callable[..., Flask]


@pytest.fixture
def start(shop: Services) -> Iterator[Start]:
    """Starts applications of their own over the shop."""
    opened: list[Services] = []

    def started(**options: object) -> Flask:
        known = {"rate_limit": "3/hour", "rate_limit_write": "2/hour", **options}
        opened.append(Services(Settings(**{**shop.settings.model_dump(), **known})))
        opened[-1].__dict__["encoder"] = shop.encoder
        app = create_app(opened[-1])
        app.add_url_rule(READ, view_func=read)
        app.add_url_rule(WRITE, view_func=write, methods=["POST"])
        return app

    yield started
    for services in opened:
        services.close()


def key_of(shop: Services, *scopes: Scope) -> dict[str, str]:
    return {"Authorization": f"Bearer {shop.key_issuer.make('test', scopes).spelt}"}


def statuses(client: FlaskClient, n: int, path: str = READ, **options: object) -> list[int]:
    return [client.get(path, **options).status_code for _ in range(n)]


def from_(address: str, **headers: str) -> dict[str, object]:
    return {"environ_base": {"REMOTE_ADDR": address}, "headers": headers}


def test_one_address_is_refused_beyond_its_limit_and_told_when_to_come_back(start: Start) -> None:
    client = start().test_client()
    first = client.get(READ)
    assert first.headers["RateLimit-Limit"] == "3"
    assert first.headers["RateLimit-Remaining"] == "2"
    assert first.headers["RateLimit-Policy"] == "3;w=3600"
    assert 3590 <= int(first.headers["RateLimit-Reset"]) <= 3600
    assert statuses(client, 2) == [200, 200]
    refused = client.get(READ)
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert (refused.json["code"], refused.json["status"]) == ("rate-limited", 429)
    assert "3 requests an hour" in refused.json["detail"]
    assert 3590 <= int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["RateLimit-Remaining"] == "0"


def test_each_address_and_each_key_has_a_count_of_its_own(start: Start, shop: Services) -> None:
    client = start().test_client()
    ours, other = key_of(shop, Scope.SEARCH), key_of(shop, Scope.SEARCH)
    assert statuses(client, 4) == [200, 200, 200, 429]
    assert statuses(client, 4, **from_("198.51.100.7")) == [200, 200, 200, 429]
    assert statuses(client, 4, headers=ours) == [200, 200, 200, 429]
    assert statuses(client, 1, headers=other) == [200]
    assert statuses(client, 1, **from_("198.51.100.8", **ours)) == [429]  # wherever it asks from


def test_whoever_has_one_ipv6_address_has_its_network(start: Start) -> None:
    client = start().test_client()
    found = [
        client.get(READ, **from_(f"2001:db8:1:2::{number}")).status_code for number in range(4)
    ]
    assert found == [200, 200, 200, 429]
    assert statuses(client, 1, **from_("2001:db8:1:3::1")) == [200]
    assert statuses(client, 1, **from_("fe80::1%eth0")) == [200]
    assert statuses(client, 1, **from_("un:known")) == [200]


def test_addresses_are_those_that_trusted_proxies_tell(start: Start) -> None:
    trusting, plain = start(trusted_proxies=1).test_client(), start().test_client()
    for client, expected in ((trusting, 200), (plain, 429)):
        for number in range(3):
            client.get(READ, headers={"X-Forwarded-For": f"198.51.100.{number}"})
        with structlog.testing.capture_logs() as lines:
            last = client.get(READ, headers={"X-Forwarded-For": "198.51.100.9"})
        assert last.status_code == expected
        hinted = any("SHOPSEARCH_TRUSTED_PROXIES" in line["event"] for line in lines)
        assert hinted == (expected == 429)


def test_writes_are_counted_apart_from_reads(start: Start, shop: Services) -> None:
    client, key = start().test_client(), key_of(shop, Scope.ADMIN)
    written = [client.post(WRITE, headers=key).status_code for _ in range(3)]
    assert written == [200, 200, 429]
    assert statuses(client, 4, headers=key) == [200, 200, 200, 429]
    assert shop.audit_log.read(LONG_AGO, limit=1)[0].status == 429


def test_bad_keys_and_missing_ones_count_for_the_address(start: Start) -> None:
    client = start().test_client()
    bad = {"Authorization": "Bearer sk_1"}
    assert statuses(client, 4, headers=bad) == [401, 401, 401, 429]
    assert statuses(client, 1) == [429]
    closed = start(public_scopes=()).test_client()
    assert statuses(closed, 4) == [401, 401, 401, 429]


def test_pages_count_and_what_they_are_made_of_does_not(start: Start, shop: Services) -> None:
    client = start(rate_limit="1/hour").test_client()
    page = client.get("/").text
    static = page[(at := page.index("/static/")) : page.index('"', at)]
    picture = shop.store.find(["mug-red"])["mug-red"].record.image_hash
    for path in ("/healthz", "/readyz", static, f"/media/{picture}"):
        for _ in range(3):
            assert client.get(path, buffered=True).status_code == 200
    assert client.options(READ).status_code == 200
    refused = client.get("/")
    assert refused.status_code == 429
    assert "That was a lot at once" in refused.text
    assert refused.headers["Retry-After"]


def test_several_limits_hold_together_and_off_means_none(start: Start) -> None:
    both = start(rate_limit="100/hour; 2/minute").test_client()
    assert statuses(both, 3) == [200, 200, 429]
    without = start(rate_limit="off").test_client()
    assert statuses(without, 20) == [200] * 20
    assert "RateLimit-Limit" not in without.get(READ).headers
    neither = start(rate_limit="off", rate_limit_write="off").test_client()
    assert statuses(neither, 20) == [200] * 20


def test_a_new_window_is_a_new_count(start: Start) -> None:
    client = start(rate_limit="2/second").test_client()
    while 200 in statuses(client, 3)[2:]:  # three fell into two windows
        pass
    time.sleep(1.1)
    assert client.get(READ).status_code == 200


def test_threads_lose_no_count() -> None:
    counts = CountsInMemory()
    threads = [
        threading.Thread(target=lambda: [counts.incr("caller", 60) for _ in range(500)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts.get("caller") == 4000


def test_callers_of_the_past_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = CountsInMemory()
    counts.incr("gone", -1)
    counts.incr("here", 60)
    assert counts.get("gone") == 0
    monkeypatch.setattr(rate_counts, "SWEEPS_EVERY_S", 0.0)
    counts.incr("here", 60)
    assert set(counts._counts) == {"here"}
    monkeypatch.setattr(rate_counts, "CAPACITY", 3)
    for number in range(50):
        counts.incr(f"caller {number}", 60)
    assert len(counts._counts) <= 3
    counts.clear("caller 49")
    assert counts.reset() <= 3
    assert counts.check()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("rate_limit", "0/minute", "600/minute"),
        ("rate_limit", "lots", "600/minute"),
        ("rate_limit_write", "5/fortnight", "600/minute"),
        ("public_scopes", ("search", "admin"), "admin cannot be public"),
        ("public_scopes", ("catalog",), "catalog cannot be public"),
        ("cors_origins", ("*",), "is no origin"),
        ("cors_origins", ("https://shop.example/",), "is no origin"),
        ("cors_origins", ("null",), "is no origin"),
        ("audit_days", 0, "AUDIT_DAYS"),
    ],
)
def test_a_setting_that_does_not_hold_is_refused_with_what_would(
    name: str, value: object, told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        load_settings(**{name: value})


def test_a_storage_that_cannot_be_used_is_refused_at_the_start_without_its_password(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="memory://") as refused:
        start(rate_limit_storage="memcached://user:s3cret@host")
    assert "s3cret" not in str(refused.value)
    monkeypatch.setattr(rates, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'shopsearch\[redis\]'") as refused:
        start(rate_limit_storage="redis://:s3cret@host")
    assert "s3cret" not in str(refused.value)


def test_processes_that_share_a_redis_count_together(
    start: Start, redis_server: RedisServer
) -> None:
    one, other = (start(rate_limit_storage=redis_server.url).test_client() for _ in range(2))
    assert statuses(one, 2) + statuses(other, 2) == [200, 200, 200, 429]
    assert other.get(READ).headers["RateLimit-Remaining"] == "0"


def test_where_redis_is_down_requests_are_answered_and_it_is_logged_once(
    start: Start, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = start(rate_limit_storage=redis_server.url, rate_limit="1000/hour").test_client()
    assert statuses(client, 1) == [200]
    redis_server.stop()
    with caplog.at_level(logging.WARNING, logger="flask-limiter"):
        assert statuses(client, 10) == [200] * 10
    assert len([one for one in caplog.records if "unreachable" in one.message]) == 1
    answer = client.get(READ)
    assert answer.headers["RateLimit-Remaining"] == "989"  # counted here meanwhile
    redis_server.start()
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if int(client.get(READ).headers["RateLimit-Remaining"]) > 990:
            return  # Redis counts again
        time.sleep(0.05)
    pytest.fail("Redis was not taken up again")


def test_where_redis_never_was_there_requests_are_answered(start: Start) -> None:
    client = start(rate_limit_storage="redis://127.0.0.1:9/0").test_client()
    assert statuses(client, 4) == [200, 200, 200, 429]


ORIGIN = "https://www.shop.example"


def test_no_other_site_may_ask_unless_it_is_named(start: Start) -> None:
    answer = start().test_client().get(READ, headers={"Origin": ORIGIN})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_site_that_is_named_may_ask_the_api_and_no_other_may(start: Start) -> None:
    client = start(cors_origins=(ORIGIN,), public_scopes=()).test_client()
    preflight = client.options(
        WRITE,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    assert "authorization" in preflight.headers["Access-Control-Allow-Headers"].lower()
    refused = client.get(READ, headers={"Origin": ORIGIN})  # its script may read why
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]
    for origin in (f"{ORIGIN}.evil.example", "http://www.shop.example", "null", "https://evil"):
        answer = client.get(READ, headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers, origin
    for any_answer in (preflight, refused, client.get(READ)):
        assert "Origin" in any_answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in any_answer.headers


def test_pages_are_for_no_other_site_and_pictures_are(start: Start, shop: Services) -> None:
    picture = shop.store.find(["mug-red"])["mug-red"].record.image_hash
    for origins, policy in (((), "same-origin"), ((ORIGIN,), "cross-origin")):
        client = start(cors_origins=origins).test_client()
        page = client.get("/", headers={"Origin": ORIGIN})
        assert "Access-Control-Allow-Origin" not in page.headers
        shown = client.get(f"/media/{picture}", buffered=True)
        assert shown.headers["Cross-Origin-Resource-Policy"] == policy
