"""`shopsearch search`: what it says of the words, and how to have them taken for words alone."""

from __future__ import annotations

import pytest


def test_the_table_says_what_was_understood(shopsearch, indexed) -> None:
    shown = shopsearch("search", "red lamp under 90").stdout
    assert "understood: color red; category lamp; price under 90 (filter)" in shown
    none_left = shopsearch("search", "lamp under 1").stdout
    assert "price under 1 (no filter, as it would leave no product)" in none_left


def test_an_explanation_tells_what_was_wished(shopsearch, indexed) -> None:
    explained = shopsearch("search", "red lamp", "-k", 5, "--why").stdout
    assert "wished" in explained
    assert "understood 0." in explained


@pytest.mark.parametrize(
    "option",
    [("--no-understanding",), ("--literal", "UNDER 90", "--literal", "red", "--literal", "lamp")],
)
def test_words_can_be_words_alone(shopsearch, indexed, option: tuple[str, ...]) -> None:
    document = shopsearch.json("search", "red lamp under 90", *option)
    assert "understood" not in document
    assert document["total"] == 5


def test_the_setting_turns_it_off(shopsearch, indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shopsearch.json("search", "red lamp under 90")["total"] == 3
    monkeypatch.setenv("SHOPSEARCH_UNDERSTAND", "false")
    assert shopsearch.json("search", "red lamp under 90")["total"] == 5
