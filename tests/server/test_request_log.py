"""The line of log of a request: what it tells, and what it must not."""

from __future__ import annotations

import json
import logging
import os
import signal
from typing import Any

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from shopsearch.bootstrap import Services
from shopsearch.cli import logs
from shopsearch.server import create_app
from shopsearch.server.trace_parent import trace_id_of

from .test_metrics import worker_of
from .test_serving import PROGRAM, get, server

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def told(client: FlaskClient, path: str, **kwargs: Any) -> dict[str, Any]:
    """What the log says of one request."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client.get(path, **kwargs)
    (line,) = [line for line in lines if line["event"] == "request answered"]
    return dict(line)


def test_a_search_tells_its_operation_stages_generation_and_size(
    client: FlaskClient, shop: Services
) -> None:
    line = told(client, "/api/v1/search?q=mug", headers={"traceparent": PARENT})

    assert line["operation"] in ("search", "search.search")
    assert line["generation"] == shop.live.get().manifest.generation_id
    assert {"understand", "fetch"} <= line["stages_ms"].keys()
    assert line["bytes"] > 100
    assert line["trace_id"] == TRACE_ID
    assert line["request_id"]


def test_what_is_no_search_tells_no_stages_and_no_key_where_there_is_none(
    client: FlaskClient,
) -> None:
    line = told(client, "/healthz")

    assert line["operation"] == "health"
    assert not line.keys() & {"stages_ms", "generation", "key", "trace_id"}


def test_the_id_of_the_key_is_told(app: Flask, shop: Services) -> None:
    from flask import g

    keyed = create_app(shop)
    keyed.before_request(lambda: setattr(g, "key_id", "k42"))

    assert told(keyed.test_client(), "/healthz")["key"] == "k42"


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (PARENT, TRACE_ID),
        (PARENT.replace("00-", "01-", 1) + "-what-comes", TRACE_ID),
        (PARENT + "-more", None),
        (PARENT.replace("00-", "ff-", 1), None),
        (PARENT.upper(), None),
        (PARENT.replace(TRACE_ID, "0" * 32), None),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_the_trace_of_the_caller_is_taken_where_it_is_one(
    header: str, trace_id: str | None
) -> None:
    assert trace_id_of(header) == trace_id


@pytest.fixture
def in_format(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Logs as `serve` writes them."""
    before = structlog.get_config()
    root, ours = logging.getLogger(), logging.getLogger("shopsearch")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield lambda log_format: logs.configure("debug", log_format)
    structlog.configure(**before)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_neither_words_nor_address_nor_key_are_logged_even_when_it_breaks(
    shop: Services,
    in_format: Any,
    log_format: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_format(log_format)
    asked = {
        "headers": {"User-Agent": "secretagent", "Authorization": "Bearer secretkey"},
        "environ_base": {"REMOTE_ADDR": "203.0.113.77"},
    }
    client = create_app(shop).test_client()
    client.get("/api/v1/search?q=secretwords&nofield=1", **asked)
    client.get("/api/v1/search?q=secretwords", **asked)

    def breaks(query: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(shop.search, "search", breaks)
    asked["headers"] = {"User-Agent": "secretagent"}  # a bad key would be turned away before
    assert client.get("/api/v1/search?q=secretwords", **asked).status_code == 500

    written = capsys.readouterr().err
    assert "a defect" in written
    assert "secret" not in written
    assert "203.0.113.77" not in written


def test_every_line_of_a_server_is_one_json_object_gunicorns_too(shop: Services) -> None:
    program = PROGRAM.replace(
        "structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))",
        'from shopsearch.cli import logs; logs.configure("info", "json")',
    )
    assert program != PROGRAM
    with server(shop.settings.home, workers=2, program=program) as (process, host, port):
        assert get(host, port, "/api/v1/search?q=mug").status == 200
        os.kill(worker_of(process.pid), signal.SIGKILL)  # gunicorn says so
        assert get(host, port, "/healthz").status == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)

    lines = [json.loads(line) for line in errors.splitlines()]
    assert {"request answered", "listening"} <= {line["event"] for line in lines}
    assert [line for line in lines if "SIGKILL" in line["event"]]
    assert all({"level", "timestamp"} <= line.keys() for line in lines)
