from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from shopsearch.cli import console, logs, progress
from shopsearch.indexing import IndexProgress


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    """A terminal that keeps what is written to it."""
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    monkeypatch.setattr(console, "err", lambda: screen)
    return screen


def test_a_terminal_sees_counts_in_one_line_of_80_columns(terminal: Console) -> None:
    with progress.indexing() as report:
        report(IndexProgress(64, 60, 3, 1, 70, "indexing"))

    shown = terminal.file.getvalue()
    assert "64/70" in shown
    assert "60 indexed, 3 unchanged, 1 rejected" in shown


def test_elsewhere_a_line_is_logged_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure("info", "json", of_rooms="warning")
    now = iter([0.0, 1.0, 6.0, 7.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))

    with progress.indexing() as report:
        for n_read in (10, 60, 65):
            report(IndexProgress(n_read, n_read, 0, 0, 120, "indexing"))

    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == ""
    told = json.loads(line)
    assert (told["event"], told["done"], told["of"]) == ("indexing", 60, 120)
    assert (told["per_s"], told["left_s"]) == (10.0, 6)


def test_no_line_is_logged_where_only_warnings_are_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.configure("warning", "json")
    now = iter([0.0, 6.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))

    with progress.indexing() as report:
        report(IndexProgress(10, 10, 0, 0, None, "indexing"))

    assert capsys.readouterr().err == ""
