"""Two runs on the same queries: what changed, and whether chance alone could have done it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

from shopsearch.errors import EvaluationError
from shopsearch.evaluation.measures import MEASURES, Evaluation, Qrels, matrix
from shopsearch.evaluation.uncertainty import Interval, mean_intervals, p_value

_N_MOVED = 10  # queries that gained, and that lost, most
MAIN = "ndcg@10"  # queries are ordered by how far they moved in it


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What `evaluate --json` wrote of an earlier run, as far as a comparison needs it."""

    path: Path
    per_query: Mapping[str, Mapping[str, float]]  # query id -> measure -> value
    relevant_gain: float
    judgments: str = ""  # what `fingerprint` gave
    system: Mapping[str, str] = field(default_factory=dict)  # encoder, index, ...


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure in both runs, over the queries they share; `change` is now minus before."""

    before: float
    now: float
    change: float
    interval: Interval  # of the change; paired
    p_value: float
    n_better: int
    n_worse: int

    def as_json(self) -> dict[str, Any]:
        """All of it as one object."""
        return {
            "before": self.before,
            "now": self.now,
            "difference": self.change,
            "interval": self.interval.as_json(),
            "p_value": self.p_value,
            "n_better": self.n_better,
            "n_worse": self.n_worse,
        }


@dataclass(frozen=True, slots=True)
class Moved:
    """A query whose nDCG@10 changed."""

    query_id: str
    before: float
    now: float

    @property
    def change(self) -> float:
        """Now minus before."""
        return self.now - self.before

    def as_json(self) -> dict[str, Any]:
        """All of it as one object."""
        return {"query_id": self.query_id, "before": self.before, "now": self.now}


@dataclass(frozen=True, slots=True)
class Comparison:
    """This run beside an earlier one."""

    earlier: EarlierRun
    n_shared: int
    only_now: tuple[str, ...]
    only_before: tuple[str, ...]
    differences: dict[str, Difference]  # measure -> difference
    gained: tuple[Moved, ...]
    lost: tuple[Moved, ...]
    same_judgments: bool

    def as_json(self) -> dict[str, Any]:
        """All of it as one object."""
        return {
            "with": str(self.earlier.path),
            "n_shared": self.n_shared,
            "n_only_now": len(self.only_now),
            "n_only_before": len(self.only_before),
            "same_judgments": self.same_judgments,
            "metrics": {name: each.as_json() for name, each in self.differences.items()},
            "gained": [each.as_json() for each in self.gained],
            "lost": [each.as_json() for each in self.lost],
        }

    def remarks(self) -> list[str]:
        """What to know before reading the differences."""
        remarks = []
        if self.only_now or self.only_before:
            remarks.append(
                f"the runs share {self.n_shared} queries, over which they are compared; "
                f"{len(self.only_now)} are only in this run, "
                f"{len(self.only_before)} only in the earlier one"
            )
        if not self.same_judgments:
            remarks.append("the judgments are not those of the earlier run")
        return remarks


def read_earlier(path: Path) -> EarlierRun:
    """The run in a file that `evaluate --json` wrote. Raises `EvaluationError`."""
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        _fail(path, f"cannot be read ({error.strerror}); check the path and its permissions")
    except (ValueError, RecursionError) as error:
        _fail(path, f"is not JSON ({error}); give it what `evaluate --json` printed")
    queries = document.get("queries") if isinstance(document, dict) else None
    if not isinstance(queries, dict) or not queries:
        _fail(path, "holds no figures by query; make it anew with `evaluate --json`")
    gain = document.get("relevant_gain")
    return EarlierRun(
        path=path,
        per_query={query_id: _row(path, query_id, row) for query_id, row in queries.items()},
        relevant_gain=gain if _is_number(gain) else 1.0,
        judgments=str(document.get("judgments", "")),
        system=_texts(document.get("system")),
    )


def compare(evaluation: Evaluation, earlier: EarlierRun, *, judgments: str = "") -> Comparison:
    """This run beside an earlier one, over the queries that both have.

    `judgments` is the `fingerprint` of those of this run. Raises `EvaluationError` where no query
    is in both, or where the two call different products relevant.
    """
    _check_bound(evaluation, earlier)
    shared = [query_id for query_id in evaluation.per_query if query_id in earlier.per_query]
    if not shared:
        _fail(earlier.path, _nothing_in_common(evaluation, earlier))
    ours = evaluation.per_query
    before, now = matrix(earlier.per_query, shared), matrix(ours, shared)  # (N, M) each
    changes = now - before
    intervals = mean_intervals(changes)
    differences = {
        name: Difference(
            before=float(before[:, m].mean()),
            now=float(now[:, m].mean()),
            change=float(changes[:, m].mean()),
            interval=intervals[m],
            p_value=p_value(changes[:, m]),
            n_better=int((changes[:, m] > 0).sum()),
            n_worse=int((changes[:, m] < 0).sum()),
        )
        for m, name in enumerate(MEASURES)
    }
    moved = sorted(
        (Moved(q, earlier.per_query[q][MAIN], ours[q][MAIN]) for q in shared),
        key=lambda each: each.change,
    )
    return Comparison(
        earlier=earlier,
        n_shared=len(shared),
        only_now=tuple(q for q in ours if q not in earlier.per_query),
        only_before=tuple(q for q in earlier.per_query if q not in ours),
        differences=differences,
        gained=tuple(each for each in reversed(moved[-_N_MOVED:]) if each.change > 0),
        lost=tuple(each for each in moved[:_N_MOVED] if each.change < 0),
        same_judgments=earlier.judgments == judgments,
    )


def fingerprint(qrels: Qrels) -> str:
    """SHA-256, hexadecimal, of judgments in whatever order: the same for the same."""
    ordered = [[query, sorted(gains.items())] for query, gains in sorted(qrels.items())]
    return hashlib.sha256(json.dumps(ordered).encode()).hexdigest()


def _check_bound(evaluation: Evaluation, earlier: EarlierRun) -> None:
    if evaluation.relevant_gain != earlier.relevant_gain:
        bound = f"{earlier.relevant_gain:g}"
        _fail(
            earlier.path,
            f"calls products relevant from a gain of {bound}, this run from "
            f"{evaluation.relevant_gain:g}; give this one --relevant-gain {bound}",
        )


def _nothing_in_common(evaluation: Evaluation, earlier: EarlierRun) -> str:
    asked, before = next(iter(evaluation.per_query)), next(iter(earlier.per_query))
    return (
        f"shares no query with this run: it holds ids such as {before!r}, this run such as "
        f"{asked!r}; compare runs over the same queries"
    )


def _row(path: Path, query_id: str, row: object) -> dict[str, float]:
    """The measures of one query."""
    figures = row if isinstance(row, dict) else {}
    for name in MEASURES:
        value = figures.get(name)
        if not _is_number(value) or not 0.0 <= value <= 1.0:
            _fail(
                path,
                f"has {value!r} as {name} of query {query_id!r}, but must have a number from 0 to "
                "1; make it anew with `evaluate --json`",
            )
    return {name: float(figures[name]) for name in MEASURES}


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fail(path: Path, problem: str) -> NoReturn:
    raise EvaluationError(f"the earlier run {str(path)!r} {problem}")
