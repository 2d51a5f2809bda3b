from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

KEY = re.compile(r"sk_([a-z0-9]{8})_[0-9a-f]{64}")


def made(shopsearch, *more: object) -> dict:
    return shopsearch.json("keys", "make", "till 3", "--scope", "search", *more)


def listed(shopsearch) -> dict[str, dict]:
    return {one["id"]: one for one in shopsearch.json("keys", "list")["keys"]}


@pytest.mark.usefixtures("own_database")
def test_a_key_is_shown_once_and_its_secret_is_nowhere_in_the_database(
    shopsearch, home: Path
) -> None:
    key = made(shopsearch, "--scope", "events", "--expires-days", "30")
    assert KEY.fullmatch(key["key"])[1] == key["id"]
    assert (key["name"], key["scopes"], key["state"]) == ("till 3", ["search", "events"], "active")
    secret = key["key"].rsplit("_", 1)[1]
    kept = listed(shopsearch)[key["id"]]
    assert kept == {name: value for name, value in key.items() if name != "key"}
    shown = shopsearch("keys", "list").stdout
    assert key["id"] in shown
    assert secret not in shown
    for file in home.glob("catalog.db*"):
        assert secret.encode() not in file.read_bytes()
        assert bytes.fromhex(secret) not in file.read_bytes()


def test_without_json_the_key_alone_is_on_standard_output(shopsearch) -> None:
    result = shopsearch("keys", "make", "  my\tsite ", "--scope", "admin")
    assert KEY.fullmatch(result.stdout.strip())
    assert "shown once" in result.stderr
    assert [one["name"] for one in listed(shopsearch).values()] == ["my site"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "make", "x"),
        ("keys", "make", "x", "--scope", "everything"),
        ("keys", "make", "", "--scope", "search"),
        ("keys", "make", "x" * 101, "--scope", "search"),
        ("keys", "make", "x", "--scope", "search", "--expires-days", "0"),
        ("keys", "make", "x", "--scope", "search", "--expires-days", "nan"),
        ("keys", "make", "x", "--scope", "search", "--expires-days", "inf"),
        ("keys", "rotate", "x", "--grace-hours", "-1"),
        ("keys", "audit", "--days", "0"),
    ],
)
def test_what_makes_no_key_is_wrong_usage(shopsearch, arguments: tuple[str, ...]) -> None:
    assert shopsearch(*arguments).exit_code == 2


def test_a_key_is_revoked_once_and_for_good(shopsearch) -> None:
    key = made(shopsearch)
    assert shopsearch.json("keys", "revoke", key["id"]) == {"revoked": key["id"]}
    assert listed(shopsearch)[key["id"]]["state"] == "revoked"
    for verb in ("revoke", "rotate"):
        again = shopsearch("keys", verb, key["id"])
        assert again.exit_code == 1
        assert "was revoked at" in again.stderr


def test_a_key_that_is_not_there_is_said_without_its_secret(shopsearch) -> None:
    key = made(shopsearch)
    other = key["key"].replace(key["id"], "zzzzzzzz")
    for verb in ("revoke", "rotate"):
        answer = shopsearch("keys", verb, other)
        assert answer.exit_code == 1
        assert "there is no key 'zzzzzzzz'" in answer.stderr
        assert key["key"].rsplit("_", 1)[1] not in answer.output


def test_a_rotated_key_keeps_its_id_and_gets_another_secret(shopsearch) -> None:
    key = made(shopsearch)
    rotated = shopsearch.json("keys", "rotate", key["key"], "--grace-hours", "2")
    assert rotated["id"] == key["id"]
    assert rotated["key"] != key["key"]
    assert rotated["previous_until"] is not None
    assert len(listed(shopsearch)) == 1
    assert "is good until" in shopsearch("keys", "rotate", key["id"]).stderr
    assert "is good until" not in shopsearch("keys", "rotate", key["id"], "--grace-hours", 0).stderr


@pytest.mark.usefixtures("own_database")
def test_what_is_done_to_keys_is_in_the_audit_log(shopsearch, home: Path) -> None:
    key = made(shopsearch)
    shopsearch("keys", "rotate", key["id"])
    shopsearch("keys", "revoke", key["id"])
    entries = shopsearch.json("keys", "audit")["entries"]
    assert [(one["actor"], one["operation"], one["target"]) for one in entries] == [
        ("command line", f"keys {verb}", key["id"]) for verb in ("revoke", "rotate", "make")
    ]
    assert shopsearch.json("keys", "audit", "--limit", 1)["entries"] == entries[:1]
    assert "keys rotate" in shopsearch("keys", "audit").stdout
    with sqlite3.connect(home / "catalog.db") as connection:
        connection.execute("UPDATE audit_log SET at = '2001-01-01 00:00:00'")
    connection.close()
    assert "Nobody wrote" in shopsearch("keys", "audit").stdout
    with sqlite3.connect(home / "catalog.db") as connection:  # a year is over
        assert connection.execute("SELECT count(*) FROM audit_log").fetchone() == (0,)
    connection.close()


def test_no_key_yet_is_said_with_what_makes_one(shopsearch) -> None:
    assert "keys make" in shopsearch("keys", "list").stdout
    assert shopsearch.json("keys", "list") == {"keys": []}
