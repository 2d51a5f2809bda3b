"""Two runs on the same queries: what changed, and what is said where they do not fit."""

import json
import random
from pathlib import Path

import pytest

from shopsearch.errors import EvaluationError
from shopsearch.evaluation.comparison import EarlierRun, compare, fingerprint, read_earlier
from shopsearch.evaluation.measures import MEASURES, evaluate


def _run(ranks: dict[str, int]):
    """Each query finds the one right product at a rank; 0 for not at all."""
    run = {
        query: [f"x{n}" for n in range(rank - 1)] + ["right"] * (rank > 0)
        for query, rank in ranks.items()
    }
    return evaluate(run, {query: {"right": 1.0} for query in run})


def _earlier(evaluation, **more) -> EarlierRun:
    defaults = {"path": Path("earlier.json"), "relevant_gain": 1.0}
    return EarlierRun(per_query=evaluation.per_query, **(defaults | more))


def test_a_run_beside_itself_has_no_difference_and_a_p_value_of_one():
    evaluation = _run({f"q{n}": n % 5 for n in range(20)})
    comparison = compare(evaluation, _earlier(evaluation))
    for each in comparison.differences.values():
        assert (each.change, each.p_value, each.n_better, each.n_worse) == (0.0, 1.0, 0, 0)
        assert each.interval.as_json() == [0.0, 0.0]
    assert comparison.gained == comparison.lost == ()
    assert comparison.remarks() == []


def test_a_run_that_is_better_everywhere_is_told_apart_from_chance():
    before = _run({f"q{n}": 2 for n in range(30)})
    now = _run({f"q{n}": 1 for n in range(30)})
    mrr = compare(now, _earlier(before)).differences["mrr@10"]
    assert (mrr.before, mrr.now, mrr.change) == (0.5, 1.0, 0.5)
    assert mrr.interval.as_json() == [0.5, 0.5]
    assert mrr.p_value < 0.001
    assert (mrr.n_better, mrr.n_worse) == (30, 0)


def test_runs_that_differ_by_chance_alone_are_not_told_apart():
    chance = random.Random(4)
    before = _run({f"q{n}": chance.randint(1, 5) for n in range(60)})
    now = _run({f"q{n}": chance.randint(1, 5) for n in range(60)})
    difference = compare(now, _earlier(before)).differences["ndcg@10"]
    assert 0.0 in difference.interval
    assert difference.p_value > 0.05


def test_queries_that_gained_and_lost_most_come_first():
    before = _run({"up": 0, "little": 2, "same": 1, "down": 1, "slip": 1})
    now = _run({"up": 1, "little": 1, "same": 1, "down": 0, "slip": 2})
    comparison = compare(now, _earlier(before))
    assert [each.query_id for each in comparison.gained] == ["up", "little"]
    assert [each.query_id for each in comparison.lost] == ["down", "slip"]
    assert comparison.gained[0].change == 1.0


def test_only_shared_queries_are_compared_and_it_is_said_how_many():
    before, now = _run({"a": 1, "b": 1, "old": 1}), _run({"a": 2, "b": 1, "new": 0})
    comparison = compare(now, _earlier(before))
    assert comparison.n_shared == 2
    assert comparison.differences["mrr@10"].now == 0.75  # without the new one
    (remark,) = comparison.remarks()
    assert "share 2 queries" in remark
    assert "1 are only in this run, 1 only in the earlier one" in remark


def test_runs_that_share_no_query_are_an_error_with_both_kinds_of_ids():
    with pytest.raises(EvaluationError, match=r"earlier\.json.*'old'.*'new'"):
        compare(_run({"new": 1}), _earlier(_run({"old": 1})))


def test_another_bound_of_relevance_is_an_error_that_names_the_option():
    evaluation = _run({"q": 1})
    with pytest.raises(EvaluationError, match=r"gain of 2, this run from 1.*--relevant-gain 2"):
        compare(evaluation, _earlier(evaluation, relevant_gain=2.0))


def test_other_judgments_are_remarked_in_whatever_order_they_stand():
    one, other = {"q": {"a": 1.0, "b": 2.0}}, {"q": {"b": 2.0, "a": 1.0}}
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint({"q": {"a": 1.0, "b": 3.0}})
    evaluation = _run({"q": 1})
    comparison = compare(evaluation, _earlier(evaluation, judgments="x"), judgments="y")
    assert comparison.remarks() == ["the judgments are not those of the earlier run"]


def test_what_was_written_is_read_again_to_the_last_digit(tmp_path: Path):
    evaluation = _run({"q\ud83d": 3, "r": 7})
    path = tmp_path / "run.json"
    document = {**evaluation.as_json(), "queries": evaluation.per_query, "system": {"encoder": "e"}}
    path.write_text(json.dumps(document), encoding="utf-8")
    earlier = read_earlier(path)
    assert earlier.per_query == evaluation.per_query
    assert earlier.system == {"encoder": "e"}


GOOD_ROW = dict.fromkeys(MEASURES, 0.5)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON.*evaluate --json"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "holds no figures by query.*evaluate --json"),
        ('{"ndcg@10": 0.5}', "holds no figures by query"),
        ('{"queries": {}}', "holds no figures by query"),
        ('{"queries": {"q7": 5}}', "None as ndcg@10 of query 'q7'"),
        (json.dumps({"queries": {"q7": {**GOOD_ROW, "map": "good"}}}), "'good' as map of query"),
        (json.dumps({"queries": {"q7": {**GOOD_ROW, "map": float("nan")}}}), "nan as map"),
        (json.dumps({"queries": {"q7": {**GOOD_ROW, "map": 1.5}}}), "1.5 as map.*from 0 to 1"),
    ],
)
def test_a_file_that_is_no_earlier_run_is_named_with_what_is_wrong(
    tmp_path: Path, content: str, message: str
):
    path = tmp_path / "earlier.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match=rf"(?s)earlier\.json.*{message}"):
        read_earlier(path)


def test_an_earlier_run_that_cannot_be_opened_is_named(tmp_path: Path):
    with pytest.raises(EvaluationError, match=r"gone\.json.*cannot be read"):
        read_earlier(tmp_path / "gone.json")
