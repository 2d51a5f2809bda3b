"""The lock of a home folder, and what others are told of its holder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shopsearch.errors import HomeBusy, Unwritable
from shopsearch.index.lock import LOCK_FILE, OWNER_FILE, HomeLock

HOLDER = """
import sys
from pathlib import Path
from shopsearch.index.lock import HomeLock
sys.argv = ["/usr/bin/shopsearch", "index", "my products.csv"]
with HomeLock(Path({home!r})):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(home=str(home))],
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


def refusal(home: Path) -> str:
    with pytest.raises(HomeBusy) as refused, HomeLock(home, patience_s=0.0):
        pass
    return str(refused.value)


def rewrite_owner(home: Path, **changes: object) -> None:
    path = home / OWNER_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_second_one_is_told_who_where_since_when_and_with_which_command(
    tmp_path: Path,
) -> None:
    with holder(tmp_path) as process:
        told = refusal(tmp_path)
        assert f"process {process.pid} on host {socket.gethostname()}" in told
        assert f"has been indexing into {tmp_path} for " in told
        assert "(shopsearch index 'my products.csv')" in told
        assert "run the command again" in told


@pytest.mark.parametrize(
    ("ago", "age"),
    [
        (timedelta(seconds=90), "for 90 s"),
        (timedelta(minutes=3, seconds=20), "for 3 min"),
        (timedelta(hours=5, minutes=1), "for 5 h"),
        (timedelta(hours=-1), "for 0 s"),  # the clock was set back
    ],
)
def test_the_age_has_one_unit(tmp_path: Path, ago: timedelta, age: str) -> None:
    with HomeLock(tmp_path):
        rewrite_owner(tmp_path, started_at=(datetime.now(UTC) - ago).isoformat())
        assert age in refusal(tmp_path)


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        assert (tmp_path / OWNER_FILE).exists()
        with HomeLock(tmp_path):
            assert json.loads((tmp_path / OWNER_FILE).read_text())["pid"] == os.getpid()
    assert not (tmp_path / OWNER_FILE).exists()


def test_a_stopped_holder_is_named_as_such(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        told = refusal(tmp_path)
        assert f"`kill -CONT {process.pid}`" in told
        assert f"`kill -KILL {process.pid}`" in told


def test_an_owner_whose_process_is_gone_is_not_blamed_for_the_lock_of_another(
    tmp_path: Path,
) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], check=True, stdout=subprocess.PIPE
    )
    with HomeLock(tmp_path):
        rewrite_owner(tmp_path, pid=int(gone.stdout))
        assert refusal(tmp_path).startswith("another process is indexing")


def test_a_process_that_has_got_the_number_of_a_dead_owner_is_not_blamed(tmp_path: Path) -> None:
    with HomeLock(tmp_path):
        rewrite_owner(tmp_path, pid=os.getppid())  # it lives, but was born at another time
        assert refusal(tmp_path).startswith("another process is indexing")


def test_an_owner_on_another_host_is_believed_as_nothing_can_be_known_of_it(tmp_path: Path) -> None:
    with HomeLock(tmp_path):
        rewrite_owner(tmp_path, pid=999_999_999, host="elsewhere")
        assert "process 999999999 on host elsewhere" in refusal(tmp_path)


@pytest.mark.parametrize(
    "left_behind",
    ["process 4711", "", "[]", '{"pid": 1}', '{"pid": "x", "host": 1}', "\x00" * 40],
)
def test_an_owner_file_that_says_nothing_does_no_harm(tmp_path: Path, left_behind: str) -> None:
    (tmp_path / OWNER_FILE).write_text(left_behind)
    with HomeLock(tmp_path):
        (tmp_path / OWNER_FILE).write_text(left_behind)
        assert refusal(tmp_path).startswith("another process is indexing")
    with HomeLock(tmp_path):
        pass


def test_a_run_goes_on_where_its_owner_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / OWNER_FILE).mkdir()  # in the way, as a full disk would be
    with HomeLock(tmp_path):
        assert refusal(tmp_path).startswith("another process is indexing")


def test_a_folder_that_takes_no_lock_file_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(Unwritable, match=r"cannot be locked.*SHOPSEARCH_HOME"), HomeLock(tmp_path):
        pass
