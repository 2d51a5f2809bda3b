"""The OpenAPI document: it tells every operation, and every operation does what it tells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_pydantic import OpenAPI
from werkzeug.serving import make_server

from shopsearch.server import create_app
from shopsearch.server.api.operations import operation_of, served
from shopsearch.server.context import services_of

from .conftest import key_to, open_shop

FUZZING = Path(__file__).parent / "fuzzing"
N_EXAMPLES = os.environ.get("SHOPSEARCH_TEST_CASES", "5")
OUR_OWN = ("/openapi.json", "/docs")  # how the document itself is had


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The application over a shop of its own: what is sent here writes into it."""
    folder = tmp_path_factory.mktemp("fuzzed")
    with open_shop(folder, worker_threads=64) as services:
        yield create_app(services)


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """The application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def test_the_document_is_openapi_3_1(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()

    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)


def test_every_operation_below_the_api_is_declared(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]

    assert [rule.rule for rule in rules if operation_of(app, rule.endpoint) is None] == []


def test_every_operation_is_told_with_its_name_and_what_it_answers(
    app: Flask, client: FlaskClient
) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    told = {one["operationId"]: one for item in paths.values() for one in item.values()}

    declared = {one.operation.operation_id: one.operation for one in served(app)}
    assert told.keys() == declared.keys()
    for name, operation in declared.items():
        assert told[name]["summary"]
        assert {*map(str, operation.answers), "default"} == told[name]["responses"].keys()


def test_schemathesis_finds_nothing(app: Flask, address: str, tmp_path: Path) -> None:
    for file in FUZZING.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    schemathesis = Path(sys.executable).with_name("schemathesis")
    command = [str(schemathesis), "--config-file", "schemathesis.toml", "run"]
    command += [f"{address}/openapi.json", "--checks", "all", "--max-examples", N_EXAMPLES]
    command += ["--header", f"Authorization: Bearer {key_to(services_of(app))}"]
    command += ["--seed", "20261127", "--no-color"]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "rules", "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
