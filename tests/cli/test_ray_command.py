"""`index --on ray` where Ray is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopsearch.distributed import cluster

from .conftest import Shopsearch


@pytest.mark.parametrize("command", ["index", "reindex"])
def test_where_ray_is_missing_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, shopsearch: Shopsearch, feed: Path, command: str
) -> None:
    monkeypatch.setattr(cluster, "find_spec", lambda _name: None)
    given = [feed] if command == "index" else []

    result = shopsearch(command, *given, "--on", "ray", "--json")

    assert result.exit_code == 1
    assert "pip install 'shopsearch[ray]'" in result.stderr
    assert not result.stdout
