"""A PostgreSQL of the tests' own: started in a scratch folder, gone when the tests are over."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shopsearch.errors import StoreUnavailable
from shopsearch.store.sql import Database

STARTS_WITHIN_S = 60.0
OWNER = "shopsearch"
NEEDED = ("initdb", "postgres")
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


class CannotStart(Exception):
    """No PostgreSQL can be started here; the message says why."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL that may be wiped: SHOPSEARCH_TEST_POSTGRES_URL, or one of our own.

    Where none can be started its tests are skipped, but never in CI.
    """
    if given := os.environ.get("SHOPSEARCH_TEST_POSTGRES_URL"):
        yield given
        return
    with ExitStack() as running:
        try:
            url = running.enter_context(server())
        except CannotStart as reason:
            if os.environ.get("CI"):
                pytest.fail(str(reason))
            pytest.skip(str(reason))
        yield url


@pytest.fixture
def empty_postgres(postgres_url: str) -> Callable[[], str]:
    """Empties that database at each call, and gives its URL."""

    def emptied() -> str:
        database = Database(postgres_url)
        with database.writing() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        database.close()
        return postgres_url

    return emptied


def hang_up_others(database: Database) -> int:
    """End all sessions but one of this database, as an administrator does; how many."""
    others = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with database.writing() as connection:
        return int(connection.execute(others).scalar_one())


@contextmanager
def server() -> Iterator[str]:
    """Runs a server until the block ends, and gives the URL of its empty database.

    Raises `CannotStart`.
    """
    with _cluster() as cluster, cluster.running():
        yield cluster.url


@contextmanager
def mortal_server() -> Iterator[Cluster]:
    """A cluster that is started and killed by the test; what it commits survives that.

    Raises `CannotStart`.
    """
    with _cluster("synchronous_commit=on") as cluster:
        yield cluster
        if cluster.is_running:
            cluster.kill()


@contextmanager
def _cluster(*further: str) -> Iterator[Cluster]:
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="shopsearch-pg-"))  # short: it is part of a socket's name
    try:
        user = _user()
        if user:
            shutil.chown(folder, user["user"], user["group"])
            programs = _reachable(programs, folder)
        _make_cluster(programs, folder, user)
        yield Cluster(programs, folder, user, (*QUICK, *further))
    finally:
        shutil.rmtree(folder)


class Cluster:
    """The files of a server, and the server while it runs."""

    def __init__(
        self, programs: Path, folder: Path, user: dict[str, Any], settings: Sequence[str]
    ) -> None:
        options = [word for setting in settings for word in ("-c", setting)]
        command = (programs / "postgres", "-D", folder / "data", "-k", folder, *options)
        self._command = [str(word) for word in command]
        self._folder = folder
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://{OWNER}@/postgres?host={folder}"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Returns when it answers. Raises `CannotStart`."""
        log = self._folder / "log"
        with log.open("ab") as written:
            self._process = _started(self._command, self._folder, written, self._user)
        _wait_for(self._process, self.url, log)

    def kill(self) -> None:
        """Immediate shutdown: all sessions die where they are, nothing is written out, and the next
        start recovers from the log as after a crash.
        """
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(STARTS_WITHIN_S)
        self._process = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Until the block ends."""
        try:
            self.start()
            yield
        finally:
            self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)  # "fast": it does not wait for who is connected
        try:
            process.wait(STARTS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _programs() -> Path:
    """The folder of the newest PostgreSQL of the system, else of the package `pgserver`."""
    folders = sorted(Path("/usr/lib/postgresql").glob("[1-9][0-9]/bin"), reverse=True)
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    if (package := find_spec("pgserver")) and package.origin:
        folders.append(Path(package.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if all((folder / program).is_file() for program in NEEDED):
            return folder
    raise CannotStart("there is no PostgreSQL: install it (Debian: postgresql), or pgserver (pip)")


def _user() -> dict[str, Any]:
    """As whom the server runs, in the words of subprocess: it refuses to be run by root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise CannotStart("PostgreSQL refuses root, and there is no user postgres or nobody")


def _reachable(programs: Path, folder: Path) -> Path:
    """The programs where another user can run them: a package may lie in the home of root."""
    package = programs.parents[1]
    if package.name != "pgserver":
        return programs
    for part in (package, package.with_name("pgserver.libs")):  # one finds the other from beside
        if part.is_dir():
            shutil.copytree(part, folder / part.name)
    return folder / package.name / "pginstall" / "bin"


def _make_cluster(programs: Path, folder: Path, user: dict[str, Any]) -> None:
    command = (programs / "initdb", "-D", folder / "data", "-U", OWNER, "--auth=trust")
    options = ("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
    try:
        subprocess.run(
            [*map(str, command), *options],
            cwd=folder,
            check=True,
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN_S,
            **user,
        )
    except (OSError, subprocess.SubprocessError) as error:
        told = getattr(error, "stderr", None) or error
        raise CannotStart(f"{programs}/initdb failed: {told}") from error


def _started(
    command: Sequence[str], folder: Path, log: Any, user: dict[str, Any]
) -> subprocess.Popen[bytes]:
    # in a session of its own: Ctrl-C stops the tests, and they stop the server
    return subprocess.Popen(
        command, cwd=folder, stdout=log, stderr=log, start_new_session=True, **user
    )


def _wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < until:
        database = Database(url)
        try:
            with database.reading() as connection:
                connection.execute(text("SELECT 1"))
        except StoreUnavailable:
            time.sleep(0.1)
        else:
            return
        finally:
            database.close()
    raise CannotStart(f"PostgreSQL did not start: {log.read_text(errors='replace')[-500:]}")
