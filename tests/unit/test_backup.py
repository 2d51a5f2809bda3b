"""A backup is consistent whatever goes on meanwhile; a restore is complete or has not happened."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from shopsearch.bootstrap import Services
from shopsearch.domain import EVERYTHING, Product, Query
from shopsearch.errors import BackupError, HomeBusy, ShopsearchError
from shopsearch.index.generations import Generations
from shopsearch.index.lock import HomeLock
from shopsearch.settings import Settings
from shopsearch.store.catalog_file import SqlCatalogFile
from shopsearch.upkeep.archive import unpack
from shopsearch.upkeep.restore import RestoreService

from .conftest import listed


@pytest.fixture
def shop(services: Services, mugs: tuple[Product, ...]) -> Services:
    services.indexer.run(listed(*mugs), feed_name="mugs")
    return services


@pytest.fixture
def backup(shop: Services, tmp_path: Path) -> Path:
    shop.backup.write(tmp_path / "mugs.tar")
    return tmp_path / "mugs.tar"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Services]:
    with Services(Settings(home=tmp_path / "other", encoder="hashing", batch_size=8)) as opened:
        yield opened


def ids_of(services: Services) -> set[str]:
    """The products that the index and the store have in common."""
    keys = services.live.get().index.fields.matching(EVERYTHING).tolist()
    return {stored.product.product_id for stored in services.store.fetch(keys).values()}


def assert_whole(home: Path, n_products: int) -> None:
    with Services(Settings(home=home, encoder="hashing")) as fresh:
        assert [f for result in fresh.verifier.run() for f in result.shown] == []
        index = fresh.live.get().index
        keys = index.fields.matching(EVERYTHING)
        assert len(keys) == fresh.store.count() == n_products
        found = index.search(index.fetch(keys), 1)
        assert found.scores[:, 0].min() > 0.9999
        assert set(found.keys[:, 0].tolist()) <= set(keys.tolist())


def test_a_backup_restores_into_an_empty_home_as_it_was(
    shop: Services, backup: Path, other: Services
) -> None:
    restored = other.restore.restore(backup)
    assert (restored.card.products, restored.n_pictures, restored.replaced) == (6, 3, False)
    assert other.live.get().manifest == shop.live.get().manifest
    assert ids_of(other) == ids_of(shop)
    for product_id in ids_of(shop):
        assert other.store.find([product_id]) == shop.store.find([product_id])
    assert_whole(other.settings.home, 6)


def test_a_backup_without_pictures_leaves_them_to_their_sources(
    shop: Services, tmp_path: Path, other: Services
) -> None:
    shop.backup.write(tmp_path / "b.tar", pictures=False)
    assert other.restore.restore(tmp_path / "b.tar").n_pictures == 0
    assert other.repairer.run().done["pictures_remade"] == 3
    assert_whole(other.settings.home, 6)


def test_a_backup_of_a_home_without_an_index_has_none(
    services: Services, tmp_path: Path, other: Services
) -> None:
    card = services.backup.write(tmp_path / "b.tar").card
    assert (card.generation, card.products) == (None, 0)
    other.restore.restore(tmp_path / "b.tar")
    assert other.store.count() == 0


def test_a_backup_taken_while_one_indexes_and_another_searches_is_consistent(
    services: Services, tmp_path: Path
) -> None:
    products = [Product(product_id=f"p{n}", title=f"Mug number {n}") for n in range(90)]
    services.indexer.run(listed(*products[:30]), feed_name="first")
    stop, wrong = threading.Event(), list[BaseException]()

    def index() -> None:
        for begin in range(30, 90, 4):
            services.indexer.run(listed(*products[begin : begin + 4]), feed_name="more")
            services.indexer.remove([f"p{begin - 30}"])

    def search() -> None:
        while not stop.is_set():
            assert services.search.search(Query(text="mug")).hits

    def noting(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - told by the assertion below
                wrong.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    indexing, searching = noting(index), noting(search)
    cards = []
    while indexing.is_alive():
        path = tmp_path / f"{len(cards)}.tar"
        cards.append((path, services.backup.write(path).card))
    stop.set()
    indexing.join()
    searching.join()
    assert wrong == []
    assert len({card.store_revision for _, card in cards}) > 1  # it did go on meanwhile
    for n, (path, card) in enumerate(cards[:: max(1, len(cards) // 3)]):
        home = tmp_path / f"home-{n}"
        with Services(Settings(home=home, encoder="hashing")) as restored:
            restored.restore.restore(path)
            report = restored.indexer.remove(())  # as the command does: it catches up
            assert (report.texts_encoded, report.images_encoded) == (0, 0)
        assert_whole(home, card.products)


def test_a_running_server_follows_a_restore_and_never_meets_half_of_it(
    shop: Services, backup: Path
) -> None:
    """Its connections stay open, its generation in memory: as those of a server would."""
    shop.indexer.remove(["red", "blue"])
    before = shop.store.revision()
    assert "red" not in {
        hit.product.product_id for hit in shop.search.search(Query(text="mug")).hits
    }
    with Services(shop.settings) as command, shop.database.reading() as request:
        n_products = "SELECT count(*) FROM products"
        assert request.exec_driver_sql(n_products).scalar_one() == 4
        command.restore.restore(backup, force=True)
        assert request.exec_driver_sql(n_products).scalar_one() == 4  # to the end of its block
        command.indexer.remove(())
    assert {hit.product.product_id for hit in shop.search.search(Query(text="mug")).hits} >= {"red"}
    assert shop.live.trouble == ""
    assert shop.store.revision() > before  # whoever follows revisions sees a change
    assert shop.generations.ids() == [shop.generations.current_id()]
    assert_whole(shop.settings.home, 6)


def test_a_key_given_after_the_backup_is_not_given_again_after_the_restore(
    shop: Services, backup: Path
) -> None:
    shop.indexer.run(listed(Product(product_id="later", title="Later")), feed_name="later")
    later = shop.store.find(["later"])["later"].key
    shop.restore.restore(backup, force=True)
    shop.indexer.run(listed(Product(product_id="again", title="Again")), feed_name="again")
    assert shop.store.find(["again"])["again"].key > later
    assert_whole(shop.settings.home, 7)


def test_a_home_that_is_not_empty_is_replaced_only_by_force(shop: Services, backup: Path) -> None:
    generation = shop.generations.current_id()
    with pytest.raises(BackupError, match="--force"):
        shop.restore.restore(backup)
    assert shop.generations.current_id() == generation


def test_a_home_with_a_database_that_is_none_can_be_restored(shop: Services, backup: Path) -> None:
    shop.close()
    for path in shop.settings.home.glob("catalog.db*"):
        path.unlink()
    (shop.settings.home / "catalog.db").write_bytes(b"spoilt" * 1000)
    with Services(shop.settings) as fresh:
        fresh.restore.restore(backup, force=True)
    assert_whole(shop.settings.home, 6)


def test_a_restore_waits_for_nobody_who_is_indexing(shop: Services, backup: Path) -> None:
    with HomeLock(shop.settings.home), pytest.raises(HomeBusy):
        shop.restore.restore(backup, force=True)


STEPS = [
    (SqlCatalogFile, "check"),
    (SqlCatalogFile, "keep_aside"),
    (SqlCatalogFile, "replace"),
    (Generations, "load"),
    (Generations, "rollback"),
]


@pytest.mark.parametrize("at", STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("late", [False, True])
def test_whatever_step_of_a_restore_fails_the_old_catalog_is_there_as_before(
    shop: Services,
    backup: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: tuple[type, str],
    late: bool,
) -> None:
    where, step = at
    shop.indexer.remove(["red"])
    before = (shop.generations.current_id(), sorted(shop.generations.ids()), shop.store.revision())
    true_step = getattr(where, step)

    def failing(self: object, *arguments: object) -> None:
        if late:
            true_step(self, *arguments)
        raise OSError("the disk has had enough")

    with Services(shop.settings) as command, monkeypatch.context() as patched:
        patched.setattr(where, step, failing)
        with pytest.raises((BackupError, OSError), match="had enough"):
            command.restore.restore(backup, force=True)
    assert before == (
        shop.generations.current_id(),
        sorted(shop.generations.ids()),
        shop.store.revision(),
    )
    assert ids_of(shop) == {"blue", "green", "lamp", "picture", "sofa"}
    assert_whole(shop.settings.home, 5)


@pytest.mark.parametrize("last", ["replace", "rollback"])
def test_a_restore_that_is_killed_leaves_a_home_that_can_be_built_anew(
    shop: Services, backup: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    shop.indexer.remove(["red"])
    where = SqlCatalogFile if last == "replace" else Generations
    true_step = getattr(where, last)

    class Killed(BaseException):
        pass

    def killed(self: object, *arguments: object) -> None:
        if last == "replace":
            true_step(self, *arguments)
        raise Killed

    with Services(shop.settings) as command, monkeypatch.context() as patched:
        patched.setattr(where, last, killed)
        patched.setattr(RestoreService, "_undo", lambda *_: None)  # nobody is left to do it
        patched.setattr("shopsearch.upkeep.restore.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            command.restore.restore(backup, force=True)
    told = [f for result in shop.verifier.run() for f in result.shown]
    assert any(".before-restore" in fault.subject for fault in told)
    shop.indexer.reindex()
    assert "red" in ids_of(shop)  # the database of the backup was in place already
    shop.restore.restore(backup, force=True)
    assert_whole(shop.settings.home, 6)


def test_a_backup_that_cannot_be_written_leaves_no_half(
    shop: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "b.tar").write_bytes(b"the backup of yesterday")
    folder = shop.generations.folder(str(shop.generations.current_id()))
    (folder / "keys.npy").write_bytes(b"spoilt")
    there = sorted(tmp_path.iterdir())
    with pytest.raises(BackupError, match=r"keys\.npy.*verify --repair"):
        shop.backup.write(tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_bytes() == b"the backup of yesterday"
    assert sorted(tmp_path.iterdir()) == there
    with pytest.raises(BackupError, match="cannot be written"):
        shop.backup.write(tmp_path / "nowhere" / "b.tar")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=strategies.floats(0, 0.99999), bit=strategies.integers(0, 7), cut=strategies.booleans())
def test_a_damaged_or_truncated_backup_is_refused_before_anything_is_touched(
    backup: Path, at: float, bit: int, cut: bool
) -> None:
    content = bytearray(backup.read_bytes())
    with tarfile.open(backup) as tar:
        last = tar.getmembers()[-1]
    end = last.offset_data + last.size  # what follows is padding
    place = int(at * end)
    damaged = content[:place] if cut else content
    if not cut:
        damaged[place] ^= 1 << bit
    path = backup.with_name("damaged.tar")
    path.write_bytes(damaged)
    home = backup.with_name("fresh")
    with Services(Settings(home=home, encoder="hashing")) as fresh:
        try:
            fresh.restore.restore(path)
        except ShopsearchError as error:
            assert str(path) in str(error)  # noqa: PT017 - some flips hit padding or unused fields
            assert {one.name for one in home.iterdir()} <= {"indexing.lock"}
        else:
            assert_whole(home, 6)
    for one in sorted(home.rglob("*"), reverse=True):
        one.rmdir() if one.is_dir() else one.unlink()


def member(name: str, content: bytes = b"x", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.size = len(content)
    for field, value in fields.items():
        setattr(made, field, value)
    return made, content


CARD = member("backup.json", b"{}")


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil")],
        [CARD, member("/etc/evil")],
        [CARD, member("images/../../evil.jpg")],
        [CARD, member("catalog.db", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
        [CARD, member("catalog.db", b"", type=tarfile.LNKTYPE, linkname="backup.json")],
        [CARD, member("catalog.db", b"", type=tarfile.CHRTYPE)],
        [CARD, member("catalog.db", b"", type=tarfile.FIFOTYPE)],
        [CARD, member("generations", b"", type=tarfile.DIRTYPE)],
        [CARD, member("CURRENT")],
        [CARD, member("generations/20260101T000000000-0000/../../x")],
        [CARD, member("catalog.db"), member("catalog.db")],
        [member("catalog.db")],
        [CARD],
        [CARD, member("SHA256SUMS"), member("catalog.db")],
        [CARD, member("SHA256SUMS", b"0  backup.json\n")],
        [member("backup.json", b" " * 200_000)],
        [],
    ],
)
def test_a_hostile_archive_is_refused_and_writes_nothing_outside(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    path = tmp_path / "hostile.tar"
    with tarfile.open(path, "w") as tar:
        for made, content in members:
            tar.addfile(made, io.BytesIO(content))
    folder = tmp_path / "inside" / "folder"
    folder.mkdir(parents=True)
    with pytest.raises(BackupError, match=r"hostile\.tar"):
        list(unpack(path, folder))
    assert {one.name for one in tmp_path.rglob("*") if one.is_file()} <= {
        "hostile.tar",
        "backup.json",
        "catalog.db",
        "SHA256SUMS",
        "sums",
    }
    assert not any(one.is_symlink() for one in tmp_path.rglob("*"))


def rewritten(backup: Path, **changes: object) -> Path:
    """The backup with another card; the checksums are not reached."""
    path = backup.with_name("rewritten.tar")
    with tarfile.open(backup) as source, tarfile.open(path, "w") as target:
        for one in source:
            content = source.extractfile(one).read()  # type: ignore[union-attr]
            if one.name == "backup.json":
                content = json.dumps(json.loads(content) | changes).encode()
                one.size = len(content)
            target.addfile(one, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "9999"}, "schema 9999.*upgrade shopsearch"),
        ({"format": 2}, "format 2.*upgrade shopsearch"),
        ({"schema": None}, "database server"),
        ({"surprise": 1}, "not as it should be"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused_by_its_card(
    backup: Path, other: Services, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(BackupError, match=message):
        other.restore.restore(rewritten(backup, **changes))


def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    backup: Path, other: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated = []
    check = SqlCatalogFile.check

    def watched(self: SqlCatalogFile, copy: Path) -> None:
        check(self, copy)
        with closing(sqlite3.connect(copy)) as database:
            migrated.append(database.execute("SELECT version_num FROM alembic_version").fetchone())

    monkeypatch.setattr(SqlCatalogFile, "check", watched)
    other.restore.restore(backup)
    assert migrated == [(other.catalog_file.newest_schema,)]
