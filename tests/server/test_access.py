"""Who may ask what: each operation of the application, under each kind of key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shopsearch.access import key_ring
from shopsearch.access.spelling import new_key
from shopsearch.bootstrap import Services
from shopsearch.domain import PUBLIC, ApiKey, Scope
from shopsearch.errors import AccessError, StoreUnavailable
from shopsearch.server import audit, create_app
from shopsearch.server.access import OPEN
from shopsearch.server.api.operations import Served, operation, served
from shopsearch.server.errors import status_of
from shopsearch.settings import Settings

PUBLIC_BY_DEFAULT = frozenset({Scope.SEARCH, Scope.RECOMMEND, Scope.EVENTS})
DUMMIES = "/api/v1/dummy"


@dataclass(frozen=True)
class Holder:
    """One kind of caller: what it carries, and what it may."""

    name: str
    headers: dict[str, str] = field(default_factory=dict)
    scopes: frozenset[Scope] | None = None  # None: it has no key
    is_bad: bool = False


def add_dummies(app: Flask) -> None:
    """An operation for each scope, open, writing, and one that forgot to declare itself."""

    def declare(name: str, scope: Scope | None, *, is_write: bool = False) -> None:
        @operation(name, tag="dummy", scope=scope, answers={}, is_write=is_write)
        def view(product_id: str = "") -> str:
            return name

        for path in (f"{DUMMIES}/{name}", f"{DUMMIES}/{name}/<path:product_id>"):
            app.add_url_rule(path, f"{name}-{len(path)}", view, methods=["GET", "POST", "PUT"])

    for scope in Scope:
        declare(f"dummy-{scope}", scope)
    declare("dummy-open", None)
    declare("dummy-write", Scope.CATALOG, is_write=True)

    @operation("dummy-bulk", tag="dummy", scope=Scope.CATALOG, answers={}, is_write=True)
    def bulk() -> str:
        audit.wrote(3)
        return ""

    app.add_url_rule(f"{DUMMIES}/bulk", "dummy-bulk", bulk, methods=["POST"])
    if "/metrics" not in {rule.rule for rule in app.url_map.iter_rules()}:
        metrics = operation("metrics", tag="shop", scope=Scope.ADMIN, answers={})(lambda: "")
        app.add_url_rule("/metrics", "metrics", metrics)
    app.add_url_rule(f"{DUMMIES}/forgotten", "forgotten", lambda: "", methods=["GET"])


@dataclass(frozen=True)
class Site:
    services: Services
    app: Flask

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def key(self, *scopes: Scope, name: str = "test") -> str:
        return str(self.services.key_issuer.make(name, scopes).spelt)

    def get(self, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=named)


@pytest.fixture(scope="module")
def sites(shop: Services) -> Iterator[Callable[..., Site]]:
    """Applications over the shop, with dummies beside its own operations, under other settings."""
    opened: dict[str, Site] = {}

    def site(**options: object) -> Site:
        wished = repr(sorted(options.items()))
        if wished not in opened:
            off = {"rate_limit": "off", "rate_limit_write": "off"}
            settings = Settings(**{**shop.settings.model_dump(), **off, **options})
            services = Services(settings)
            services.__dict__["encoder"] = shop.encoder  # in memory already
            app = create_app(services)
            add_dummies(app)
            opened[wished] = Site(services, app)
        return opened[wished]

    yield site
    for each in opened.values():
        each.services.close()


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def holders(services: Services) -> list[Holder]:
    """Every kind of caller there is."""
    issuer = services.key_issuer
    now = datetime.now(UTC)
    known = [
        Holder(f"key of {scope}", bearer(str(issuer.make("t", [scope]).spelt)), frozenset({scope}))
        for scope in Scope
    ]
    revoked = issuer.make("revoked", list(Scope))
    issuer.revoke(revoked.key.key_id)
    spelt = new_key()
    services.keys.add(
        ApiKey(
            key_id=spelt.key_id,
            name="expired",
            scopes=frozenset(Scope),
            secret_sha256=spelt.sha256,
            created_at=now - timedelta(days=2),
            expires_at=now - timedelta(seconds=1),
        )
    )
    bad = {
        "revoked": str(revoked.spelt),
        "expired": str(spelt),
        "nobody's": str(new_key()),
        "another secret": str(new_key(revoked.key.key_id)),
        "malformed": "sk_12345",
        "empty": "",
        "not ASCII": "sk_ü",
    }
    return [
        Holder("no key"),
        *known,
        *(Holder(name, bearer(key), is_bad=True) for name, key in bad.items()),
        Holder("X-API-Key", {"X-API-Key": known[0].headers["Authorization"][7:]}, known[0].scopes),
        Holder("bad X-API-Key", {"X-API-Key": "sk_1"}, is_bad=True),
    ]


def expected(declared: Scope | None, holder: Holder, public: frozenset[Scope]) -> int | None:
    """The status with which a caller is turned away, by the declaration alone; None: let in."""
    if holder.is_bad:
        return 401
    if declared is None or declared in public:
        return None
    if holder.scopes is None:
        return 401
    return None if holder.scopes & {declared, Scope.ADMIN} else 403


def turned_away(site: Site, one: Served, holder: Holder) -> int | None:
    """The status before the operation itself has its turn; None where it has."""
    values = dict.fromkeys(one.rule.arguments, "x")
    path = site.app.url_map.bind("localhost").build(one.rule.endpoint, values, one.method)
    with site.app.test_request_context(path, method=one.method, headers=holder.headers):
        try:
            assert site.app.preprocess_request() is None
        except AccessError as error:
            return int(status_of(error))
    return None


@pytest.mark.parametrize(
    "public",
    [PUBLIC_BY_DEFAULT, frozenset(), frozenset({Scope.EVENTS})],
    ids=["as shipped", "closed", "events alone"],
)
def test_each_operation_lets_in_whom_its_declaration_says_and_nobody_else(
    sites: Callable[..., Site], public: frozenset[Scope]
) -> None:
    site = sites(public_scopes=tuple(sorted(public)))
    operations = list(served(site.app))
    assert {one.operation.scope for one in operations} == {None, *Scope}
    wrong = [
        (one.method, one.rule.rule, holder.name, status, wanted)
        for holder in holders(site.services)
        for one in operations
        if one.rule.endpoint not in OPEN
        and (status := turned_away(site, one, holder))
        != (wanted := expected(one.operation.scope, holder, public))
    ]
    assert wrong == []


def test_a_route_of_the_api_that_declares_nothing_is_closed(sites: Callable[..., Site]) -> None:
    site = sites()
    path = f"{DUMMIES}/forgotten"
    assert site.get(path).status_code == 401
    assert site.get(path, **bearer(site.key(Scope.CATALOG))).status_code == 403
    assert site.get(path, **bearer(site.key(Scope.ADMIN))).status_code == 200


def test_the_problem_says_what_is_missing(sites: Callable[..., Site]) -> None:
    site = sites()
    missing = site.get(f"{DUMMIES}/dummy-catalog")
    assert missing.headers["WWW-Authenticate"].startswith("Bearer")
    assert missing.mimetype == "application/problem+json"
    assert (missing.json["code"], missing.json["status"]) == ("key-missing", 401)
    assert "scope catalog" in missing.json["detail"]
    few = site.get(f"{DUMMIES}/dummy-catalog", **bearer(site.key(Scope.SEARCH, Scope.EVENTS)))
    assert (few.json["code"], few.status_code) == ("scope-missing", 403)
    assert "needs the scope catalog, and the key has: events, search" in few.json["detail"]
    assert "WWW-Authenticate" not in few.headers


@pytest.mark.parametrize("path", ["/", "/search?q=mug", "/products/mug-red"])
def test_a_closed_shop_window_shows_a_page_that_says_so(
    sites: Callable[..., Site], path: str
) -> None:
    site = sites(public_scopes=())
    page = site.get(path)
    assert page.status_code == 401
    assert page.mimetype == "text/html"
    assert "The shop window is closed" in page.text
    assert "mug" not in page.text.split("<main", 1)[1]
    assert site.get(path, **bearer(site.key(Scope.SEARCH))).status_code == 200


def test_pictures_go_by_the_scope_of_searches(sites: Callable[..., Site], shop: Services) -> None:
    content_hash = shop.store.find(["mug-red"])["mug-red"].record.image_hash
    closed = sites(public_scopes=("events",))
    assert closed.get(f"/media/{content_hash}").status_code == 401
    shown = sites().client.get(f"/media/{content_hash}", buffered=True)
    assert shown.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_are_open_whatever_they_carry(sites: Callable[..., Site], path: str) -> None:
    site = sites(public_scopes=())
    assert site.get(path).status_code == 200
    assert site.get(path, **bearer("sk_bad")).status_code == 200


def test_static_files_are_open_so_that_the_closed_page_has_its_looks(
    sites: Callable[..., Site],
) -> None:
    site = sites(public_scopes=())
    page = site.get("/").text
    start = page.index("/static/")
    assert site.client.get(page[start : page.index('"', start)], buffered=True).status_code == 200


def test_metrics_need_admin_unless_the_settings_open_them(sites: Callable[..., Site]) -> None:
    closed, opened = sites(), sites(metrics_public=True)
    assert closed.get("/metrics").status_code == 401
    assert closed.get("/metrics").mimetype == "application/problem+json"
    assert closed.get("/metrics", **bearer(closed.key(Scope.CATALOG))).status_code == 403
    assert closed.get("/metrics", **bearer(closed.key(Scope.ADMIN))).status_code == 200
    assert opened.get("/metrics").status_code == 200
    assert opened.get(f"{DUMMIES}/dummy-admin").status_code == 401


def test_authorization_of_another_kind_is_none_of_ours(sites: Callable[..., Site]) -> None:
    site = sites()
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert site.get(f"{DUMMIES}/dummy-search", **basic).status_code == 200
    assert site.get(f"{DUMMIES}/dummy-admin", **basic).json["code"] == "key-missing"


def test_a_key_is_taken_however_the_scheme_is_written(sites: Callable[..., Site]) -> None:
    site = sites()
    key = site.key(Scope.ADMIN)
    for value in (f"bearer {key}", f"BEARER   {key} "):
        assert site.get(f"{DUMMIES}/dummy-admin", Authorization=value).status_code == 200
    assert site.get(f"{DUMMIES}/dummy-search", Authorization="Bearer").status_code == 401
    same = {**bearer(key), "X-API-Key": key}
    assert site.client.get(f"{DUMMIES}/dummy-admin", headers=same).status_code == 200
    other = {**bearer(key), "X-API-Key": site.key(Scope.SEARCH)}
    refused = site.client.get(f"{DUMMIES}/dummy-admin", headers=other)
    assert (refused.status_code, refused.json["code"]) == (401, "key-refused")


@pytest.mark.parametrize("path", [f"{DUMMIES}/dummy-search", "/search", "/nothing-here"])
def test_a_key_in_the_address_is_refused_and_never_read(
    sites: Callable[..., Site], path: str
) -> None:
    site = sites()
    key = site.key(Scope.ADMIN)
    answer = site.get(f"{path}?api_key={key}")
    assert answer.status_code == 400
    assert key not in answer.text
    assert site.get(f"{DUMMIES}/dummy-admin?access_token={key[:-1]}").status_code == 401


def test_a_preflight_is_answered_without_a_key(sites: Callable[..., Site]) -> None:
    site = sites(public_scopes=())
    assert site.client.options(f"{DUMMIES}/dummy-admin").status_code == 200


def test_a_revoked_key_works_no_longer_than_it_is_remembered(
    sites: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = sites()
    clock = time.monotonic()
    monkeypatch.setattr(site.services.key_ring, "_clock", lambda: clock)
    key = site.key(Scope.ADMIN)
    path = f"{DUMMIES}/dummy-admin"
    assert site.get(path, **bearer(key)).status_code == 200
    site.services.key_issuer.revoke(key.split("_")[1])
    clock += key_ring.REMEMBERS_S
    refused = site.get(path, **bearer(key))
    assert refused.status_code == 401
    assert "was revoked" in refused.json["detail"]


def test_a_database_that_is_gone_is_503_and_lets_nobody_in(
    sites: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = sites()

    def gone(_: str) -> None:
        raise StoreUnavailable("the database is gone")

    monkeypatch.setattr(site.services.key_ring._store, "find", gone)
    assert site.get(f"{DUMMIES}/dummy-admin", **bearer(str(new_key()))).status_code == 503
    assert site.get(f"{DUMMIES}/dummy-search").status_code == 200


def test_no_key_gets_into_the_log_of_requests_or_of_writes(sites: Callable[..., Site]) -> None:
    site = sites()
    key = site.key(Scope.CATALOG)
    secret = key.rsplit("_", 1)[1]
    processors = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=processors) as lines:
        site.client.put(f"{DUMMIES}/dummy-write/{key}?k={key}", headers=bearer(key))
        site.client.put(
            f"{DUMMIES}/dummy-write/{key}", headers={"X-Request-Id": key, **bearer(key)}
        )
        site.client.put(f"{DUMMIES}/dummy-write/x", headers=bearer(f"{key}0"))
    assert len([line for line in lines if line["event"] == "request answered"]) == 3
    assert secret not in repr(lines)
    entries = site.services.audit_log.read(datetime(2020, 1, 1, tzinfo=UTC), limit=1000)
    assert secret not in repr(entries)


def written(site: Site, n: int) -> list[tuple[str, str, str, int | None]]:
    entries = site.services.audit_log.read(datetime(2020, 1, 1, tzinfo=UTC), limit=n)
    return [(one.actor, one.operation, one.target, one.status) for one in reversed(entries)]


def test_writes_are_noted_those_that_are_refused_too_and_reads_are_not(
    sites: Callable[..., Site],
) -> None:
    site = sites()
    key, weak = site.key(Scope.CATALOG), site.key(Scope.SEARCH)
    client, path = site.client, f"{DUMMIES}/dummy-write"
    client.put(f"{path}/a%2F%2Fb", headers={**bearer(key), "X-Request-Id": "trace-7"}, data="body")
    client.put(f"{path}?id=..", headers=bearer(key))
    client.post(f"{DUMMIES}/bulk", headers=bearer(key))
    client.put(f"{path}/x", headers=bearer(weak))
    client.put(f"{path}/%00%FF{'x' * 2000}")
    client.put(f"{path}/y", headers=bearer("sk_1"))
    client.options(f"{path}/y")
    site.get(f"{DUMMIES}/dummy-catalog", **bearer(key))
    assert written(site, 6) == [
        (key.split("_")[1], "dummy-write", "a//b", 200),
        (key.split("_")[1], "dummy-write", "..", 200),
        (key.split("_")[1], "dummy-bulk", "3", 200),
        (weak.split("_")[1], "dummy-write", "x", 403),
        (PUBLIC, "dummy-write", "��" + "x" * 125 + "…", 401),
        (PUBLIC, "dummy-write", "y", 401),
    ]
    entry = site.services.audit_log.read(datetime(2020, 1, 1, tzinfo=UTC), limit=6)[-1]
    assert entry.request_id == "trace-7"


def test_a_write_that_cannot_be_noted_is_answered_all_the_same(
    sites: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = sites()
    key = site.key(Scope.CATALOG)

    def full(_: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(site.services.audit_log, "write", full)
    with structlog.testing.capture_logs() as lines:
        answer = site.client.post(f"{DUMMIES}/bulk", headers=bearer(key))
    assert answer.status_code == 200
    assert "missing in the audit log" in str([line["event"] for line in lines])
