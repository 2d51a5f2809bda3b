from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

from shopsearch.demo import drawn, vendure
from shopsearch.demo.vendure import DemoCatalog
from shopsearch.errors import DemoUnavailable
from shopsearch.server import serving
from shopsearch.settings import Settings


@pytest.fixture(autouse=True)
def few_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drawn shop in small: drawing all of it takes seconds."""
    monkeypatch.setattr(drawn, "draw_shop", functools.partial(drawn.draw_shop, n_products=6))


@pytest.fixture
def npm_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path) -> DemoCatalog:
        raise DemoUnavailable("npm is not installed")

    monkeypatch.setattr(vendure, "fetch_vendure", refuse)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that servers were started with; none listens."""
    started: list[Settings] = []

    def serve(settings: Settings, announce=None) -> None:
        started.append(settings)
        announce("http://127.0.0.1:8123")

    monkeypatch.setattr(serving, "serve", serve)
    return started


@pytest.mark.usefixtures("npm_is_missing")
def test_without_npm_the_demo_says_why_and_draws_a_shop(shopsearch, home: Path) -> None:
    result = shopsearch("demo", "--no-serve")

    assert result.exit_code == 0
    assert "npm is not installed" in result.stderr
    assert "drawn shop" in result.stderr
    assert "indexed 6" in " ".join(result.stdout.split())
    assert shopsearch.json("--home", home / "demo", "search", "mug")["total"] == 6


@pytest.mark.usefixtures("npm_is_missing")
def test_the_real_photos_asked_for_by_name_are_not_replaced_silently(shopsearch) -> None:
    result = shopsearch("demo", "--no-serve", "--catalog", "vendure")

    assert result.exit_code == 1
    assert "npm is not installed" in result.stderr


def test_the_demo_says_where_its_catalog_came_from_and_under_which_licence(
    shopsearch, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from shopsearch.catalog import FieldMapping

    shop = DemoCatalog(feed, FieldMapping(), "npm package somewhere 1.0", "GPL-3.0")
    monkeypatch.setattr(vendure, "fetch_vendure", lambda _folder: shop)

    shown = shopsearch("demo", "--no-serve").stdout

    assert "npm package somewhere 1.0" in shown
    assert "GPL-3.0" in shown
    assert "indexed 5" in " ".join(shown.split())


def test_the_demo_keeps_apart_from_a_catalog_of_ones_own(shopsearch, indexed) -> None:
    shopsearch("demo", "--no-serve", "--catalog", "drawn")

    assert shopsearch.json("search", "mug")["total"] == 5


def test_the_demo_is_served_at_the_address_asked_for(
    shopsearch, home: Path, served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced_by: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: replaced_by.append(command))

    shopsearch("demo", "--catalog", "drawn", "--port", 8123)

    _python, _m, program, *words = replaced_by[0]
    result = shopsearch(*words)
    assert program == "shopsearch"
    assert (served[0].home, served[0].port) == (home / "demo", 8123)
    assert "open http://127.0.0.1:8123 in a browser" in result.stdout


def test_serve_takes_its_address_from_options_before_the_environment(
    shopsearch, home: Path, served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSEARCH_PORT", "9000")
    monkeypatch.setenv("SHOPSEARCH_HOST", "0.0.0.0")  # noqa: S104 - nothing listens here

    shopsearch("serve", "--port", 8123)
    shopsearch("serve")

    assert [(s.home, s.host, s.port) for s in served] == [
        (home, "0.0.0.0", 8123),  # noqa: S104
        (home, "0.0.0.0", 9000),  # noqa: S104
    ]
