"""`events` and `privacy`: past events from files, popularity, visitors found and gone."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from shopsearch.bootstrap import Services
from shopsearch.cli.commands import cli
from shopsearch.domain import Event, EventKind
from shopsearch.events.popularity import popularity
from shopsearch.settings import Settings

from .conftest import Shopsearch

NOW = datetime.now(UTC)
VISITOR = "v-5d41402abc4b2a76"


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def a_line(product_id: str = "A1", **changes: object) -> dict[str, object]:
    return {
        "type": "view",
        "product_id": product_id,
        "at": ago(1),
        "visitor_id": VISITOR,
        **changes,
    }


@pytest.fixture
def past(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of JSON lines; what is no object is written as it is."""

    def write(*lines: object, name: str = "past.jsonl") -> Path:
        path = tmp_path / name
        text = "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_past_events_are_imported_once(shopsearch: Shopsearch, past) -> None:
    order = {"type": "purchase", "order_id": "7", "quantity": 2}
    file = past(a_line(), a_line("A2", **order, event_id="mine"), a_line("A1", **order), "")
    told = {"read": 3, "imported": 3, "known": 0, "rejected": 0, "faults": []}
    assert shopsearch.json("events", "import", file) == told
    again = past(a_line("A2", **order, event_id="mine"), a_line("A3"), name="more.jsonl")
    assert shopsearch.json("events", "import", file)["known"] == 3
    assert shopsearch.json("events", "import", again)["imported"] == 1


def test_csv_says_the_same_as_json_lines(shopsearch: Shopsearch, past, tmp_path: Path) -> None:
    bought = a_line("größe 😀", type="purchase", order_id="7", quantity=2)
    file = tmp_path / "past.csv"
    with file.open("w", newline="", encoding="utf-8-sig") as opened:
        rows = csv.DictWriter(opened, [*bought, "rank"], delimiter=";")
        rows.writeheader()
        rows.writerows([bought, a_line()])
    assert shopsearch.json("events", "import", file)["imported"] == 2
    assert shopsearch.json("events", "import", past(bought, a_line()))["known"] == 2


def test_a_bad_line_costs_itself_and_is_told(shopsearch: Shopsearch, past) -> None:
    bad = [
        ("{", "this is no JSON"),
        ("[]", "Input should be"),
        ("[" * 100_000, "this is no JSON"),
        ({}, "`type` must be one of view, click, add_to_cart, purchase"),
        ({**a_line(), "type": "like"}, "`type` must be one of"),
        ({**a_line(), "visitor_id": "anna@shop.example"}, "pseudonym"),
        ({**a_line(), "user": 1}, "there is no `user`"),
        ({**a_line(), "at": ago(400)}, "longer ago than the 365 days"),
        ({**a_line(), "at": ago(-1)}, "lies in the future"),
        ({"type": "view", "product_id": "A1"}, "`at` is missing"),
        ({"type": "view", "at": ago(1)}, "`product_id` is missing"),
        ("x" * 1_100_000, "longer than 1,000,000 characters"),
    ]
    file = past(a_line(), *[line for line, _ in bad], a_line("A2"))
    told = shopsearch.json("events", "import", file, exit_code=3)
    assert (told["read"], told["imported"], told["rejected"]) == (len(bad) + 2, 2, len(bad))
    assert [one["line"] for one in told["faults"]] == list(range(2, len(bad) + 2))
    for fault, (_, reason) in zip(told["faults"], bad, strict=True):
        assert reason in fault["reason"], fault
        assert len(fault["reason"]) < 500


def test_many_bad_lines_are_counted_and_the_first_told(shopsearch: Shopsearch, past) -> None:
    file = past(*[{"type": "?"}] * 150)
    told = shopsearch.json("events", "import", file, exit_code=3)
    assert (told["rejected"], len(told["faults"])) == (150, 100)
    result = shopsearch("events", "import", file)
    assert "150 rejected" in result.stdout
    assert "and 138 more" in result.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"type,product_id,at,user\n", "no `user` in events"),
        (b"type,product_id\nview,A1\n", "lacks the column `at`"),
        ('{"type": "view", "product_id": "größe"}'.encode("latin-1"), "not UTF-8"),
        (b"PK\x03\x04rest", "ZIP"),
        (gzip.compress(b'{"type": "view"}' * 1000)[:-20], "damaged or cut short"),
    ],
    ids=["empty", "strange column", "no column", "Latin-1", "ZIP", "cut short"],
)
def test_a_file_that_cannot_be_read_fails(
    shopsearch: Shopsearch, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "past"
    file.write_bytes(content)
    result = shopsearch("events", "import", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr


def test_standard_input_and_packed_files_are_read(
    shopsearch: Shopsearch, home: Path, tmp_path: Path
) -> None:
    line = json.dumps(a_line()).encode()
    (tmp_path / "past.gz").write_bytes(gzip.compress(line))
    assert shopsearch.json("events", "import", tmp_path / "past.gz")["imported"] == 1
    arguments = ["--home", str(home), "events", "import", "-", "--json"]
    result = CliRunner().invoke(cli, arguments, input=line)
    assert json.loads(result.stdout)["known"] == 1


def test_old_events_are_pruned(shopsearch: Shopsearch, past) -> None:
    shopsearch("events", "import", past(a_line(at=ago(20)), a_line(at=ago(2))))
    assert shopsearch.json("events", "prune", "--days", 10) == {"deleted": 1, "days": 10}
    assert shopsearch.json("events", "prune") == {"deleted": 0, "days": 365}
    assert "1 event is deleted" in shopsearch("events", "prune", "--days", 0).stdout


def test_what_is_kept_of_a_visitor_is_printed_and_erased(shopsearch: Shopsearch, past) -> None:
    order = {"type": "purchase", "order_id": "order 7"}
    mine = [a_line("A1", **order, event_id="e1", at=ago(2)), a_line("A2", event_id="e2")]
    shopsearch("events", "import", past(*mine, a_line("A3", visitor_id="other")))
    result = shopsearch("privacy", "export", VISITOR)
    told = json.loads(result.stdout)
    assert (told["visitor_id"], told["kept_for_days"]) == (VISITOR, 365)
    view, bought = told["events"]
    assert view == {
        "event_id": "e2",
        "type": "view",
        "product_id": "A2",
        "at": ago(1),
        "quantity": 1,
    }
    assert (bought["type"], len(bought["basket"])) == ("purchase", 32)
    assert "order 7" not in result.stdout
    assert shopsearch.json("privacy", "erase", VISITOR) == {"erased": 2}
    assert json.loads(shopsearch("privacy", "export", VISITOR).stdout)["events"] == []
    assert "0 events are erased" in shopsearch("privacy", "erase", VISITOR).stdout
    assert len(json.loads(shopsearch("privacy", "export", "other").stdout)["events"]) == 1


def first_by_popularity(shopsearch: Shopsearch) -> list[str]:
    hits = shopsearch.json("search", "--filter", "product_type=Mugs", "--sort", "popularity")[
        "hits"
    ]
    return [hit["product_id"] for hit in hits]


def test_what_is_bought_comes_first_by_popularity(
    shopsearch: Shopsearch, indexed: dict[str, Any], past, tmp_path: Path
) -> None:
    assert first_by_popularity(shopsearch) == ["A2", "A1"]  # the newest first
    shopsearch("events", "import", past(a_line("A1", type="purchase"), a_line("A2"), a_line("?")))
    changes = tmp_path / "popular.jsonl"
    told = shopsearch.json("events", "popularity", "--out", changes)
    assert told == {"file": str(changes), "days": 30, "products": 3, "written": 2}
    report = shopsearch.json("index", changes)
    assert (report["indexed"], report["rejected"], report["images_encoded"]) == (2, [], 0)
    assert first_by_popularity(shopsearch) == ["A1", "A2"]
    assert shopsearch.json("search", "red mug")["hits"][0]["title"] == "Red mug"

    shopsearch("events", "prune", "--days", 0)
    shopsearch("events", "import", past(a_line("A2", type="purchase")))
    assert shopsearch.json("events", "popularity", "--out", changes)["written"] == 2
    shopsearch("index", changes)
    assert first_by_popularity(shopsearch) == ["A2", "A1"]  # A1 has lost all of its own
    assert shopsearch.json("events", "popularity", "--out", changes)["written"] == 0


def test_popularity_is_told_as_a_table(shopsearch: Shopsearch, past, tmp_path: Path) -> None:
    shopsearch("events", "import", past(a_line("A1", at=ago(0)), a_line('"q",', type="purchase")))
    out = tmp_path / "popular.csv"
    shopsearch.json("events", "popularity", "--days", 4, "--out", out)
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["product_id", "popularity"]
    assert [row[0] for row in rows[1:]] == ['"q",', "A1"]
    assert rows[2] == ["A1", "1"]
    assert shopsearch("events", "popularity", "--out", tmp_path / "x.txt").exit_code == 2


def test_popularity_fades_by_half_in_half_of_the_days(home: Path) -> None:
    with Services.open(Settings(home=home, encoder="hashing")) as services:
        kinds = enumerate(EventKind)
        services.events.write(
            [
                Event(
                    event_id=f"{kind} {days}",
                    kind=kind,
                    product_id=f"{kind} {days}",
                    at=NOW - timedelta(days=days, minutes=1),
                )
                for _, kind in kinds
                for days in (0, 5, 9, 10, 11)
            ]
        )
        scores = popularity(services.events, NOW, 10)
    assert len(scores) == 12  # what is 10 days ago does not count
    weights = {"view": 1, "click": 2, "add_to_cart": 5, "purchase": 10}
    for kind, weight in weights.items():
        assert scores[f"{kind} 0"] == weight
        assert scores[f"{kind} 5"] == weight / 2
        assert scores[f"{kind} 9"] == pytest.approx(weight * 2**-1.8, abs=1e-3)
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_insights_count_events_by_kind(shopsearch: Shopsearch, past) -> None:
    shopsearch("events", "import", past(a_line(), a_line("A2"), a_line(type="click")))
    told = shopsearch.json("insights")["events"]
    assert told == {"view": 2, "click": 1, "add_to_cart": 0, "purchase": 0}
    assert "events: 2 view, 1 click" in shopsearch("insights").stdout
