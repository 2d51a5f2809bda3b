"""Leave-last-out, against figures worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from shopsearch.domain import Event, EventKind
from shopsearch.errors import EvaluationError
from shopsearch.evaluation.event_log import read_events
from shopsearch.evaluation.recommending import (
    at_random,
    evaluate_recommender,
    leave_last_out,
    most_popular,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
CATALOG = frozenset("abcdefgh")


def viewed(visitor: str, product_ids: str, kind: EventKind = EventKind.VIEW) -> list[Event]:
    return [
        Event(
            event_id=f"{visitor}{n}",
            kind=kind,
            product_id=one,
            at=START + timedelta(hours=n),
            visitor=visitor,
        )
        for n, one in enumerate(product_ids)
    ]


LOG = [
    *viewed("one", "abca"),  # c is the last that is new
    *viewed("two", "bX"),  # X is not in the catalog: nothing to foretell
    *viewed("three", "ddd"),
    *viewed("four", "Xe"),  # nothing to go by
    *viewed("five", "aaf"),
    *viewed("", "ag"),
]


def test_the_last_new_product_is_held_out_with_all_that_came_after() -> None:
    split = leave_last_out(LOG, CATALOG)
    trials = {one.visitor: (one.product_ids, one.wanted) for one in split.trials}
    assert trials == {"one": (("b", "a"), "c"), "five": (("a",), "f")}
    assert len(split.known) == len(LOG) - 2 - 1
    known = [one.event_id for one in split.known]
    assert not {"one2", "one3", "five2"} & set(known)
    fewer = leave_last_out(LOG, CATALOG, at_most=1)
    assert len(fewer.trials) == 1
    with pytest.raises(EvaluationError, match="two products"):
        leave_last_out(viewed("one", "aaa"), CATALOG)


def test_the_measures_are_those_of_the_formulas() -> None:
    split = leave_last_out(LOG, CATALOG)
    answers = {"one": ["d", "e", "c"], "five": ["a", "b"]}
    found = evaluate_recommender(lambda trial: answers[trial.visitor], split, CATALOG)
    assert found.means == pytest.approx(
        {"hit@10": 0.5, "ndcg@10": 1 / np.log2(4) / 2, "mrr@10": 1 / 6}
    )
    assert found.coverage == pytest.approx(5 / 8)
    counts = {"d": 3, "e": 1, "c": 0, "a": 4, "b": 2}  # of events that are known
    assert sum(counts.values()) + 1 == 11  # g beside them
    bits = [-np.log2((n + 1) / (11 + 8)) for n in counts.values()]
    assert found.novelty == pytest.approx(np.mean(bits))
    assert found.as_json()["n_trials"] == 2


def test_the_baselines_show_ten_that_the_visitor_does_not_know() -> None:
    catalog = frozenset(map(str, range(40)))
    log = [event for n in range(30) for event in viewed(f"v{n}", "0123"[: 2 + n % 3])]
    split = leave_last_out(log, catalog)
    for recommend in (most_popular(split, catalog), at_random(catalog)):
        for trial in split.trials:
            shown = recommend(trial)
            assert not set(shown) & set(trial.product_ids)
            assert len(shown) == len(set(shown))
    assert len(at_random(catalog)(split.trials[0])) == 10
    assert evaluate_recommender(most_popular(split, catalog), split, catalog).means["hit@10"] > 0.5


def written(path: Path, *lines: object) -> Path:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_log_is_read_in_order_of_time(tmp_path: Path) -> None:
    later = {"type": "purchase", "product_id": "b", "at": "2026-11-02T00:00:00+01:00"}
    first = {"type": "view", "product_id": "a", "at": "2026-11-01T00:00:00Z", "visitor_id": "v"}
    path = written(tmp_path / "log.jsonl", {**later, "order_id": "o", "more": 1}, "", first)
    read = read_events(path)
    assert [(one.product_id, one.kind, one.visitor, one.order_id) for one in read] == [
        ("a", EventKind.VIEW, "v", ""),
        ("b", EventKind.PURCHASE, "", "o"),
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 1: it is no JSON"),
        ("[]", "no JSON object"),
        ({"type": "view", "at": "2026-11-01T00:00:00Z"}, "`product_id` is missing"),
        ({"type": "theft", "product_id": "a", "at": "2026-11-01T00:00:00Z"}, "'theft'"),
        ({"type": "view", "product_id": "a", "at": "2026-11-01T00:00:00"}, "with its zone"),
        ({"type": "view", "product_id": "a", "at": 5}, "with its zone"),
        ({"type": "view", "product_id": 7, "at": "2026-11-01T00:00:00Z"}, "`product_id` must be"),
        ("", "holds no event"),
    ],
)
def test_a_line_that_is_no_event_is_named(tmp_path: Path, line: object, told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        read_events(written(tmp_path / "log.jsonl", line))


def test_other_encodings_are_told(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EvaluationError, match="UTF-8"):
        read_events(tmp_path / "log.jsonl")
