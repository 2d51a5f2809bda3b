"""How good recommendations are, by what visitors did next: leave-last-out over a log of events.

Of each visitor the last product that was new to them is held out, with all that they did after it;
what they did before is what there is to go by, and the events of all visitors but the held-out ones
are what may be learnt from.

    hit@10       whether the held-out product is among the first 10
    ndcg@10      1 / log2(rank + 1), for there is one product to find
    mrr@10       1 / rank
    coverage     the share of the catalog that is among the first 10 of anybody
    novelty      the mean self-information of what is shown, -log2 p: p is the share of the events
                 that are about the product, each counted once more than it was (Zhou and others,
                 Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 2010)

Events of others that are later than a trial count as known, as is usual (for what that flatters:
Meng and others, Exploring data splitting strategies, RecSys 2020).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopsearch.domain import Event
from shopsearch.errors import EvaluationError
from shopsearch.evaluation.uncertainty import Interval, mean_intervals

DEPTH = 10
HIT, NDCG, MRR = f"hit@{DEPTH}", f"ndcg@{DEPTH}", f"mrr@{DEPTH}"


@dataclass(frozen=True, slots=True)
class Trial:
    """A visitor, up to the product that is held out."""

    visitor: str
    seen: tuple[Event, ...]  # the oldest first
    wanted: str

    @property
    def product_ids(self) -> tuple[str, ...]:
        """What the visitor had to do with, the latest first, each once."""
        return tuple(dict.fromkeys(one.product_id for one in reversed(self.seen)))


@dataclass(frozen=True, slots=True)
class Split:
    """A log, parted into what may be learnt from and what is to be foretold."""

    known: tuple[Event, ...]
    trials: tuple[Trial, ...]


Recommender = Callable[[Trial], Sequence[str]]  # the product ids, best first


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of one recommender."""

    means: Mapping[str, float]  # of the measures with a value for each trial
    intervals: Mapping[str, Interval]
    coverage: float
    novelty: float  # bits
    n_trials: int

    def as_json(self) -> dict[str, Any]:
        """All figures flat, beside them the intervals."""
        return {
            **self.means,
            "coverage": self.coverage,
            "novelty": self.novelty,
            "n_trials": self.n_trials,
            "intervals": {name: one.as_json() for name, one in self.intervals.items()},
        }


def leave_last_out(events: Iterable[Event], catalog: frozenset[str], at_most: int = 0) -> Split:
    """The split of a log; trials are about products of the catalog alone. With `at_most` above 0,
    so many of the visitors, drawn by a fixed seed; the others are learnt from whole.

    Raises `EvaluationError` where there is nobody to try it on.
    """
    by_visitor: defaultdict[str, list[Event]] = defaultdict(list)
    known: list[Event] = []
    for event in sorted(events, key=lambda one: one.at):
        (by_visitor[event.visitor] if event.visitor else known).append(event)
    trials = [one for visitor, own in by_visitor.items() if (one := _trial(visitor, own, catalog))]
    if not trials:
        raise EvaluationError(
            "no visitor of the log had to do with two products of the catalog: name them by "
            "`visitor_id`, and index the catalog that the log is about"
        )
    if 0 < at_most < len(trials):
        trials = random.Random(0).sample(trials, at_most)  # noqa: S311 - a sample, no secret
    tried = {one.visitor for one in trials}
    known += [one for visitor, own in by_visitor.items() if visitor not in tried for one in own]
    known += [one for trial in trials for one in trial.seen]
    return Split(tuple(sorted(known, key=lambda one: one.at)), tuple(trials))


def _trial(visitor: str, own: Sequence[Event], catalog: frozenset[str]) -> Trial | None:
    first_at: dict[str, int] = {}
    for n, event in enumerate(own):
        first_at.setdefault(event.product_id, n)
    held_out = [(n, id_) for id_, n in first_at.items() if id_ in catalog and n > 0]
    if not held_out:
        return None
    n, wanted = max(held_out)
    seen = tuple(own[:n])
    is_any_known = any(one.product_id in catalog for one in seen)
    return Trial(visitor, seen, wanted) if is_any_known else None


def evaluate_recommender(recommend: Recommender, split: Split, catalog: frozenset[str]) -> Figures:
    """Ask a recommender for each trial."""
    counts = Counter(one.product_id for one in split.known if one.product_id in catalog)
    n_events = sum(counts.values()) + len(catalog)
    rows: list[tuple[float, ...]] = []
    shown: Counter[str] = Counter()
    for trial in split.trials:
        found = list(recommend(trial))[:DEPTH]
        shown.update(found)
        rank = found.index(trial.wanted) + 1 if trial.wanted in found else 0
        rows.append((1.0, 1.0 / float(np.log2(rank + 1)), 1.0 / rank) if rank else (0.0, 0.0, 0.0))
    values = np.array(rows)
    intervals = mean_intervals(values)
    bits = [-np.log2((counts[id_] + 1) / n_events) * n for id_, n in shown.items()]
    return Figures(
        means=dict(zip((HIT, NDCG, MRR), values.mean(axis=0).tolist(), strict=True)),
        intervals=dict(zip((HIT, NDCG, MRR), intervals, strict=True)),
        coverage=len(set(shown) & catalog) / len(catalog),
        novelty=float(sum(bits) / max(1, shown.total())),
        n_trials=len(split.trials),
    )


def most_popular(split: Split, catalog: frozenset[str]) -> Recommender:
    """The baseline: what most events are about, without what the visitor knows."""
    counts = Counter(one.product_id for one in split.known if one.product_id in catalog)
    in_order = [id_ for id_, _ in counts.most_common()]

    def recommend(trial: Trial) -> Sequence[str]:
        known = set(trial.product_ids)
        return [id_ for id_ in in_order[: DEPTH + len(known)] if id_ not in known][:DEPTH]

    return recommend


def at_random(catalog: frozenset[str]) -> Recommender:
    """The other baseline: anything, by a fixed seed."""
    chance = random.Random(0)  # noqa: S311 - a baseline, no secret
    everything = sorted(catalog)

    def recommend(trial: Trial) -> Sequence[str]:
        known = set(trial.product_ids)
        n = min(len(everything), DEPTH + len(known))
        return [id_ for id_ in chance.sample(everything, n) if id_ not in known][:DEPTH]

    return recommend
