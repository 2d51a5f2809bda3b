"""Health checks: what they say of each part."""

from __future__ import annotations

from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.server import create_app
from shopsearch.server.health import Alive, NotReady, Ready


def test_a_server_that_can_search_says_that_all_parts_are_there(
    client: FlaskClient, shop: Services
) -> None:
    document = client.get("/readyz").json

    ready = Ready.model_validate(document)
    assert ready.generation == shop.live.get().manifest.generation_id
    assert document["checks"] == {
        "model": {"ok": True, "detail": ""},
        "index": {"ok": True, "detail": ""},
        "database": {"ok": True, "detail": ""},
    }
    assert Alive.model_validate(client.get("/healthz").json).status == "alive"


def test_each_part_that_is_missing_is_told_by_itself(services: Services) -> None:
    client = create_app(services).test_client()

    without_model = NotReady.model_validate(client.get("/readyz").json).checks
    services.encoder.load()
    answer = client.get("/readyz")
    without_index = NotReady.model_validate(answer.json).checks

    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert not without_model.model.ok
    assert (without_index.model.ok, without_index.index.ok) == (True, False)
    assert "shopsearch index" in without_index.index.detail
    assert without_index.database.ok


def test_a_database_that_cannot_be_read_is_told_by_itself(services: Services) -> None:
    services.encoder.load()
    services.database.close()
    for left in services.settings.home.glob("catalog.db-*"):
        left.unlink()
    (services.settings.home / "catalog.db").write_bytes(b"no database" * 1000)

    checks = NotReady.model_validate(create_app(services).test_client().get("/readyz").json).checks

    assert checks.model.ok
    assert not checks.database.ok
    assert checks.database.detail
