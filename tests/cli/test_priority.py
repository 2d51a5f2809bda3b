"""Indexing steps back for searches on the same machine."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shopsearch.cli.options import GlobalOptions


def nice_in(home: Path, *, in_background: bool) -> int:
    with GlobalOptions(home=home).services(in_background=in_background):
        return os.getpriority(os.PRIO_PROCESS, 0)


def test_a_command_that_indexes_steps_back_and_none_steps_forward(
    tmp_path: Path, monkeypatch
) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1) as one:  # a priority is that of a thread, and cannot be raised again
        assert one.submit(nice_in, tmp_path, in_background=False).result() == before
        monkeypatch.delenv("SHOPSEARCH_INDEX_NICE")
        assert one.submit(nice_in, tmp_path, in_background=True).result() == max(before, 10)
        monkeypatch.setenv("SHOPSEARCH_INDEX_NICE", "3")
        assert one.submit(nice_in, tmp_path, in_background=True).result() == max(before, 10)
