from __future__ import annotations

import json
from pathlib import Path

import pytest


def ids(page) -> list[str]:
    return [hit["product_id"] for hit in page["hits"]]


def listed(shopsearch) -> dict[str, dict]:
    return {rule["name"]: rule for rule in shopsearch.json("rules", "list")["rules"]}


def test_a_rule_works_from_when_it_is_added_to_when_it_is_removed(shopsearch, indexed) -> None:
    plain = shopsearch.json("search", "red mug")
    added = shopsearch.json("rules", "add", "chair", "--words", "mug", "--pin", "1=A5")
    assert added["warnings"] == []
    assert added["rules"][0]["state"] == "live"

    pinned = shopsearch.json("search", "red mugs", "--why")
    assert ids(pinned)[0] == "A5"
    assert pinned["hits"][0]["why"]["rules"] == [{"rule": "chair", "action": "pin", "position": 1}]
    assert pinned["total"] == plain["total"]

    shopsearch.json("rules", "pause", "chair")
    assert ids(shopsearch.json("search", "red mug")) == ids(plain)
    shopsearch.json("rules", "resume", "chair")
    assert ids(shopsearch.json("search", "red mug"))[0] == "A5"

    assert shopsearch.json("rules", "remove", "chair") == {"removed": ["chair"]}
    assert ids(shopsearch.json("search", "red mug")) == ids(plain)
    changes = [
        (one["version"], one["change"])
        for one in shopsearch.json("rules", "history", "chair")["versions"]
    ]
    assert changes == [(1, "added"), (2, "changed"), (3, "changed"), (4, "removed")]


def test_a_list_tells_versions_and_states(shopsearch) -> None:
    shopsearch("rules", "add", "old", "--hide", "A1", "--until", "2020-01-01T00:00Z")
    shopsearch("rules", "add", "new", "--hide", "A1", "--from", "2999-01-01T00:00+01:00")
    shopsearch("rules", "add", "off", "--hide", "A1", "--paused")
    shopsearch("rules", "add", "off", "--hide", "A2", "--paused", "--replace")

    rules = listed(shopsearch)
    states = {name: (rule["state"], rule["version"]) for name, rule in rules.items()}
    assert states == {"old": ("ended", 1), "new": ("waiting", 1), "off": ("paused", 2)}
    assert rules["new"]["from"] == "2998-12-31T23:00:00+00:00"
    table = shopsearch("rules", "list").stdout
    assert all(word in table for word in ("old", "waiting", "hides A2", "until 2020-01-01"))


def test_a_list_of_no_rules_says_how_to_add_one(shopsearch) -> None:
    assert "shopsearch rules add" in shopsearch("rules", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bad name", "--hide", "A1"], "is no name"),
        (["x"], "does nothing"),
        (["x", "--pin", "0=A1"], "position 0"),
        (["x", "--pin", "A1"], "POSITION=ID"),
        (["x", "--pin", "1=A1", "--pin", "1=A2"], "the position 1 is there twice"),
        (["x", "--pin", "1=A1", "--pin", "2=A1"], "the product 'A1' is there twice"),
        (["x", "--pin", "1=A1", "--hide", "A1"], "pinned by the same rule"),
        (["x", "--boost", "brand=a", "--boost-by", "1"], "above 1"),
        (["x", "--boost", "brand=a", "--boost-by", "nan"], "above 1"),
        (["x", "--boost", "brand=a", "--bury", "brand=A"], "boosted by the same rule"),
        (["x", "--boost", "brand"], "--boost"),
        (["x", "--hide", "A1", "--from", "2026-01-01"], "time zone"),
        (["x", "--hide", "A1", "--until", "tomorrow"], "time zone"),
        (["x", "--hide", "A1", "--words", "!?"], "neither letter nor digit"),
        (["x", "--hide", "A1", "--pattern", "*" * 300], "the limit is 200"),
        (
            ["x", "--hide", "A", "--from", "2026-01-02T00:00Z", "--until", "2026-01-01T00:00Z"],
            "not after",
        ),
    ],
)
def test_a_rule_that_cannot_be_followed_is_wrong_usage(shopsearch, arguments, told) -> None:
    result = shopsearch("rules", "add", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert told in " ".join(result.stderr.split())
    assert listed(shopsearch) == {}


def test_a_name_that_is_there_and_one_that_is_not_are_failures(shopsearch) -> None:
    shopsearch("rules", "add", "x", "--hide", "A1")
    twice = shopsearch("rules", "add", "x", "--hide", "A2")
    assert (twice.exit_code, listed(shopsearch)["x"]["hide"]) == (1, ["A1"])
    assert "'x' already" in twice.stderr
    for command in ("remove", "pause", "resume"):
        unknown = shopsearch("rules", command, "x", "nobody")
        assert unknown.exit_code == 1
        assert "'nobody'" in unknown.stderr
    assert shopsearch("rules", "history", "nobody").exit_code == 1
    assert listed(shopsearch)["x"]["version"] == 1


def test_an_unknown_product_is_a_warning(shopsearch, indexed) -> None:
    result = shopsearch("rules", "add", "x", "--pin", "1=later=or=never")
    assert (result.exit_code, listed(shopsearch)["x"]["pins"][0]["product_id"]) == (
        0,
        "later=or=never",
    )
    assert "'later=or=never'" in result.stderr


def test_a_proposed_rule_is_shown_and_changes_nothing(shopsearch, indexed) -> None:
    plain = ids(shopsearch.json("search", "red mug"))
    shown = shopsearch.json("rules", "test", "red mug", "--pin", "1=A5", "--hide", plain[1])

    assert ids(shown["before"]) == plain
    assert ids(shown["after"]) == ["A5", plain[0], *[x for x in plain[2:] if x != "A5"]]
    assert shown["after"]["total"] == shown["before"]["total"] - 1
    moves = {one["product_id"]: (one["before"], one["after"]) for one in shown["moves"]}
    assert moves["A5"] == (plain.index("A5") + 1, 1)
    assert moves[plain[1]] == (2, None)
    assert shown["rules"] == ["proposed"]
    assert listed(shopsearch) == {}
    assert ids(shopsearch.json("search", "red mug")) == plain


def test_paused_and_future_rules_can_be_tried(shopsearch, indexed) -> None:
    pin = ["--pin", "1=A5"]
    shopsearch("rules", "add", "off", "--paused", "--until", "2998-01-01T00:00Z", *pin)
    shopsearch("rules", "add", "new", "--from", "2999-01-01T00:00Z", *pin)

    def met(*arguments: str) -> tuple[list[str], bool]:
        shown = shopsearch.json("rules", "test", "red mug", *arguments)
        return shown["rules"], ids(shown["after"])[0] == "A5"

    assert met() == ([], False)
    assert met("--include-paused") == (["off"], True)
    assert met("--at", "2999-02-01T00:00Z") == (["new"], True)


def test_a_test_for_people_marks_what_moved(shopsearch, indexed) -> None:
    table = shopsearch("rules", "test", "red mug", "--pin", "1=A5", "--hide", "A1").stdout
    assert "pinned to 1 by proposed" in table
    assert "up " in table
    assert "no longer on this page" in table
    assert "5 products before, 4 after; rules: proposed" in table


def test_a_test_by_filter_alone_lists_what_it_lets_through(shopsearch, indexed) -> None:
    shown = shopsearch.json("rules", "test", "--filter", "brand=Lumen", "--pin", "1=A3")
    assert ids(shown["after"]) == ["A3", "A4"]


def test_conditions_without_an_action_test_nothing(shopsearch, indexed) -> None:
    assert shopsearch("rules", "test", "mug", "--words", "mug").exit_code == 2


def test_rules_travel_as_a_file(shopsearch, tmp_path: Path) -> None:
    shopsearch("rules", "add", "one", "--category", "A > B", "--boost", "price=1..5", "--hide", "z")
    shopsearch("rules", "add", "two", "--pattern", "größe*", "--bury", "color=*", "--paused")
    before = listed(shopsearch)
    file = tmp_path / "rules.json"
    assert shopsearch("rules", "export", file).exit_code == 0
    shopsearch("rules", "remove", "one", "two")

    shopsearch.json("rules", "import", file)
    after = listed(shopsearch)
    unsaid = {"version", "changed_at"}
    assert list(after) == ["one", "two"]
    for name, rule in after.items():
        assert {k: v for k, v in rule.items() if k not in unsaid} == {
            k: v for k, v in before[name].items() if k not in unsaid
        }
    assert shopsearch("rules", "import", file).exit_code == 1
    assert shopsearch("rules", "import", file, "--replace").exit_code == 0


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (
            {"name": "b", "pin": [{"position": 1, "product_id": "A"}]},
            "rule 2",
        ),
        ({"name": "b", "pins": [{"position": 0, "product_id": "A"}]}, "position 0"),
        ({"name": "b", "pins": [{"position": True, "product_id": "A"}]}, "pins[0].position"),
        ({"name": "b", "hide": [1]}, "hide[0]"),
        ({"name": "b", "boost": {"where": [{"field": "price", "min": "a"}]}}, "boost.where[0].min"),
        ({"name": "b", "bury": {"where": [], "factor": 2}}, "bury"),
        ({"name": "b", "hide_where": [{"field": "price", "min": 5, "max": 1}]}, "hide_where[0]"),
        ({"name": "b", "hide_where": [{"any_of": ["x"]}]}, "names no field"),
        ({"name": "b", "hide": ["x"], "from": "soon"}, "from"),
        ({"name": "a", "hide": ["x"]}, "'a' is there twice"),
        ("b", "rule 2"),
    ],
)
def test_of_a_file_with_one_bad_rule_none_is_kept(
    shopsearch, tmp_path: Path, second, told: str
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"rules": [{"name": "a", "hide": ["x"]}, second]}))

    result = shopsearch("rules", "import", file)

    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())
    assert listed(shopsearch) == {}


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"rules": 1}', "\x00"])
def test_a_file_that_holds_no_rules_is_refused(shopsearch, tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.json"
    file.write_text(text)
    assert shopsearch("rules", "import", file).exit_code == 1
