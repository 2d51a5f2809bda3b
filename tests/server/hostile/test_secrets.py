"""The password of the database is in the environment alone: no output, error or log holds it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog
from flask.testing import FlaskClient
from sqlalchemy import make_url

from shopsearch.errors import StoreUnavailable
from shopsearch.store.database import Database
from shopsearch.store.database_url import shown_url
from shopsearch.store.sql import SqlProductStore

SECRET = "S3CRET"
URLS = [
    f"postgresql://shop:{SECRET}@127.0.0.1:1/shop",
    f"postgresql://127.0.0.1:1/shop?user=shop&password={SECRET}",
    f"postgresql://shop:{SECRET}@127.0.0.1:port/shop",
    f"postgresql://shop:x/{SECRET}@127.0.0.1:1/shop",
    f"mysql://shop:{SECRET}@127.0.0.1/shop",
    f"nonsense:{SECRET}@127.0.0.1",
    f"sqlite://?password={SECRET}",
]


@pytest.mark.parametrize("url", URLS)
def test_no_error_of_the_store_tells_the_password(url: str) -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(StoreUnavailable) as failed:
        SqlProductStore(Database(url)).count()

    told = failed.value.__cause__
    assert SECRET not in f"{failed.value} {told} {lines}"


def test_the_address_that_is_shown_still_tells_where_the_database_is() -> None:
    url = make_url(f"postgresql://shop:{SECRET}@db.shop:5432/catalog?password={SECRET}")

    assert shown_url(url) == "postgresql://shop:***@db.shop:5432/catalog"


def test_commands_print_no_password(tmp_path: Path) -> None:
    def printed(arguments: list[str], url: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "shopsearch", *arguments],
            env={
                **os.environ,
                "SHOPSEARCH_HOME": str(tmp_path / "home"),
                "SHOPSEARCH_ENCODER": "hashing",
                "SHOPSEARCH_DATABASE_URL": url,
                "SHOPSEARCH_LOG_LEVEL": "debug",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1
        return ended.stdout + ended.stderr

    runs = [(["doctor", "--json"], URLS[1]), (["search", "mug"], URLS[5])]
    with ThreadPoolExecutor(2) as pool:
        for output in pool.map(lambda run: printed(*run), runs):
            assert "database" in output
            assert SECRET not in output


def test_answers_and_logs_of_the_server_tell_no_password(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        SqlProductStore(Database(URLS[1])).count()

    monkeypatch.setattr("shopsearch.search.SearchService.search", fail)
    with structlog.testing.capture_logs() as lines:
        answer = client.get("/api/v1/search?q=mug")

    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text  # not even where the database is
    assert SECRET not in f"{answer.text} {lines}"
