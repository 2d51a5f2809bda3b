"""What tests of the command line share: a small catalog, and a way to run commands on a home."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from PIL import Image

from shopsearch.cli.commands import cli
from tests.engines import Engines

PRODUCTS = (
    ("A1", "Red mug", "Mugs > Coffee mugs", "Kiln", "12.50 EUR", "red", (200, 30, 30)),
    ("A2", "Blue mug", "Mugs > Tea mugs", "Kiln", "14.00 EUR", "blue", (30, 30, 200)),
    ("A3", "Green lamp", "Lamps", "Lumen", "80.00 EUR", "green", (30, 160, 30)),
    ("A4", "Red lamp", "Lamps", "Lumen", "95.00 EUR", "red", (220, 20, 60)),
    ("A5", "Wooden chair", "Chairs", "", "", "", None),
)
COLUMNS = ("id", "title", "product_type", "brand", "price", "color", "image_link")


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command configures logging for its process; other tests share this one."""
    root, ours = logging.getLogger(), logging.getLogger("shopsearch")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """Five products: four with pictures, one of words alone."""
    folder = tmp_path / "shop"
    folder.mkdir()
    with (folder / "products.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for *fields, rgb in PRODUCTS:
            picture = f"{fields[0]}.png" if rgb else ""
            if rgb:
                Image.new("RGB", (40, 30), rgb).save(folder / picture)
            rows.writerow([*fields, picture])
    return folder / "products.csv"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home folder that `shopsearch` works on."""
    return tmp_path / "home"


class Shopsearch:
    """The command line over one home folder, with the hashing encoder, in this process."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: object) -> Result:
        # an exception that the command line does not answer is a failure of the test
        return CliRunner(catch_exceptions=False).invoke(
            cli, ["--home", str(self._home), *map(str, arguments)]
        )

    def json(self, *arguments: object, exit_code: int = 0) -> Any:
        """The one document on standard output; fails where there is anything else."""
        result = self(*arguments, "--json")
        assert result.exit_code == exit_code, result.output
        return json.loads(result.stdout)


@pytest.fixture
def on_engines(monkeypatch: pytest.MonkeyPatch, engines: Engines) -> Iterator[None]:
    """Commands of this test, in this process and in others, are over the chosen engines."""
    with engines.environment(monkeypatch):
        yield


@pytest.fixture
def shopsearch(home: Path, monkeypatch: pytest.MonkeyPatch, on_engines: None) -> Shopsearch:
    """Runs a command and gives its result."""
    monkeypatch.setenv("SHOPSEARCH_ENCODER", "hashing")
    return Shopsearch(home)


@pytest.fixture
def indexed(shopsearch: Shopsearch, feed: Path) -> dict[str, Any]:
    """The catalog indexed; what the run said."""
    return shopsearch.json("index", feed)
