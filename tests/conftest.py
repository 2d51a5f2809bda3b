"""What many tests use: a home folder of their own, the real archives, small real services."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.settings import Settings

from .colour_encoder import ColourEncoder
from .engines import engines, own_database
from .milvus import milvus_lite_uri, milvus_of_all, milvus_server, milvus_uri
from .postgresql import empty_postgres, postgres_url

__all__ = [  # fixtures, for all tests
    "empty_postgres",
    "engines",
    "milvus_lite_uri",
    "milvus_of_all",
    "milvus_server",
    "milvus_uri",
    "own_database",
    "postgres_url",
]

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A test sees no setting of the machine, and writes nothing into the checkout."""
    for name in [name for name in os.environ if name.startswith("SHOPSEARCH_")]:
        if not name.startswith("SHOPSEARCH_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SHOPSEARCH_INDEX_NICE", "0")  # for good, it would slow down all tests after
    monkeypatch.setenv("SHOPSEARCH_THREADS", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Quick and small: hashed embeddings, everything in a scratch folder."""
    return Settings(home=tmp_path / "home", encoder="hashing", batch_size=8)


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """The real services over real SQLite and real FAISS, with the hashing encoder."""
    with Services.open(settings) as opened:
        yield opened


@pytest.fixture
def colour_encoder() -> ColourEncoder:
    """An encoder that can tell regions, without weights."""
    return ColourEncoder()


@pytest.fixture(scope="session")
def archives() -> Path:
    """The folder of real catalogs beside the checkout; required in CI."""
    folder = PROJECT.parent / "shared" / "data"
    if not folder.is_dir():
        reason = f"the real catalogs are not at {folder}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
