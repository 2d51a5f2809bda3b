"""The measures against hand-computed values, and against a second, independent computation."""

import math
import random

import ir_measures
import pytest

from shopsearch.errors import EvaluationError
from shopsearch.evaluation.measures import MEASURES, evaluate, ndcg

LOG2_3 = math.log2(3)


def test_ndcg_of_three_hits_is_what_the_formula_gives_by_hand():
    gains = {"a": 1.0, "b": 3.0, "c": 0.5}
    found = 1.0 / 1 + 0.0 / LOG2_3 + 7.0 / 2  # a, an unjudged product, b
    ideal = 7.0 / 1 + 1.0 / LOG2_3 + (math.sqrt(2) - 1) / 2
    assert ndcg(["a", "x", "b"], gains, 10) == pytest.approx(found / ideal, abs=1e-12)


def test_the_ideal_order_counts_judged_products_that_the_run_lacks():
    assert ndcg(["a"], {"a": 1.0, "b": 1.0}, 10) == pytest.approx(1 / (1 + 1 / LOG2_3))


def test_ndcg_looks_at_the_first_k_only_in_run_and_ideal_alike():
    gains = {str(n): 1.0 for n in range(20)}
    assert ndcg([str(n) for n in range(10)], gains, 10) == 1.0
    assert ndcg(["x"] * 10 + ["0"], gains, 10) == 0.0


def test_a_perfect_run_scores_one_in_every_measure_that_can():
    means = evaluate({"q": ["a", "b"]}, {"q": {"a": 2.0, "b": 1.0, "c": 0.0}}).means
    assert {name: means[name] for name in MEASURES} == {
        "ndcg@10": pytest.approx(1.0),
        "recall@1": 0.5,
        "recall@5": 1.0,
        "recall@10": 1.0,
        "recall@50": 1.0,
        "mrr@10": 1.0,
        "p@10": pytest.approx(0.2),
        "map": 1.0,
    }


def test_binary_measures_are_what_they_are_by_hand():
    run = {"q": ["x", "a", "y", "b"]}
    means = evaluate(run, {"q": {"a": 1.0, "b": 1.0, "c": 1.0, "y": 0.0}}).means
    assert means["mrr@10"] == 0.5
    assert means["recall@1"] == 0.0
    assert means["recall@5"] == pytest.approx(2 / 3)
    assert means["p@10"] == pytest.approx(0.2)
    assert means["map"] == pytest.approx((1 / 2 + 2 / 4) / 3)


def test_a_first_relevant_product_at_rank_eleven_does_not_count_for_mrr():
    run = {"q": [f"x{n}" for n in range(10)] + ["a"]}
    means = evaluate(run, {"q": {"a": 1.0}}).means
    assert means["mrr@10"] == 0.0
    assert means["recall@50"] == 1.0
    assert means["map"] == pytest.approx(1 / 11)


def test_the_order_of_a_run_is_kept_however_its_ids_sort():
    forwards = evaluate({"q": ["a", "z"]}, {"q": {"z": 1.0}}).means
    backwards = evaluate({"q": ["z", "a"]}, {"q": {"z": 1.0}}).means
    assert (forwards["recall@1"], backwards["recall@1"]) == (0.0, 1.0)


@pytest.mark.parametrize(("bound", "expected"), [(1.0, 1.0), (1.5, 0.0), (0.1, 0.5)])
def test_products_count_as_relevant_from_the_bound_on(bound: float, expected: float):
    result = evaluate({"q": ["a"]}, {"q": {"a": 1.0, "b": 0.1}}, relevant_gain=bound)
    assert result.means["recall@10"] == expected


def test_a_query_without_a_relevant_product_counts_zero_and_is_reported():
    result = evaluate({"q": ["a"], "r": ["b"]}, {"q": {"a": 1.0}, "r": {"b": 0.1}})
    assert result.n_queries == 2
    assert result.n_without_relevant == 1
    assert result.means["recall@10"] == 0.5
    assert result.means["ndcg@10"] == 1.0  # graded, so it sees the gain of 0.1


def test_a_query_with_nothing_but_zero_gains_counts_zero():
    result = evaluate({"q": ["a"], "r": ["b"]}, {"q": {"a": 1.0}, "r": {"b": 0.0}})
    assert result.per_query["r"] == dict.fromkeys(MEASURES, 0.0)


def test_a_query_that_found_nothing_counts_zero():
    result = evaluate({"q": ["a"], "r": []}, {"q": {"a": 1.0}, "r": {"b": 1.0}})
    assert result.per_query["r"] == dict.fromkeys(MEASURES, 0.0)
    assert result.means["ndcg@10"] == 0.5


def test_queries_without_judgments_and_judgments_without_queries_are_counted_apart():
    result = evaluate({"q": ["a"], "free": ["a"]}, {"q": {"a": 1.0}, "gone": {"a": 1.0}})
    assert (result.n_queries, result.unjudged, result.unknown) == (1, ("free",), ("gone",))
    assert result.means["recall@1"] == 1.0
    counts = {name: n for name, n in result.as_json().items() if name.startswith("n_")}
    assert counts == {"n_queries": 1, "n_unjudged": 1, "n_unknown": 1, "n_without_relevant": 0}


def test_files_that_do_not_belong_together_are_told_apart_by_their_ids():
    with pytest.raises(EvaluationError, match=r"'q7'.*'42'.*belong together"):
        evaluate({"q7": ["a"]}, {"42": {"a": 1.0}})


@pytest.mark.parametrize("bound", [0.0, -1.0, math.nan])
def test_a_bound_that_would_make_unjudged_products_relevant_is_refused(bound: float):
    with pytest.raises(EvaluationError, match="above 0"):
        evaluate({"q": ["a"]}, {"q": {"a": 1.0}}, relevant_gain=bound)


def test_a_product_twice_in_a_run_is_refused():
    with pytest.raises(ValueError, match="'q' holds a product twice"):
        evaluate({"q": ["a", "a"]}, {"q": {"a": 1.0}})


@pytest.mark.parametrize("nasty", ["\ud800", "a\x00b", "a b\n", "", "🎉"])
def test_ids_of_any_characters_are_kept_apart(nasty: str):
    run = {nasty: ["a\x00c", nasty], "q": ["a"]}
    result = evaluate(run, {nasty: {nasty: 1.0}, "q": {"a": 1.0}})
    assert result.per_query[nasty]["mrr@10"] == 0.5
    assert result.per_query["q"]["mrr@10"] == 1.0


def _random_case(seed: int) -> tuple[dict[str, list[str]], dict[str, dict[str, float]]]:
    chance = random.Random(seed)
    products = [f"p{n}" for n in range(60)]
    run = {f"q{n}": chance.sample(products, chance.randint(0, 60)) for n in range(40)}
    gains = (0.0, 0.01, 0.1, 1.0, 2.0, 3.0)
    qrels = {
        query: {p: chance.choice(gains) for p in chance.sample(products, chance.randint(1, 25))}
        for query in run
    }
    return run, qrels


@pytest.mark.parametrize("seed", range(3))
def test_ndcg_agrees_with_trec_eval_on_finely_rounded_gains(seed: int):
    run, qrels = _random_case(seed)
    ours = evaluate(run, qrels)
    rounded = {
        q: {p: round((2**gain - 1) * 1e6) for p, gain in judged.items()}
        for q, judged in qrels.items()
    }
    scores = {q: {p: 1.0 / (1 + n) for n, p in enumerate(hits)} for q, hits in run.items()}
    measure = ir_measures.parse_measure("nDCG@10")
    theirs = {m.query_id: m.value for m in ir_measures.iter_calc([measure], rounded, scores)}
    for query, row in ours.per_query.items():
        assert row["ndcg@10"] == pytest.approx(theirs[query], abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_binary_measures_agree_with_their_definitions_written_out(seed: int):
    run, qrels = _random_case(seed)
    for query, row in evaluate(run, qrels).per_query.items():
        relevant = {p for p, gain in qrels[query].items() if gain >= 1.0}
        ranks = [rank for rank, p in enumerate(run[query], start=1) if p in relevant]
        n_relevant = max(len(relevant), 1)
        for k in (1, 5, 10, 50):
            assert row[f"recall@{k}"] == pytest.approx(sum(r <= k for r in ranks) / n_relevant)
        assert row["p@10"] == pytest.approx(sum(r <= 10 for r in ranks) / 10)
        assert row["mrr@10"] == pytest.approx(next((1 / r for r in ranks if r <= 10), 0.0))
        precisions = [n / rank for n, rank in enumerate(ranks, start=1)]
        assert row["map"] == pytest.approx(sum(precisions) / n_relevant)


def test_intervals_hold_the_mean_narrow_with_more_queries_and_repeat_exactly():
    run, qrels = _random_case(0)
    few = evaluate(dict(list(run.items())[:10]), qrels)
    all_of_them = evaluate(run, qrels)
    for name in ("ndcg@10", "map"):
        interval = all_of_them.intervals[name]
        assert interval.low < all_of_them.means[name] < interval.high
        wide = few.intervals[name]
        assert interval.high - interval.low < wide.high - wide.low
    assert evaluate(run, qrels).intervals == all_of_them.intervals
