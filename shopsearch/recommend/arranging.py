"""Candidates in, hits out: what all kinds of recommendations go through.

The filter is the index's, what rules hide and what the request is about is a condition of it.
Within each line, rules that boost and bury change scores and diversity the order; then lines take
turns, variants become one, and pins are set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shopsearch.collapsing import Variants
from shopsearch.domain import Hit, IsRuled, Reason, Recommended
from shopsearch.index import VectorIndex
from shopsearch.merchandising import Ruling
from shopsearch.ranking.diversity import diversified
from shopsearch.ranking.interleaving import interleaved
from shopsearch.ranking.order import Candidate
from shopsearch.recommend.source import FIRST_WIDTH, MAX_WIDTH, WIDER, Line, Source, Taken
from shopsearch.store import ProductStore


@dataclass(frozen=True, slots=True)
class Wanted:
    """How hits are made of candidates."""

    index: VectorIndex
    ruling: Ruling  # its filter leaves out what must not be among the hits
    k: int
    diversity: float
    collapse: bool


@dataclass(frozen=True, slots=True)
class Arranged:
    """Hits, and among how many they were the first."""

    hits: tuple[Recommended, ...]
    total: int
    is_brought: bool  # whether the source brought any of them; rules alone may have


@dataclass(frozen=True, slots=True)
class _Ordered:
    candidates: Sequence[Candidate]
    line_of: dict[int, int]  # key -> the line that it was taken from
    variants: Variants | None
    total: int


def arranged(source: Source, wanted: Wanted, store: ProductStore) -> Arranged:
    """The hits that a source brings."""
    ordered = _ordered(source, wanted)
    page = wanted.ruling.arranged(ordered.candidates, wanted.k)
    stored = store.fetch([one.key for one in page])
    page = [one for one in page if one.key in stored]
    keys = [one.key for one in page]
    n_variants = [0] * len(page)
    if ordered.variants is not None:
        n_variants = ordered.variants.n_others(np.array(keys, np.int64))
    hits = tuple(
        Hit(
            product=stored[one.key].product,
            score=one.score,
            rank=rank,
            image_hash=stored[one.key].record.image_hash,
            n_variants=n,
        )
        for rank, (one, n) in enumerate(zip(page, n_variants, strict=True), 1)
    )
    told = wanted.ruling.told(hits, page, explain=True)
    reasons = _reasons(source, page, ordered.line_of)
    recommended = (
        Recommended(hit, (*why, *_ruled(hit))) for hit, why in zip(told, reasons, strict=True)
    )
    return Arranged(tuple(recommended), ordered.total, bool(ordered.line_of))


def _ordered(source: Source, wanted: Wanted) -> _Ordered:
    """All candidates in order, at least k of them where there are so many."""
    within = (wanted.ruling.where, *wanted.ruling.boosts)
    matching = wanted.index.fields.matching(wanted.ruling.where)
    variants = Variants.of(wanted.index.fields, matching) if wanted.collapse else None
    for width in _widths(wanted.k, len(matching)):
        lines = source.lines(width, within)
        taken = _taken(lines, wanted)
        if variants is not None:
            keys = np.array([one.key for _, one in taken], dtype=np.int64)
            firsts = variants.firsts(keys, wanted.ruling.pinned)
            taken = [pair for pair, is_first in zip(taken, firsts, strict=True) if is_first]
        is_whole = all(line.is_whole for line in lines)
        if is_whole or len(taken) >= wanted.k + len(wanted.ruling.slots):
            break
    total = len(taken)
    if not is_whole:
        total = len(matching) if variants is None else variants.count
    line_of = {one.key: n for n, one in taken if n >= 0}
    return _Ordered([one for _, one in taken], line_of, variants, total)


def _widths(k: int, n_matching: int) -> Iterator[int]:
    width = max(FIRST_WIDTH, WIDER * k)
    while width < min(n_matching, MAX_WIDTH):
        yield width
        width *= WIDER
    yield min(max(width, n_matching + 1), MAX_WIDTH)  # one more than there are: it is whole


def _taken(lines: Sequence[Line], wanted: Wanted) -> list[tuple[int, Candidate]]:
    """All candidates with the number of their line; -1 for what only a rule brings."""
    in_order = [_weighed(line, wanted) for line in lines]
    by_key = [{one.key: one for one in candidates} for candidates in in_order]
    turns = interleaved([[*one] for one in by_key], [line.weight for line in lines])
    taken = [(n, by_key[n][key]) for n, key in turns]
    known = {one.key for _, one in taken}
    pinned = [Candidate(key, 0.0) for key in wanted.ruling.pinned if key not in known]
    return [*taken, *((-1, one) for one in pinned)]


def _weighed(line: Line, wanted: Wanted) -> list[Candidate]:
    candidates = [Candidate(key, score) for key, score in line.scores.items()]
    weighed = wanted.ruling.weighed(candidates)
    first, rest = weighed[:FIRST_WIDTH], weighed[FIRST_WIDTH:]
    if wanted.diversity and len(first) > 1:
        keys = np.array([one.key for one in first], dtype=np.int64)
        scores = np.array([one.score for one in first])
        order = diversified(scores, wanted.index.fetch(keys), wanted.diversity)
        first = [first[n] for n in order]
    return [*first, *rest]


def _reasons(
    source: Source, page: Sequence[Candidate], line_of: dict[int, int]
) -> list[tuple[Reason, ...]]:
    """What only a rule has brought has no reason of its own."""
    brought = [Taken(one.key, line_of[one.key]) for one in page if one.key in line_of]
    told = source.reasons(brought) if brought else ()
    by_key = {one.key: why for one, why in zip(brought, told, strict=True)}
    return [by_key.get(one.key, ()) for one in page]


def _ruled(hit: Hit) -> list[IsRuled]:
    return [IsRuled(rule=one.rule, action=one.action, by=one.by) for one in hit.rules]
