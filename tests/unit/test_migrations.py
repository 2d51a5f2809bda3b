"""The migrations make what the models say, can be taken back, and run once however many start."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

import shopsearch
from shopsearch.errors import SchemaOutdated
from shopsearch.store import schema
from shopsearch.store.schema import SCHEMA_HEAD, SchemaState, SchemaStatus, migrations_folder
from shopsearch.store.sql import Database, SqlLexicalIndex
from shopsearch.store.tables import Base

CHECKOUT = Path(shopsearch.__file__).resolve().parents[1]
MODELS = set(Base.metadata.tables)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new/catalog.db"
    empty: Callable[[], str] = request.getfixturevalue("empty_postgres")
    return empty()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    yield opened
    opened.close()


def is_of_words(name: str | None) -> bool:
    return name is not None and name.startswith("product_words")  # FTS5 makes several tables


def tables(database: Database) -> set[str]:
    with database.reading() as connection:
        return {name for name in inspect(connection).get_table_names() if not is_of_words(name)}


def has_words(database: Database) -> bool:
    with database.reading() as connection:
        return any(map(is_of_words, inspect(connection).get_table_names()))


def alembic(database: Database, verb: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    config.set_main_option("path_separator", "os")
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        getattr(command, verb)(config, revision)


def differences(database: Database) -> list[object]:
    with database.reading() as connection:
        only_models = {"include_name": lambda name, *_: not is_of_words(name)}
        migration = MigrationContext.configure(connection, opts=only_models)
        return list(compare_metadata(migration, Base.metadata))


def test_migrating_makes_the_tables_that_the_models_describe(database: Database) -> None:
    database.migrate()
    assert tables(database) == {*MODELS, "alembic_version"}
    assert has_words(database)
    assert differences(database) == []
    assert database.schema_status() == SchemaStatus(SCHEMA_HEAD)


def test_every_migration_can_be_taken_back_and_made_again(database: Database) -> None:
    database.migrate()
    script = ScriptDirectory(str(migrations_folder()))
    revisions = [one.revision for one in script.walk_revisions()]
    for revision in revisions:
        alembic(database, "downgrade", "-1")
        assert database.schema_status().found != revision
    assert tables(database) == {"alembic_version"}
    assert not has_words(database)
    assert database.schema_status().state is SchemaState.EMPTY
    database.migrate()
    assert differences(database) == []


def test_the_head_that_is_known_without_alembic_is_the_newest_migration() -> None:
    script = ScriptDirectory(str(migrations_folder()))
    assert script.get_heads() == [SCHEMA_HEAD]
    numbers = [one.revision for one in script.walk_revisions()]
    assert numbers == [f"{n:04}" for n in range(len(numbers), 0, -1)]


def test_products_of_an_older_version_can_be_found_by_their_words(database: Database) -> None:
    alembic(database, "upgrade", "0001")
    products = [
        {"key": n, "id": f"p{n}", "title": f"Mug {n}", "color": "teal" if n == 7 else ""}
        for n in range(1, 1203)
    ]
    names = ("description", "brand", "product_type", "link", "availability", "size", "material")
    empty = ", ".join((*names, "gender", "item_group_id", "gtin", "fingerprint"))
    with database.writing() as connection:
        connection.execute(
            text(
                f"INSERT INTO products (key, product_id, revision, title, color, {empty}, "  # noqa: S608
                "created_at, updated_at) VALUES (:key, :id, :key, :title, :color, "
                + "'', " * 11
                + "'2026-01-01', '2026-01-01')"
            ),
            products,
        )
        connection.execute(
            text("INSERT INTO product_attributes VALUES (1200, 0, 'pattern', 'paisley')")
        )
    database.migrate()
    words = SqlLexicalIndex(database)
    assert words.count() == len(products)
    assert words.search(["paisley", "teal"], 5).keys.tolist() == [7, 1200]


def test_every_constraint_has_a_name(database: Database) -> None:
    database.migrate()
    with database.reading() as connection:
        inspector = inspect(connection)
        for name in MODELS:
            constraints = [
                inspector.get_pk_constraint(name),
                *inspector.get_unique_constraints(name),
                *inspector.get_foreign_keys(name),
                *inspector.get_check_constraints(name),
            ]
            names = {constraint["name"] for constraint in constraints}
            if connection.dialect.name == "sqlite" and name in {"products", "feed_runs"}:
                names.remove(None)  # SQLite has no room for a name beside AUTOINCREMENT
            assert {str(one).split(f"_{name}")[0] for one in names} <= {"pk", "uq", "fk", "ck"}
    assert all(one.name for table in Base.metadata.tables.values() for one in table.constraints)


def test_a_second_migrate_does_not_import_alembic(database: Database, database_url: str) -> None:
    database.migrate()
    script = (
        "import sys\n"
        "from shopsearch.store.sql import Database\n"
        f"Database({database_url!r}).migrate()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_many_that_start_at_once_migrate_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrades: list[str] = []
    upgrade = schema.upgrade
    database_room = importlib.import_module("shopsearch.store.database")
    monkeypatch.setattr(
        database_room, "upgrade", lambda connection: (upgrades.append("one"), upgrade(connection))
    )
    gate = threading.Barrier(4)
    errors: list[BaseException] = []

    def start() -> None:
        database = Database(database_url)
        try:
            gate.wait(20)
            database.migrate()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
        finally:
            database.close()

    starts = [threading.Thread(target=start) for _ in range(4)]
    for one in starts:
        one.start()
    for one in starts:
        one.join(60)
    assert errors == []
    assert upgrades == ["one"]


def test_a_migration_that_fails_leaves_nothing_half_made(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database_room = importlib.import_module("shopsearch.store.database")
    upgrade = schema.upgrade

    def breaks(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    monkeypatch.setattr(database_room, "upgrade", breaks)
    with pytest.raises(RuntimeError, match="power cut"):
        database.migrate()
    assert tables(database) == set()
    monkeypatch.setattr(database_room, "upgrade", upgrade)
    database.migrate()
    assert differences(database) == []


@pytest.mark.parametrize("found", ["9999", "1975ea83b712"])
def test_tables_of_a_newer_version_are_left_alone(database: Database, found: str) -> None:
    database.migrate()
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": found})
    assert database.schema_status().state is SchemaState.NEWER
    with pytest.raises(SchemaOutdated, match=f"'{found}'.*'{SCHEMA_HEAD}'.*upgrade shopsearch"):
        database.migrate()


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, SchemaState.EMPTY),
        ("0001", SchemaState.OLDER),
        ("0002", SchemaState.CURRENT),
        ("0003", SchemaState.NEWER),
        ("abc", SchemaState.NEWER),
    ],
)
def test_a_status_tells_how_the_tables_stand(found: str | None, state: SchemaState) -> None:
    assert SchemaStatus(found, expected="0002").state is state


def test_a_folder_with_any_name_can_hold_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "100 % shop, größe #1"
    database = Database(f"sqlite:///{folder}/catalog.db")
    database.migrate()
    assert (folder / "catalog.db").is_file()
    database.close()


def test_migrations_are_found_in_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "100 % site-packages" / "shopsearch"
    (package / "store").mkdir(parents=True)
    shutil.copytree(CHECKOUT / "migrations", package / "_migrations")
    monkeypatch.setattr(schema, "__file__", str(package / "store" / "schema.py"))
    assert migrations_folder() == package / "_migrations"
    database = Database(f"sqlite:///{tmp_path}/catalog.db")
    database.migrate()
    assert differences(database) == []
    database.close()


def run_alembic(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_alembic_works_from_the_checkout_by_argument_or_by_variable(database_url: str) -> None:
    upgraded = run_alembic("-x", f"url={database_url}", "upgrade", "head")
    assert upgraded.returncode == 0, upgraded.stderr
    checked = run_alembic("check", SHOPSEARCH_DATABASE_URL=database_url)
    assert checked.returncode == 0, checked.stderr
    assert "No new upgrade operations detected" in checked.stdout


def test_alembic_writes_the_sql_for_a_database_administrator(tmp_path: Path) -> None:
    script = run_alembic("-x", "url=postgresql+psycopg://h/d", "upgrade", "head", "--sql")
    assert script.returncode == 0, script.stderr
    assert "CREATE TABLE products" in script.stdout
    assert "INSERT INTO catalog_revision (id, revision) VALUES (1, 0)" in script.stdout
