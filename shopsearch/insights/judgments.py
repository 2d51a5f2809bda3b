"""Judgments from clicks, for `evaluate` and `train ranking`.

What stands first is clicked more than it deserves, so a click is weighed by its place: the gain of
a product for a query is how many clicks it got over how many it would have got for its places alone
(COEC, clicks over expected clicks: Zhang & Jones, Comparing Click Logs and Editorial Labels for
Training Query Rewriting, WWW 2007 workshop on query log analysis).

- How often a rank is clicked, whatever stands there, is estimated from the log itself. Further down
  people look less (the examination hypothesis: Craswell et al., An Experimental Comparison of Click
  Position-Bias Models, WSDM 2008), so it is the non-increasing rate that is nearest to the counted
  ones, weighted by showings.
- A session counts once for a query and a product, however often it asked and clicked: at the rank
  where it clicked, or else the best where it saw the product.
- Clicks c over expected clicks e are smoothed, (c + 1) / (e + 1), the mean that a gamma prior of
  shape and rate 1 gives. 1 is a product that is clicked as often as its places explain; gains end
  at 3. What nobody clicked, though it was shown often enough, has gain 0.

Only plain searches tell: words alone, by relevance, without a filter, of a known session.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from pathlib import Path

from shopsearch.domain import WITHHELD, ClickedSearch, SearchKind
from shopsearch.errors import InsightsError
from shopsearch.insights.summary import most_typed
from shopsearch.preprocessing.atomic import write_atomically

FEWEST_CLICKS = 50  # fewer do not tell how often a rank is clicked
MIN_SESSIONS = 3
MIN_SHOWN = 5
MAX_GAIN = 3.0
SMOOTHING = 1.0  # clicks, and expected clicks
QUERIES_FILE, QRELS_FILE = "queries.jsonl", "qrels.csv"

Read = Callable[[], Iterable[ClickedSearch]]
Known = Callable[[Sequence[str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class Judgments:
    """Queries by id, and the gains of products for each of them."""

    texts: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, float]]
    rates: Sequence[float]  # the chance of a click at rank 1, 2, ...
    n_sessions: int  # that asked these queries

    @property
    def n_judgments(self) -> int:
        """How many pairs of query and product have a gain."""
        return sum(map(len, self.qrels.values()))


def judge(
    read: Read, known: Known, *, min_sessions: int = MIN_SESSIONS, min_shown: int = MIN_SHOWN
) -> Judgments:
    """The judgments of the queries that at least so many sessions asked, about the products that at
    least so many of them saw, and that are `known` still. `read` is called twice.

    Raises `InsightsError` where the log is too small.
    """
    asked = _asked(read())
    wide = {text for text, sessions in asked.items() if len(sessions) >= min_sessions}
    seen = _Seen(wide)
    for one in _plain(read()):
        seen.see(one)
    seen.end_day()
    _refuse_little(seen, len(asked), len(wide), min_sessions)
    rates = _non_increasing(seen.shown, seen.clicked)
    gains = {text: _gains(seen.by_text[text], rates, min_shown) for text in sorted(wide)}
    alive = known(sorted({product for each in gains.values() for product in each}))
    kept = {
        text: {product: gain for product, gain in each.items() if product in alive}
        for text, each in gains.items()
    }
    told = {text: each for text, each in kept.items() if any(each.values())}
    if not told:
        raise InsightsError(
            f"{len(wide)} queries of {min_sessions} sessions or more are in the log, but of none "
            f"was a product that {min_shown} sessions saw ever clicked; wait for more searches, or "
            "ask less with --min-shown"
        )
    return Judgments(
        texts={_query_id(text): most_typed(seen.by_text[text].spellings) for text in told},
        qrels={_query_id(text): each for text, each in told.items()},
        rates=rates,
        n_sessions=sum(len(asked[text]) for text in told),
    )


def write_judgments(folder: Path, judgments: Judgments) -> None:
    """`queries.jsonl` and `qrels.csv` in a folder, which is made; each whole or not at all.

    Raises `InsightsError` where they cannot be written.
    """
    lines = [
        json.dumps({"query_id": query_id, "text": text}, ensure_ascii=False) + "\n"
        for query_id, text in judgments.texts.items()
    ]
    table = io.StringIO(newline="")
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("query_id", "product_id", "gain"))
    for query_id, gains in judgments.qrels.items():
        rows.writerows((query_id, product_id, f"{gain:.3f}") for product_id, gain in gains.items())
    try:
        write_atomically(folder / QUERIES_FILE, "".join(lines).encode())
        write_atomically(folder / QRELS_FILE, table.getvalue().encode())
    except OSError as error:
        raise InsightsError(
            f"the judgments cannot be written to {str(folder)!r} ({error.strerror}); name a folder "
            "that can be made or written to"
        ) from error


@dataclass(slots=True)
class _Product:
    """How often sessions saw a product for a query, by rank, and how often they clicked it."""

    shown: Counter[int] = field(default_factory=Counter)
    n_clicks: int = 0


@dataclass(slots=True)
class _Text:
    """What was seen for the same words."""

    spellings: Counter[str] = field(default_factory=Counter)
    products: defaultdict[str, _Product] = field(default_factory=lambda: defaultdict(_Product))


@dataclass(slots=True)
class _Seen:
    """What sessions saw and clicked: of all by rank, of the `wide` queries by product too.

    A session ends with its day, so a day at a time is held.
    """

    wide: Collection[str]
    by_text: defaultdict[str, _Text] = field(default_factory=lambda: defaultdict(_Text))
    shown: Counter[int] = field(default_factory=Counter)  # by rank
    clicked: Counter[int] = field(default_factory=Counter)
    _day: date | None = None
    # (words, session) -> product -> (not clicked, rank): the least of several counts
    _today: dict[tuple[str, str], dict[str, tuple[bool, int]]] = field(default_factory=dict)

    def see(self, one: ClickedSearch) -> None:
        search = one.search
        if (day := search.at.astimezone(UTC).date()) != self._day:
            self.end_day()
            self._day = day
        if search.folded in self.wide:
            self.by_text[search.folded].spellings[search.text] += 1
        ranks = self._today.setdefault((search.folded, search.session or ""), {})
        clicked = {click.product_id for click in one.clicks}
        for rank, product_id in enumerate(search.product_ids, start=search.first_rank):
            seen = (product_id not in clicked, rank)
            ranks[product_id] = min(seen, ranks.get(product_id, seen))

    def end_day(self) -> None:
        for (text, _), ranks in self._today.items():
            for is_not_clicked, rank in ranks.values():
                self.shown[rank] += 1
                self.clicked[rank] += not is_not_clicked
            if text in self.wide:
                self._count_products(self.by_text[text].products, ranks)
        self._today.clear()

    @staticmethod
    def _count_products(
        products: defaultdict[str, _Product], ranks: Mapping[str, tuple[bool, int]]
    ) -> None:
        for product_id, (is_not_clicked, rank) in ranks.items():
            products[product_id].shown[rank] += 1
            products[product_id].n_clicks += not is_not_clicked


def _plain(searches: Iterable[ClickedSearch]) -> Iterator[ClickedSearch]:
    """Those that tell how good products are for words."""
    for one in searches:
        search = one.search
        is_plain = search.kind is SearchKind.WORDS and not (search.is_filtered or search.is_sorted)
        if is_plain and search.session is not None and search.text != WITHHELD:
            yield one


def _asked(searches: Iterable[ClickedSearch]) -> dict[str, set[str]]:
    """The sessions that asked, by words."""
    asked: defaultdict[str, set[str]] = defaultdict(set)
    for one in _plain(searches):
        asked[one.search.folded].add(one.search.session or "")
    return dict(asked)


def _refuse_little(seen: _Seen, n_asked: int, n_wide: int, min_sessions: int) -> None:
    if (n_clicks := seen.clicked.total()) < FEWEST_CLICKS:
        raise InsightsError(
            f"the log holds {n_clicks} clicks on plain searches by words, too few to tell what a "
            f"place alone is worth: {FEWEST_CLICKS} are needed; wait for more, or look further "
            "back with --days"
        )
    if not n_wide:
        raise InsightsError(
            f"none of the {n_asked} queries in the log was asked by {min_sessions} sessions or "
            "more; wait for more searches, look further back with --days, or ask less with "
            "--min-sessions"
        )


def _non_increasing(shown: Counter[int], clicked: Counter[int]) -> list[float]:
    """The rate of clicks by rank: the non-increasing one that is nearest to what was counted
    (pool adjacent violators: Ayer et al. 1955).
    """
    pools: list[tuple[int, int, int]] = []  # clicks, showings, ranks
    for rank in range(1, max(shown) + 1):
        pools.append((clicked[rank], shown[rank], 1))
        while len(pools) > 1 and _rate(pools[-2]) <= _rate(pools[-1]):
            last, before = pools.pop(), pools.pop()
            pools.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return [_rate(pool) for pool in pools for _ in range(pool[2])]


def _rate(pool: tuple[int, int, int]) -> float:
    """A rank that nobody was shown joins the one before it."""
    n_clicks, n_shown, _ = pool
    return n_clicks / n_shown if n_shown else float("inf")


def _gains(text: _Text, rates: Sequence[float], min_shown: int) -> dict[str, float]:
    """By product, the best first."""
    gains = {
        product_id: _gain(one, rates)
        for product_id, one in text.products.items()
        if one.shown.total() >= min_shown
    }
    return dict(sorted(gains.items(), key=lambda pair: (-pair[1], pair[0])))


def _gain(product: _Product, rates: Sequence[float]) -> float:
    if not product.n_clicks:
        return 0.0
    expected = sum(n * rates[rank - 1] for rank, n in product.shown.items())
    return min(MAX_GAIN, (product.n_clicks + SMOOTHING) / (expected + SMOOTHING))


def _query_id(folded: str) -> str:
    """The same for the same words in every export."""
    return hashlib.sha256(folded.encode()).hexdigest()[:12]
