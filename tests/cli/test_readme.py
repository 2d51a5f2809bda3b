"""The README's first commands, run as a newcomer runs them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

PROJECT = Path(__file__).resolve().parents[2]
# make would install into .venv; this environment has everything already
INSTALLED = (
    f"VENV={sys.prefix}",
    *("-o", f"{sys.prefix}/.installed"),
    *("-o", f"{sys.prefix}/.installed-dev"),
)
ADDRESS = re.compile(r"http://[\d.]+:\d+")


def first_commands() -> list[list[str]]:
    """The words of each line of the first code block."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```bash\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True) for line in block[1].splitlines()]


@pytest.fixture(autouse=True)
def newcomer(tmp_path: Path, feed: Path, monkeypatch: pytest.MonkeyPatch, on_engines: None) -> None:
    """A folder with a catalog in it, and a model that loads at once."""
    shutil.copytree(feed.parent, tmp_path, dirs_exist_ok=True)
    feed.rename(tmp_path / "catalog.csv")
    monkeypatch.setenv("SHOPSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SHOPSEARCH_ENCODER", "hashing")
    monkeypatch.setenv("SHOPSEARCH_PORT", "0")


def as_run_here(words: list[str]) -> list[str]:
    """The same command in this environment."""
    if words[0] == "make":
        return ["make", "-C", str(PROJECT), *INSTALLED, *words[1:]]
    return [words[0].replace(".venv", sys.prefix), *words[1:]]


def test_the_first_five_commands_are_the_ones_tested_here() -> None:
    assert [words[:2] for words in first_commands()] == [
        ["make", "demo"],
        ["make", "test"],
        [".venv/bin/shopsearch", "index"],
        [".venv/bin/shopsearch", "search"],
        [".venv/bin/shopsearch", "serve"],
    ]


@pytest.mark.slow
def test_make_demo_indexes_a_shop_and_serves_its_page() -> None:
    # the drawn shop: tests ask nothing of the network
    command = [*as_run_here(first_commands()[0]), "CATALOG=drawn", "PORT=0"]

    with serving(command) as address, urlopen(address) as answer:
        assert answer.status == 200
        assert b"shopsearch" in answer.read().lower()


def test_make_test_runs_pytest() -> None:
    command = [*as_run_here(first_commands()[1]), "--dry-run"]

    planned = subprocess.run(command, capture_output=True, text=True, check=True)

    assert f"{sys.prefix}/bin/python -m pytest" in planned.stdout


@pytest.mark.slow
def test_a_catalog_of_ones_own_is_indexed_searched_and_served() -> None:
    index, search, serve = (as_run_here(words) for words in first_commands()[2:])

    assert (
        "indexed    5" in subprocess.run(index, capture_output=True, text=True, check=True).stdout
    )
    found = subprocess.run(search, capture_output=True, text=True, check=True)
    assert "5 of 5 products" in found.stdout
    with serving(serve) as address, urlopen(f"{address}/api/v1/search?q=red+mug") as answer:
        assert b"Red mug" in answer.read()


def test_the_python_examples_print_hits(shopsearch, feed: Path, home: Path, monkeypatch) -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    over_http, in_process = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("SHOPSEARCH_HOME", str(home))
    shopsearch.json("index", feed.parent.parent / "catalog.csv")

    check_hits(printed_by(in_process))
    with serving(as_run_here(first_commands()[4])) as address:
        check_hits(printed_by(over_http.replace("http://127.0.0.1:8000", address)))


def printed_by(example: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=True
    ).stdout


def check_hits(printed: str) -> None:
    hits = printed.splitlines()[-5:]  # structlog, unless told otherwise, logs to the same place
    assert [line.split()[0] for line in hits] == ["1", "2", "3", "4", "5"]
    assert "Red mug" in hits[0]


@contextmanager
def serving(command: list[str], limit_s: float = 300) -> Iterator[str]:
    """Start a server, wait until it says its address, stop it as Ctrl-C does."""
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True, env=os.environ
    )
    too_late = threading.Timer(limit_s, os.killpg, (server.pid, signal.SIGKILL))
    too_late.start()
    try:
        assert server.stdout is not None
        yield next(match[0] for line in server.stdout if (match := ADDRESS.search(line)))
        os.killpg(server.pid, signal.SIGINT)
        server.communicate(timeout=30)
    finally:
        too_late.cancel()
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.communicate()
