"""How a database is opened, what it keeps through, and what it says when it cannot."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shopsearch.domain import Product, ProductRecord
from shopsearch.errors import SchemaOutdated, StoreError, StoreUnavailable
from shopsearch.store import sqlite
from shopsearch.store.schema import SchemaState
from shopsearch.store.sql import Database, SqlProductStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{path}")
    opened.migrate()
    yield opened
    opened.close()


def record(product_id: str) -> ProductRecord:
    return ProductRecord(Product(product_id=product_id), "f", None)


def pragma(database: Database, name: str) -> object:
    with database.reading() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar()


def test_sqlite_is_durable_and_lets_readers_read(database: Database) -> None:
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "synchronous") == 2  # FULL
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "busy_timeout") == sqlite.BUSY_TIMEOUT_S * 1000


def test_what_an_upsert_wrote_survives_a_kill(database: Database, path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal
        from shopsearch.domain import Product, ProductRecord
        from shopsearch.store.sql import Database, SqlProductStore
        store = SqlProductStore(Database("sqlite:///{path}"))
        store.upsert([ProductRecord(Product(product_id="kept"), "f", None)])
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert set(SqlProductStore(database).find(["kept"])) == {"kept"}


def test_a_reader_sees_one_state_however_long_it_reads(database: Database, path: Path) -> None:
    store = SqlProductStore(database)
    store.upsert([record("a")])
    count = text("SELECT count(*) FROM products")
    with database.reading() as connection:
        assert connection.execute(count).scalar() == 1
        store.upsert([record("b")])  # a writer does not wait for readers
        assert connection.execute(count).scalar() == 1
    assert store.count() == 2


def test_a_failed_block_is_taken_back(database: Database) -> None:
    def fail_half_way() -> None:
        with database.writing() as connection:
            connection.execute(text("UPDATE catalog_revision SET revision = 99"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert SqlProductStore(database).revision() == 0


def test_a_child_process_makes_connections_of_its_own(database: Database) -> None:
    store = SqlProductStore(database)
    store.upsert([record("parent")])
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            store.upsert([record("child")])
            os._exit(0 if set(store.find(["parent", "child"])) == {"parent", "child"} else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    store.upsert([record("after")])
    assert store.count() == 3


def test_looking_at_the_schema_makes_no_file(path: Path) -> None:
    assert Database(f"sqlite:///{path}").schema_status().state is SchemaState.EMPTY
    assert not path.exists()


def test_tables_that_are_missing_are_said_to_be(path: Path) -> None:
    with pytest.raises(SchemaOutdated, match=r"no such table: products.*shopsearch index FEED"):
        SqlProductStore(Database(f"sqlite:///{path}")).count()


def ask(database: Database) -> object:
    return SqlProductStore(database).count()


@pytest.mark.parametrize("use", [Database.migrate, Database.schema_status, ask])
def test_a_file_that_is_no_database_is_named_with_the_remedy(
    path: Path, use: Callable[[Database], object]
) -> None:
    path.write_text("id,title\n" * 100)
    with pytest.raises(StoreUnavailable, match="no SQLite database: move it away") as caught:
        use(Database(f"sqlite:///{path}"))
    assert str(path) in str(caught.value)
    assert path.read_text() == "id,title\n" * 100


def test_a_damaged_database_is_named_with_the_remedy(database: Database, path: Path) -> None:
    SqlProductStore(database).upsert([record(f"{n}") for n in range(200)])
    database.close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = raw.execute("SELECT rootpage FROM sqlite_master WHERE name='products'").fetchone()[0]
    raw.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreUnavailable, match=r"damaged: restore it.*index the feeds again"):
        SqlProductStore(database).find(["1", "2"])


def test_a_folder_in_place_of_the_file_is_said_to_be_unusable(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StoreUnavailable, match=r"catalog\.db cannot be used.*may write"):
        Database(f"sqlite:///{path}").migrate()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match=r"file/home of the product database.*SHOPSEARCH_"):
        Database(f"sqlite:///{tmp_path}/file/home/catalog.db").migrate()


def test_a_lock_that_is_not_given_up_is_said_to_be(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0)
    impatient = Database(f"sqlite:///{path}")
    with (
        database.writing(),
        pytest.raises(StoreUnavailable, match="another process has been writing"),
    ):
        SqlProductStore(impatient).upsert([record("a")])
    impatient.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("catalog.db", "database URL .* cannot be read: write sqlite:////"),
        ("sqlite://", "names no file.*gone with its connection"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://h/d", "SQLite or PostgreSQL, not in 'mysql'"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_at_once(url: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message):
        Database(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_server_that_does_not_answer_is_named_without_its_password(scheme: str) -> None:
    pytest.importorskip("psycopg", reason="psycopg is installed only where PostgreSQL is used")
    database = Database(f"{scheme}://shop:secret@127.0.0.1:9/catalog")
    with pytest.raises(
        StoreUnavailable, match=r"127\.0\.0\.1:9.*check that the server runs"
    ) as caught:
        SqlProductStore(database).count()
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUnavailable, match=r"needs the package psycopg: pip install"):
        Database("postgresql://h/d")


def test_what_the_database_refuses_is_a_store_error(database: Database) -> None:
    with (
        pytest.raises(StoreError, match=r"refuses what should be written: CHECK.*single_row"),
        database.writing() as connection,
    ):
        connection.execute(text("INSERT INTO catalog_revision VALUES (2, 0)"))
