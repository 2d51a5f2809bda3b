"""One indexer at a time over all machines that share a PostgreSQL."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.errors import HomeBusy, IndexingLockLost
from shopsearch.index.lock import HomeLocks
from shopsearch.settings import Settings
from shopsearch.store.sql import Database, SqlIndexingLock
from tests.postgresql import hang_up_others

_PRODUCT = Product(product_id="p1", title="A red cup")
HOLDER = """
import sys
from pathlib import Path
from shopsearch.index.lock import HomeLock
from shopsearch.store.sql import Database, SqlIndexingLock
sys.argv = ["/usr/bin/shopsearch", "index", "my products.csv"]
with HomeLock(Path({home!r}), shared=SqlIndexingLock(Database({url!r}))):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def postgres(empty_postgres: Callable[[], str]) -> Iterator[Database]:
    database = Database(empty_postgres())
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def here(postgres: Database, tmp_path: Path) -> HomeLocks:
    """The locks of a machine: another home over the same database."""
    (tmp_path / "here").mkdir()
    return HomeLocks(tmp_path / "here", SqlIndexingLock(postgres))


@pytest.fixture
def there(postgres: Database, tmp_path: Path) -> HomeLocks:
    (tmp_path / "there").mkdir()
    return HomeLocks(tmp_path / "there", SqlIndexingLock(postgres))


@contextmanager
def holder(home: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(home=str(home), url=url)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_second_machine_is_told_who_where_since_when_and_with_which_command(
    here: HomeLocks, tmp_path: Path, postgres_url: str
) -> None:
    with holder(tmp_path / "here", postgres_url) as process:
        elsewhere = HomeLocks(tmp_path, SqlIndexingLock(Database(postgres_url)))
        with pytest.raises(HomeBusy) as refused, elsewhere(0.0):
            pass
        told = str(refused.value)
        assert f"process {process.pid} on host {socket.gethostname()}" in told
        assert "has been indexing over postgresql" in told
        assert "(shopsearch index 'my products.csv')" in told
        assert "run the command again" in told
        process.kill()
        process.wait(10)
        with elsewhere(10.0):  # free as soon as the server has noticed
            pass


def test_it_is_free_after_the_block_and_again_after_it(here: HomeLocks, there: HomeLocks) -> None:
    for _ in range(2):
        with here(), pytest.raises(HomeBusy), there(0.0):
            pass
        with there(0.0) as lock:
            lock.check()


def test_who_was_refused_keeps_neither_lock(here: HomeLocks, there: HomeLocks) -> None:
    with here(), pytest.raises(HomeBusy), there(0.0):
        pass
    with there(0.0), pytest.raises(HomeBusy), here(0.0):
        pass


def test_the_patient_one_waits_for_its_turn(here: HomeLocks, there: HomeLocks) -> None:
    got = threading.Event()

    def wait() -> None:
        with there(20.0):
            got.set()

    waiting = threading.Thread(target=wait)
    with here():
        waiting.start()
        assert not got.wait(0.3)
    assert got.wait(20)
    waiting.join()


def test_a_lost_connection_is_noticed(postgres: Database, here: HomeLocks) -> None:
    with here() as lock:
        lock.check()
        hang_up_others(postgres)
        with pytest.raises(IndexingLockLost, match="run the command again"):
            lock.check()


def test_a_run_that_lost_the_lock_makes_nothing_live(
    postgres: Database, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path / "home", encoder="hashing", database_url=postgres_url, current="database"
    )
    with Services.open(settings) as services:
        drafts = services.indexer._drafts

        def write_one(in_the_end: Callable[[], object] = lambda: None) -> None:
            with drafts.next() as draft:
                draft.upsert(np.arange(1), np.eye(8, dtype=np.float32)[:1], [_PRODUCT])
                in_the_end()

        with pytest.raises(IndexingLockLost):
            write_one(lambda: hang_up_others(postgres))
        assert services.generations.current_id() is None
        write_one()
        assert services.generations.current_id() is not None
