"""What a search log says: figures of all searches, and of the words that were searched for.

A search is a first page of results; the pages after it are counted apart. Its click-through is the
share of searches with a click on that page. The mean reciprocal click rank is, over the searches
with a click, the mean of 1/rank of their clicks (Radlinski, Kurup & Joachims, How Does Clickthrough
Data Reflect Retrieval Quality?, CIKM 2008): a search without a click says nothing of ranks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from statistics import fmean, median
from typing import Any

from shopsearch.domain import WITHHELD, ClickedSearch, SearchKind
from shopsearch.evaluation.curves import Latency

N_RANKS = 24  # the first page of a search


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFigures:
    """The searches for the same words, however they were cased."""

    text: str  # as they were typed most often
    n_searches: int
    n_sessions: int
    n_clicked: int  # searches with a click
    n_filtered: int
    mean_total: float
    p50_ms: float

    @property
    def click_through(self) -> float:
        """The share of searches with a click."""
        return self.n_clicked / self.n_searches

    def as_json(self) -> dict[str, Any]:
        """The stable shape."""
        return {
            "query": self.text,
            "searches": self.n_searches,
            "sessions": self.n_sessions,
            "filtered": self.n_filtered,
            "click_through": round(self.click_through, 4),
            "mean_total": round(self.mean_total, 1),
            "p50_ms": round(self.p50_ms, 1),
        }


@dataclass(frozen=True, slots=True)
class RankFigures:
    """How often a product was shown at a rank, and how often it was clicked there."""

    rank: int
    n_shown: int
    n_clicks: int

    @property
    def click_through(self) -> float:
        """The share of the showings that were clicked."""
        return self.n_clicks / self.n_shown

    def as_json(self) -> dict[str, Any]:
        """The stable shape."""
        rate = round(self.click_through, 4)
        return {
            "rank": self.rank,
            "shown": self.n_shown,
            "clicks": self.n_clicks,
            "click_through": rate,
        }


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The searches of one day in UTC, and of how many sessions they were."""

    day: date
    n_searches: int
    n_sessions: int

    def as_json(self) -> dict[str, Any]:
        """The stable shape."""
        return {
            "day": self.day.isoformat(),
            "searches": self.n_searches,
            "sessions": self.n_sessions,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    """Everything that is shown of a stretch of the log. Lists of words have the most frequent
    first, and of equally frequent ones are in the order of the alphabet.
    """

    since: datetime
    until: datetime
    n_searches: int
    n_further_pages: int
    n_sessions: int
    n_clicks: int  # on all pages
    n_clicked: int  # searches with a click
    n_withheld: int  # searches whose words looked like personal data
    mean_reciprocal_click_rank: float | None  # None where nothing was clicked
    kinds: tuple[tuple[SearchKind, int], ...]  # searches by kind, those that there were
    top: tuple[QueryFigures, ...]
    nothing_found: tuple[QueryFigures, ...]  # of the searches that had no hit at all
    not_clicked: tuple[QueryFigures, ...]  # of the words of which nothing was ever clicked
    relaxed: tuple[QueryFigures, ...]  # of the searches where no product has all words
    corrected: tuple[QueryFigures, ...]
    ranks: tuple[RankFigures, ...]  # up to the last one that was shown, N_RANKS at most
    days: tuple[DayFigures, ...]  # from the first with a search on, none left out
    latency: Latency | None  # of all pages; None where there are none

    @property
    def click_through(self) -> float | None:
        """The share of searches with a click; None where there are none."""
        return self.n_clicked / self.n_searches if self.n_searches else None

    def as_json(self) -> dict[str, Any]:
        """The stable shape of `insights --json`."""
        return {
            "since": self.since.isoformat(timespec="seconds"),
            "until": self.until.isoformat(timespec="seconds"),
            "searches": self.n_searches,
            "further_pages": self.n_further_pages,
            "sessions": self.n_sessions,
            "clicks": self.n_clicks,
            "click_through": _rounded(self.click_through),
            "mean_reciprocal_click_rank": _rounded(self.mean_reciprocal_click_rank),
            "withheld": self.n_withheld,
            "kinds": {kind.value: n for kind, n in self.kinds},
            "top_queries": [one.as_json() for one in self.top],
            "nothing_found": [one.as_json() for one in self.nothing_found],
            "not_clicked": [one.as_json() for one in self.not_clicked],
            "relaxed": [one.as_json() for one in self.relaxed],
            "corrected": [one.as_json() for one in self.corrected],
            "clicks_by_rank": [one.as_json() for one in self.ranks],
            "per_day": [one.as_json() for one in self.days],
            "latency_ms": None if self.latency is None else self.latency.as_json(),
        }


def summarise(
    searches: Iterable[ClickedSearch], since: datetime, until: datetime, *, limit: int
) -> Insights:
    """The figures of searches that were logged in a stretch of time; lists of at most `limit`."""
    tally = _Tally()
    for one in searches:
        tally.count(one)
    by_text = tally.by_text
    unclicked = {folded: one for folded, one in by_text.items() if not one.is_clicked}
    return Insights(
        since=since,
        until=until,
        n_searches=tally.n_searches,
        n_further_pages=tally.n_further_pages,
        n_sessions=len(tally.sessions),
        n_clicks=tally.n_clicks,
        n_clicked=len(tally.reciprocal_ranks),
        n_withheld=tally.n_withheld,
        mean_reciprocal_click_rank=_mean(tally.reciprocal_ranks),
        kinds=tuple((kind, tally.kinds[kind]) for kind in SearchKind if tally.kinds[kind]),
        top=_listed(by_text, limit),
        nothing_found=_listed(tally.nothing_found, limit),
        not_clicked=_listed(unclicked, limit),
        relaxed=_listed(tally.relaxed, limit),
        corrected=_listed(tally.corrected, limit),
        ranks=_ranks(tally.shown, tally.clicked),
        days=_days(tally.per_day, until),
        latency=Latency.of(tally.took_ms) if tally.took_ms else None,
    )


@dataclass(slots=True)
class _Asked:
    """The searches for the same words, while they are counted."""

    spellings: Counter[str] = field(default_factory=Counter)
    sessions: set[str] = field(default_factory=set)
    n_clicked: int = 0
    n_filtered: int = 0
    is_clicked: bool = False  # on whichever page
    totals: list[int] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)

    def count(self, one: ClickedSearch) -> None:
        search = one.search
        self.spellings[search.text] += 1
        if search.session is not None:
            self.sessions.add(search.session)
        self.n_clicked += bool(one.clicks)
        self.is_clicked |= bool(one.clicks)
        self.n_filtered += search.is_filtered
        self.totals.append(search.total)
        self.took_ms.append(search.took_ms)

    def figures(self) -> QueryFigures:
        return QueryFigures(
            text=most_typed(self.spellings),
            n_searches=len(self.totals),
            n_sessions=len(self.sessions),
            n_clicked=self.n_clicked,
            n_filtered=self.n_filtered,
            mean_total=fmean(self.totals),
            p50_ms=median(self.took_ms),
        )


class _ByText(defaultdict[str, _Asked]):
    """The searches for words by the words."""

    def __init__(self) -> None:
        super().__init__(_Asked)


@dataclass(slots=True)
class _Day:
    n_searches: int = 0
    sessions: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Tally:
    """Counts pages of results, one after the other."""

    n_searches: int = 0
    n_further_pages: int = 0
    n_clicks: int = 0
    n_withheld: int = 0
    sessions: set[str] = field(default_factory=set)
    kinds: Counter[SearchKind] = field(default_factory=Counter)
    reciprocal_ranks: list[float] = field(default_factory=list)  # of the searches with a click
    took_ms: list[float] = field(default_factory=list)
    shown: Counter[int] = field(default_factory=Counter)  # by rank
    clicked: Counter[int] = field(default_factory=Counter)
    per_day: defaultdict[date, _Day] = field(default_factory=lambda: defaultdict(_Day))
    by_text: _ByText = field(default_factory=_ByText)
    nothing_found: _ByText = field(default_factory=_ByText)
    relaxed: _ByText = field(default_factory=_ByText)
    corrected: _ByText = field(default_factory=_ByText)

    def count(self, one: ClickedSearch) -> None:
        search = one.search
        self.n_clicks += len(one.clicks)
        self.took_ms.append(search.took_ms)
        self.shown.update(range(search.first_rank, search.first_rank + len(search.product_ids)))
        self.clicked.update(click.rank for click in one.clicks)
        if search.session is not None:
            self.sessions.add(search.session)
        if search.page == 1:
            self._count_search(one)
        else:
            self.n_further_pages += 1
            if one.clicks and search.folded in self.by_text:
                self.by_text[search.folded].is_clicked = True

    def _count_search(self, one: ClickedSearch) -> None:
        search = one.search
        self.n_searches += 1
        self.kinds[search.kind] += 1
        day = self.per_day[search.at.astimezone(UTC).date()]
        day.n_searches += 1
        if search.session is not None:
            day.sessions.add(search.session)
        if one.clicks:
            self.reciprocal_ranks.append(fmean(1 / click.rank for click in one.clicks))
        if search.text == WITHHELD:
            self.n_withheld += 1
        elif search.kind is SearchKind.WORDS:
            self._count_words(one)

    def _count_words(self, one: ClickedSearch) -> None:
        search = one.search
        self.by_text[search.folded].count(one)
        for belongs, by_text in (
            (search.total == 0, self.nothing_found),
            (search.is_relaxed, self.relaxed),
            (search.is_corrected, self.corrected),
        ):
            if belongs:
                by_text[search.folded].count(one)


def most_typed(spellings: Counter[str]) -> str:
    """The most frequent of some spellings; of equally frequent ones, the first of the alphabet."""
    return min(spellings, key=lambda text: (-spellings[text], text))


def _listed(by_text: dict[str, _Asked], limit: int) -> tuple[QueryFigures, ...]:
    first = sorted(by_text, key=lambda folded: (-len(by_text[folded].totals), folded))[:limit]
    return tuple(by_text[folded].figures() for folded in first)


def _ranks(shown: Counter[int], clicked: Counter[int]) -> tuple[RankFigures, ...]:
    return tuple(
        RankFigures(rank, shown[rank], clicked[rank])
        for rank in range(1, N_RANKS + 1)
        if shown[rank]
    )


def _days(per_day: dict[date, _Day], until: datetime) -> tuple[DayFigures, ...]:
    if not per_day:
        return ()
    first = min(per_day)
    last = max(*per_day, (until.astimezone(UTC) - timedelta(microseconds=1)).date())
    nothing = _Day()
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    counted = ((day, per_day.get(day, nothing)) for day in days)
    return tuple(DayFigures(day, one.n_searches, len(one.sessions)) for day, one in counted)


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
