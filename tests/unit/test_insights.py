"""Figures and judgments from the search log, against numbers worked out by hand."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import WITHHELD, ClickedSearch, LoggedClick, LoggedSearch, SearchKind
from shopsearch.errors import InsightsError
from shopsearch.evaluation.queries import read_qrels, read_queries
from shopsearch.insights.judgments import Judgments, judge, write_judgments
from shopsearch.insights.report import write_report
from shopsearch.insights.summary import Insights, summarise

from .test_evaluation_report import HOSTILE, Page

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = datetime(2026, 3, 5, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def searched(
    text: str = "mug",
    shown: str = "abc",
    clicks: str = "",
    *,
    session: str | None = "s1",
    day: int = 2,
    kind: SearchKind = SearchKind.WORDS,
    page: int = 1,
    size: int = 3,
    total: int = 10,
    took_ms: float = 10.0,
    **flags: bool,
) -> ClickedSearch:
    """A search that showed and clicked products named by a letter each."""
    search = LoggedSearch(
        search_id="x",
        at=datetime(2026, 3, day, 12, tzinfo=UTC),
        session=session,
        text=text,
        kind=kind,
        page=page,
        total=total,
        first_rank=(page - 1) * size + 1,
        product_ids=tuple(shown),
        took_ms=took_ms,
        generation="g",
        **flags,
    )
    ranks = {product_id: search.rank_of(product_id) or 0 for product_id in clicks}
    made = sorted((LoggedClick("x", p, rank, search.at) for p, rank in ranks.items()), key=by_rank)
    return ClickedSearch(search, tuple(made))


def by_rank(click: LoggedClick) -> int:
    return click.rank


def summary(*searches: ClickedSearch, limit: int = 10) -> Insights:
    return summarise(searches, SINCE, UNTIL, limit=limit)


def names(listed: Iterable[object]) -> list[str]:
    return [one.text for one in listed]  # type: ignore[attr-defined]


def test_a_log_without_anything_has_no_rates() -> None:
    nothing = summary()
    assert (nothing.n_searches, nothing.n_sessions, nothing.days, nothing.ranks) == (0, 0, (), ())
    document = nothing.as_json()
    for name in ("click_through", "mean_reciprocal_click_rank", "latency_ms"):
        assert document[name] is None


def test_click_through_and_reciprocal_ranks_are_as_worked_out_by_hand() -> None:
    found = summary(
        searched(clicks="a"),  # 1
        searched(clicks="bc", session="s2"),  # (1/2 + 1/3) / 2 = 5/12
        searched(session="s3"),  # no click: no word about ranks
        searched(text="cup", session=None),
        searched(shown="def", clicks="d", page=2),  # a click, but no search
    )
    assert (found.n_searches, found.n_further_pages, found.n_sessions) == (4, 1, 3)
    assert (found.n_clicks, found.n_clicked) == (4, 2)
    assert found.click_through == pytest.approx(2 / 4)
    assert found.mean_reciprocal_click_rank == pytest.approx((1 + 5 / 12) / 2)
    rates = [(one.rank, one.n_shown, one.n_clicks) for one in found.ranks]
    assert rates == [(1, 4, 1), (2, 4, 1), (3, 4, 1), (4, 1, 1), (5, 1, 0), (6, 1, 0)]


def test_queries_are_counted_whatever_their_case_and_told_as_most_typed() -> None:
    found = summary(
        searched("Mug", total=4, took_ms=10, session="s1"),
        searched("mug", total=8, took_ms=30, session="s2", clicks="b"),
        searched("mug", total=9, took_ms=20, session="s2", is_filtered=True),
        searched("lamp", session="s1"),
        searched("apron", session="s1"),
    )
    assert names(found.top) == ["mug", "apron", "lamp"]
    mug = found.top[0]
    assert (mug.n_searches, mug.n_sessions, mug.n_clicked, mug.n_filtered) == (3, 2, 1, 1)
    assert (mug.mean_total, mug.p50_ms) == (7.0, 20.0)
    assert mug.click_through == pytest.approx(1 / 3)
    assert names(summary(searched("a"), searched("b"), limit=1).top) == ["a"]


def test_what_went_wrong_is_listed_by_what_went_wrong() -> None:
    found = summary(
        searched("mug", clicks="a"),
        searched("mug", total=0, shown=""),
        searched("lampp", is_corrected=True),
        searched("blue unicorn", is_relaxed=True),
        searched("deep"),
        searched("deep", shown="def", page=2, clicks="e"),  # found, but late
    )
    assert names(found.nothing_found) == ["mug"]
    assert found.nothing_found[0].n_searches == 1
    assert names(found.corrected) == ["lampp"]
    assert names(found.relaxed) == ["blue unicorn"]
    assert names(found.not_clicked) == ["blue unicorn", "lampp"]


def test_withheld_words_and_other_kinds_are_counted_and_not_listed() -> None:
    found = summary(
        searched(WITHHELD),
        searched("", kind=SearchKind.PICTURE),
        searched("red", kind=SearchKind.BOTH),
    )
    assert (found.n_withheld, found.top) == (1, ())
    assert dict(found.kinds) == {
        SearchKind.WORDS: 1,
        SearchKind.PICTURE: 1,
        SearchKind.BOTH: 1,
    }


def test_no_day_is_left_out_between_the_first_and_the_end() -> None:
    found = summary(searched(day=2), searched(day=2, session="s2"), searched(day=4))
    assert [(one.day, one.n_searches, one.n_sessions) for one in found.days] == [
        (date(2026, 3, 2), 2, 2),
        (date(2026, 3, 3), 0, 0),
        (date(2026, 3, 4), 1, 1),
    ]


def test_latency_is_of_all_pages() -> None:
    found = summary(*(searched(took_ms=float(ms), page=1 + ms % 2) for ms in range(1, 102)))
    assert found.latency is not None
    assert (found.latency.p50, found.latency.p95, found.latency.p99) == (51.0, 96.0, 100.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "A", "b", "ß", "SS"]),
            st.sets(st.sampled_from("pqr")),
            st.integers(1, 2),
        ),
        max_size=30,
    )
)
def test_figures_agree_with_counting(rows: list[tuple[str, set[str], int]]) -> None:
    searches = [
        searched(text, "pqr", "".join(clicks), page=page, session=f"s{n % 4}")
        for n, (text, clicks, page) in enumerate(rows)
    ]
    found = summary(*searches, limit=100)
    first = [row for row in rows if row[2] == 1]
    assert found.n_searches + found.n_further_pages == len(rows)
    assert sum(one.n_searches for one in found.top) == found.n_searches == len(first)
    assert sum(one.n_clicked for one in found.top) == found.n_clicked
    assert sum(one.n_clicks for one in found.ranks) == found.n_clicks
    assert len(found.top) == len({text.casefold() for text, _, _ in first})
    assert found.n_clicked == sum(bool(clicks) for _, clicks, _ in first)


# Judgments


def everybody(product_ids: Sequence[str]) -> Sequence[str]:
    return product_ids


def judged(searches: Sequence[ClickedSearch], **bounds: int) -> Judgments:
    return judge(lambda: searches, everybody, **bounds)


def many(n: int, text: str, shown: str, clicks: str = "", *, first: int = 0) -> list[ClickedSearch]:
    """The same search of n sessions."""
    return [searched(text, shown, clicks, session=f"s{first + k}") for k in range(n)]


# 100 sessions saw `ab` for mug: 60 clicked a, 20 clicked b. So rank 1 is worth 0.6, and rank 2 0.2.
MUGS = [
    *many(60, "mug", "ab", "a"),
    *many(20, "mug", "ab", "b", first=60),
    *many(20, "mug", "ab", first=80),
]


def gains(judgments: Judgments, text: str) -> dict[str, float]:
    (query_id,) = (key for key, told in judgments.texts.items() if told == text)
    return dict(judgments.qrels[query_id])


def test_a_product_that_its_places_explain_has_gain_one() -> None:
    found = judged(MUGS)
    assert found.rates == pytest.approx([0.6, 0.2])
    assert gains(found, "mug") == {"a": pytest.approx(1.0), "b": pytest.approx(1.0)}


def test_clicks_count_more_further_down() -> None:
    # 10 further sessions: c stands first and is clicked twice, d stands second and is clicked twice
    lamps = [*many(2, "lamp", "cd", "cd"), *many(8, "lamp", "cd", first=2)]
    found = judged([*MUGS, *lamps])
    first, second = 62 / 110, 22 / 110
    assert found.rates == pytest.approx([first, second])
    assert gains(found, "lamp") == {
        "d": pytest.approx(3 / (10 * second + 1)),
        "c": pytest.approx(3 / (10 * first + 1)),
    }


def test_what_nobody_clicked_has_gain_zero_and_what_few_saw_has_none() -> None:
    lamps = [*many(5, "lamp", "cde", "c"), *many(4, "lamp", "cdz", first=5)]
    found = judged([*MUGS, *lamps])
    assert gains(found, "lamp").keys() == {"c", "d", "e"}  # z was shown to four
    assert [gains(found, "lamp")[product] for product in "de"] == [0.0, 0.0]
    assert "z" in gains(judged([*MUGS, *lamps], min_shown=4), "lamp")


def test_gains_end_at_three() -> None:
    late = [searched("cup", "mnopqrst", "t", session=f"s{n}") for n in range(40)]
    found = judged([*MUGS, *late, *many(900, "tray", "abcdefgh", first=1000)])
    assert gains(found, "cup")["t"] == 3.0


def test_a_session_counts_once_however_often_it_asks_and_clicks() -> None:
    again = [searched("mug", "ab", "a", session="s0") for _ in range(500)]
    assert judged([*MUGS, *again]) == judged(MUGS)
    # it saw b at rank 2 and clicked it at rank 3: there it counts
    moved = [searched("mug", "xyb", "b", session=f"s{n}") for n in range(80, 90)]
    rates = judged([*MUGS, *moved]).rates
    assert rates == pytest.approx([60 / 110, (20 + 10) / (100 + 10), (20 + 10) / (100 + 10)])


def test_queries_that_few_sessions_asked_are_not_exported() -> None:
    rare = many(2, "rare", "abcde", "a")
    assert set(judged([*MUGS, *rare], min_shown=1).texts.values()) == {"mug"}
    wide = judged([*MUGS, *rare], min_sessions=2, min_shown=1)
    assert set(wide.texts.values()) == {"mug", "rare"}


@pytest.mark.parametrize(
    "other",
    [
        {"is_filtered": True},
        {"is_sorted": True},
        {"kind": SearchKind.BOTH},
        {"session": None},
        {"text": WITHHELD},
    ],
    ids=str,
)
def test_only_plain_searches_tell(other: dict[str, object]) -> None:
    strange = [
        searched(**{"text": "odd", "shown": "ab", "clicks": "b", "session": f"s{n}", **other})
        for n in range(50)
    ]
    assert judged([*MUGS, *strange]) == judged(MUGS)


def test_products_that_are_gone_are_left_out() -> None:
    found = judge(lambda: MUGS, lambda ids: [one for one in ids if one != "a"])
    assert gains(found, "mug").keys() == {"b"}


def test_rates_never_rise_with_the_rank() -> None:
    # rank 3 is clicked more than rank 2, so both get their common mean: (0 + 40) / 200
    searches = [*many(60, "mug", "abc", "a"), *many(40, "mug", "abc", "c", first=60)]
    assert judged(searches).rates == pytest.approx([0.6, 0.2, 0.2])


@pytest.mark.parametrize(
    ("searches", "bounds", "told"),
    [
        ([], {}, "0 clicks.*50 are needed"),
        (many(49, "mug", "ab", "a"), {}, "49 clicks.*--days"),
        (MUGS, {"min_sessions": 101}, "none of the 1 queries.*101 sessions.*--min-sessions"),
        (MUGS, {"min_shown": 101}, "101 sessions saw ever clicked.*--min-shown"),
    ],
)
def test_a_log_that_is_too_small_is_refused_with_what_is_missing(
    searches: list[ClickedSearch], bounds: dict[str, int], told: str
) -> None:
    with pytest.raises(InsightsError, match=told):
        judged(searches, **bounds)


def test_what_is_exported_is_what_evaluate_reads(tmp_path: Path) -> None:
    odd = [searched('5" "quote", größe', ["a,b", 'q"'], session=f"s{n}") for n in range(9)]  # type: ignore[arg-type]
    clicked = [ClickedSearch(one.search, (LoggedClick("x", 'q"', 2, NOON),)) for one in odd]
    found = judged([*MUGS, *clicked])
    write_judgments(tmp_path / "new" / "folder", found)
    queries = read_queries(tmp_path / "new" / "folder" / "queries.jsonl")
    qrels = read_qrels(tmp_path / "new" / "folder" / "qrels.csv")
    assert {one.query_id: one.text for one in queries} == dict(found.texts)
    assert qrels.keys() == found.qrels.keys()
    for query_id, told in found.qrels.items():
        assert qrels[query_id] == {p: pytest.approx(gain, abs=5e-4) for p, gain in told.items()}


# The report


def full() -> Insights:
    return summary(
        *MUGS,
        searched(HOSTILE, total=0, shown=""),
        searched("lampp", is_corrected=True, is_relaxed=True, day=4),
        searched(WITHHELD),
    )


def test_the_report_shows_everything_and_escapes_what_people_typed(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", full())
    source = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(source)
    assert HOSTILE in page.text
    assert "script" not in page.tags
    assert "<img" not in source
    assert page.tags.count("svg") == 3
    for said in ("103", "Click-through", "lampp", "were not kept", "77.7 %"):
        assert said in page.text
    assert not [value for _, value in page.attributes if value and value.startswith("http")]


def test_a_report_without_searches_says_so(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", summary())
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "Nothing is logged in this time" in page.text
    assert "svg" not in page.tags


def test_a_report_without_clicks_and_of_one_day_is_written(tmp_path: Path) -> None:
    one_day = summarise([searched()], SINCE, NOON + timedelta(hours=1), limit=3)
    write_report(tmp_path / "report.html", one_day)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.tags.count("svg") == 2


def test_the_document_is_plain_json_with_stable_keys() -> None:
    document = json.loads(json.dumps(full().as_json(), allow_nan=False))
    assert set(document) == {
        *("since", "until", "searches", "further_pages", "sessions", "clicks", "click_through"),
        *("mean_reciprocal_click_rank", "withheld", "kinds", "top_queries", "nothing_found"),
        *("not_clicked", "relaxed", "corrected", "clicks_by_rank", "per_day", "latency_ms"),
    }
    assert set(document["top_queries"][0]) == {
        *("query", "searches", "sessions", "filtered", "click_through", "mean_total", "p50_ms")
    }


def test_the_qrels_have_a_header(tmp_path: Path) -> None:
    write_judgments(tmp_path, judged(MUGS))
    with (tmp_path / "qrels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["query_id", "product_id", "gain"]
    assert [row[2] for row in rows[1:]] == ["1.000", "1.000"]
