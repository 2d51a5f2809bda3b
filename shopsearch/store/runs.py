"""The runs over feeds in SQL, and what each has met so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Exists, delete, exists, func, select, update

from shopsearch.domain import IndexReport
from shopsearch.errors import StoreError
from shopsearch.store.database import Database
from shopsearch.store.statements import askable, chunks, insert_or_skip
from shopsearch.store.tables import FEED_RUN_PRODUCTS, FEED_RUNS, PRODUCTS

ABANDONED_AFTER = timedelta(days=7)  # a run that has not ended by then was killed


class SqlFeedRuns:
    """The `FeedRuns` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, feed: str) -> int:
        """See `FeedRuns.begin`; also forgets what killed runs of long ago have met."""
        now = datetime.now(UTC)
        abandoned = select(FEED_RUNS.c.id).where(
            FEED_RUNS.c.finished_at.is_(None), FEED_RUNS.c.started_at < now - ABANDONED_AFTER
        )
        started = FEED_RUNS.insert().values(feed=feed, started_at=now).returning(FEED_RUNS.c.id)
        with self._database.writing() as connection:
            connection.execute(
                delete(FEED_RUN_PRODUCTS).where(FEED_RUN_PRODUCTS.c.run_id.in_(abandoned))
            )
            return int(connection.execute(started).scalar_one())

    def meet(self, run: int, product_ids: Sequence[str]) -> frozenset[str]:
        """See `FeedRuns.meet`."""
        times = Counter(product_ids)
        with self._database.writing() as connection:
            statement = insert_or_skip(connection, FEED_RUN_PRODUCTS).returning(
                FEED_RUN_PRODUCTS.c.product_id
            )
            rows = [{"run_id": run, "product_id": id_} for id_ in times]
            new = set(connection.execute(statement, rows).scalars()) if rows else set()
        return frozenset(id_ for id_, n in times.items() if n > 1 or id_ not in new)

    def forget(self, run: int, product_ids: Sequence[str]) -> None:
        """See `FeedRuns.forget`."""
        wanted = askable(product_ids)
        if not wanted:
            return
        met = FEED_RUN_PRODUCTS.c
        with self._database.writing() as connection:
            for ids in chunks(wanted):
                connection.execute(
                    delete(FEED_RUN_PRODUCTS).where(met.run_id == run, met.product_id.in_(ids))
                )

    def count_unmet(self, run: int) -> int:
        """See `FeedRuns.count_unmet`."""
        unmet = select(func.count()).select_from(PRODUCTS).where(~_met(run))
        with self._database.reading() as connection:
            return connection.execute(unmet).scalar_one()

    def unmet(self, run: int, limit: int) -> Iterator[Sequence[str]]:
        """See `FeedRuns.unmet`; products may be removed between batches."""
        last_key = 0
        while True:
            statement = (
                select(PRODUCTS.c.key, PRODUCTS.c.product_id)
                .where(PRODUCTS.c.key > last_key, ~_met(run))
                .order_by(PRODUCTS.c.key)
                .limit(limit)
            )
            with self._database.reading() as connection:
                rows = connection.execute(statement).all()
            if not rows:
                return
            last_key = rows[-1].key
            yield [row.product_id for row in rows]

    def finish(self, run: int, report: IndexReport) -> None:
        """See `FeedRuns.finish`."""
        finished = (
            update(FEED_RUNS)
            .where(FEED_RUNS.c.id == run)
            .values(finished_at=datetime.now(UTC), counts=_counts(report))
        )
        with self._database.writing() as connection:
            if connection.execute(finished).rowcount == 0:
                raise StoreError(f"there is no feed run {run}: begin one before it is finished")
            connection.execute(delete(FEED_RUN_PRODUCTS).where(FEED_RUN_PRODUCTS.c.run_id == run))


def _met(run: int) -> Exists:
    """Whether a run has met the product of a row."""
    return exists().where(
        FEED_RUN_PRODUCTS.c.run_id == run,
        FEED_RUN_PRODUCTS.c.product_id == PRODUCTS.c.product_id,
    )


def _counts(report: IndexReport) -> dict[str, Any]:
    counts = asdict(report)
    counts["rejected"] = len(report.rejected)  # a feed can have any number of them
    return counts
