"""What every `FeedRuns` promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from shopsearch.domain import IndexReport, Product, ProductRecord, Rejection
from shopsearch.errors import StoreError
from shopsearch.store import FeedRuns
from shopsearch.store.sql import Database, SqlFeedRuns, SqlProductStore
from shopsearch.store.tables import FEED_RUN_PRODUCTS, FEED_RUNS


@pytest.fixture
def runs(database: Database) -> FeedRuns:
    return SqlFeedRuns(database)


REPORT = IndexReport(
    read=5,
    indexed=2,
    unchanged=1,
    removed=1,
    rejected=(Rejection(3, "c", "no picture"), Rejection(4, "", "no id")),
    generation="20260101T000000000-abcd",
    seconds=1.5,
    texts_encoded=2,
)


def stock(database: Database, *product_ids: str) -> None:
    SqlProductStore(database).upsert(
        [ProductRecord(Product(product_id=id_), "f", None) for id_ in product_ids]
    )


def test_an_id_is_met_once_and_then_known(runs: FeedRuns) -> None:
    run = runs.begin("feed.csv")
    assert runs.meet(run, ["a", "b"]) == frozenset()
    assert runs.meet(run, ["b", "c"]) == {"b"}
    assert runs.meet(run, []) == frozenset()


def test_an_id_that_repeats_in_one_call_is_told(runs: FeedRuns) -> None:
    run = runs.begin("feed.csv")
    assert runs.meet(run, ["a", "b", "a"]) == {"a"}
    assert runs.meet(run, ["a", "b", "c"]) == {"a", "b"}


def test_a_forgotten_id_is_met_anew(runs: FeedRuns) -> None:
    run, other = runs.begin("feed.csv"), runs.begin("feed.csv")
    runs.meet(run, ["a", "b"])
    runs.meet(other, ["a"])
    runs.forget(run, ["a", "never", "a"])
    runs.forget(run, [])
    assert runs.meet(run, ["a", "b"]) == {"b"}
    assert runs.meet(other, ["a"]) == {"a"}


def test_the_unmet_are_counted(database: Database, runs: FeedRuns) -> None:
    stock(database, "a", "b", "c")
    run = runs.begin("feed.csv")
    assert runs.count_unmet(run) == 3
    runs.meet(run, ["a", "elsewhere"])
    assert runs.count_unmet(run) == 2


def test_runs_know_nothing_of_each_other(runs: FeedRuns) -> None:
    first, second = runs.begin("one.csv"), runs.begin("one.csv")
    assert first != second
    runs.meet(first, ["a"])
    assert runs.meet(second, ["a"]) == frozenset()


def test_thousands_of_ids_are_met_at_once(runs: FeedRuns) -> None:
    run = runs.begin("feed.csv")
    ids = [f"id-{n}" for n in range(5000)]
    assert runs.meet(run, ids) == frozenset()
    assert runs.meet(run, ids[2500:]) == set(ids[2500:])


def test_unmet_are_the_stored_products_that_the_run_has_not_seen(
    runs: FeedRuns, database: Database
) -> None:
    stock(database, *"abcdefg")
    run = runs.begin("feed.csv")
    runs.meet(run, ["b", "d", "new"])
    batches = [list(batch) for batch in runs.unmet(run, 2)]
    assert batches == [["a", "c"], ["e", "f"], ["g"]]
    assert list(runs.unmet(runs.begin("other"), 100)) == [list("abcdefg")]


def test_products_may_be_removed_while_the_unmet_are_read(
    runs: FeedRuns, database: Database
) -> None:
    stock(database, *"abcdefg")
    run = runs.begin("feed.csv")
    runs.meet(run, ["d"])
    gone = [id_ for batch in runs.unmet(run, 2) for id_ in SqlProductStore(database).remove(batch)]
    assert gone == list("abcefg")


def test_a_finished_run_keeps_its_report_and_forgets_its_ids(
    runs: FeedRuns, database: Database
) -> None:
    run, other = runs.begin("feed.csv"), runs.begin("other.csv")
    runs.meet(run, ["a"])
    runs.meet(other, ["b"])
    before = datetime.now(UTC)
    runs.finish(run, REPORT)
    with database.reading() as connection:
        row = connection.execute(select(FEED_RUNS).where(FEED_RUNS.c.id == run)).one()
        ids = connection.execute(select(FEED_RUN_PRODUCTS.c.product_id)).scalars().all()
    assert ids == ["b"]
    assert row.feed == "feed.csv"
    assert row.counts["read"] == 5
    assert row.counts["rejected"] == 2
    assert row.counts["generation"] == "20260101T000000000-abcd"
    assert row.started_at <= before <= row.finished_at <= datetime.now(UTC)


def test_a_run_that_was_never_begun_cannot_be_finished_nor_meet(runs: FeedRuns) -> None:
    with pytest.raises(StoreError, match="no feed run 77"):
        runs.finish(77, REPORT)
    with pytest.raises(StoreError):
        runs.meet(77, ["a"])


def test_what_a_run_killed_long_ago_has_met_is_forgotten(
    runs: FeedRuns, database: Database
) -> None:
    old, recent = runs.begin("old.csv"), runs.begin("recent.csv")
    runs.meet(old, ["a"])
    runs.meet(recent, ["b"])
    with database.writing() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=8)
        connection.execute(
            update(FEED_RUNS).where(FEED_RUNS.c.id == old).values(started_at=long_ago)
        )
    runs.begin("new.csv")
    assert runs.meet(old, ["a"]) == frozenset()
    assert runs.meet(recent, ["b"]) == {"b"}
