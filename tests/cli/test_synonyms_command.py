"""`shopsearch synonyms`, and what the table of a search says of its words."""

from __future__ import annotations


def test_rules_are_added_listed_and_removed(shopsearch, indexed) -> None:
    added = shopsearch.json("synonyms", "add", "Seat, wooden chair")
    assert added == {"rule": "seat, wooden chair", "outcome": "added"}
    assert shopsearch.json("synonyms", "add", "wooden chair,seat")["outcome"] == "unchanged"
    listed = shopsearch.json("synonyms", "list")
    assert listed == {"synonyms": ["seat, wooden chair"], "revision": 1}
    assert shopsearch.json("search", "seat", "-k", 1)["hits"][0]["product_id"] == "A5"
    assert shopsearch.json("synonyms", "remove", "seat, wooden chair")["outcome"] == "removed"
    assert shopsearch("synonyms", "list").stdout.startswith("There are none yet")


def test_what_is_no_rule_is_refused_with_the_form_of_one(shopsearch, indexed) -> None:
    refused = shopsearch("synonyms", "add", "sofa")
    assert refused.exit_code == 1
    assert "sofa, couch" in refused.stderr
    assert shopsearch("synonyms", "remove", "a, b").exit_code == 1


def test_the_table_says_what_was_searched_for_instead(shopsearch, indexed) -> None:
    assert "showing results for wooden chair" in shopsearch("search", "woodn chair").stdout
    assert "showing results" not in shopsearch("search", "woodn chair", "--as-typed").stdout
