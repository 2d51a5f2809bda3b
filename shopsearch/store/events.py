"""What visitors did with products, in SQL."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from shopsearch.domain import Event, EventKind, Popular, Together
from shopsearch.store.base import Baskets
from shopsearch.store.database import Database
from shopsearch.store.statements import askable, chunks, insert_into, insert_or_skip
from shopsearch.store.tables import BASKETS, EVENTS, VISITOR_SECRET

SECRET_BYTES = 32
HASH_BYTES = 16  # half of an HMAC-SHA256, as RFC 2104 (section 5) allows
PRUNED_AT_ONCE = 5_000  # events; so that no other writer waits for long

_EVENT = EVENTS.c
_IS_BOUGHT = _EVENT.basket.is_not(None)


class SqlEventStore:
    """The `EventStore` on SQLite or PostgreSQL.

    Visitors and orders are kept as HMAC-SHA256 under a secret of this database. It is read anew in
    each transaction: whoever restores a database restores its secret, and no process has an older.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, events: Sequence[Event]) -> int:
        """See `EventStore.write`."""
        storable = set(askable(one.product_id for one in events))
        ids = set(askable(one.event_id for one in events))
        # sorted, so that writers of the same events wait for each other in one order
        first = {one.event_id: one for one in reversed(events)}
        kept = [first[id_] for id_ in sorted(ids) if first[id_].product_id in storable]
        if not kept:
            return 0
        with self._database.writing() as connection:
            secret = _made_secret(connection)
            rows = {one.event_id: _row(one, secret) for one in kept}
            statement = insert_or_skip(connection, EVENTS).returning(_EVENT.event_id)
            new = list(connection.execute(statement, list(rows.values())).scalars())
            _count_baskets(connection, [rows[id_] for id_ in new])
        return len(new)

    def of_visitor(self, visitor: str, *, limit: int) -> Sequence[Event]:
        """See `EventStore.of_visitor`."""
        with self._database.reading() as connection:
            known = _visitor_hash(_secret(connection), visitor)
            if known is None:
                return []
            asked = select(EVENTS).where(_EVENT.visitor == known)
            newest = asked.order_by(_EVENT.at.desc(), _EVENT.event_id).limit(limit)
            return [_event(row, visitor) for row in connection.execute(newest)]

    def together(self, product_id: str, since: datetime, *, limit: int) -> Baskets:
        """See `EventStore.together`."""
        if not askable([product_id]):
            product_id = ""  # no product, which is in no basket
        mine = (
            select(_EVENT.basket)
            .where(_EVENT.product_id == product_id, _EVENT.at >= since, _IS_BOUGHT)
            .distinct()
            .subquery()
        )
        n_together = func.count(_EVENT.basket.distinct())
        others = (
            select(_EVENT.product_id, n_together)
            .join(mine, mine.c.basket == _EVENT.basket)
            .where(_EVENT.product_id != product_id, _EVENT.at >= since, _IS_BOUGHT)
            .group_by(_EVENT.product_id)
            .order_by(n_together.desc(), _EVENT.product_id)
            .limit(limit)
        )
        all_since = select(func.count()).select_from(BASKETS).where(BASKETS.c.at >= since)
        with self._database.reading() as connection:
            n_all = connection.execute(all_since).scalar_one()
            n_mine = connection.execute(select(func.count()).select_from(mine)).scalar_one()
            found = [(row[0], row[1]) for row in connection.execute(others)]
            n_baskets = _baskets_of(connection, [other for other, _ in found], since)
        return Baskets(n_all, n_mine, [Together(one, n, n_baskets[one]) for one, n in found])

    def popular(
        self, since: datetime, until: datetime, kinds: Sequence[EventKind], *, limit: int
    ) -> Sequence[Popular]:
        """See `EventStore.popular`."""
        n_events = func.count()
        found = (
            select(_EVENT.product_id, n_events)
            .where(_EVENT.kind.in_(_values(kinds)), _EVENT.at >= since, _EVENT.at < until)
            .group_by(_EVENT.product_id)
            .order_by(n_events.desc(), _EVENT.product_id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [Popular(row[0], row[1]) for row in connection.execute(found)]

    def prune(self, before: datetime) -> int:
        """See `EventStore.prune`."""
        # by kind, as the index begins with it
        old = select(_EVENT.event_id).where(_EVENT.kind.in_(_values(EventKind)), _EVENT.at < before)
        some = delete(EVENTS).where(_EVENT.event_id.in_(old.limit(PRUNED_AT_ONCE)))
        n_gone, n_last = 0, PRUNED_AT_ONCE
        while n_last == PRUNED_AT_ONCE:
            with self._database.writing() as connection:
                n_last = connection.execute(some).rowcount
                if n_last < PRUNED_AT_ONCE:  # a basket as old as that has no purchase any more
                    connection.execute(delete(BASKETS).where(BASKETS.c.at < before))
            n_gone += n_last
        return n_gone

    def erase(self, visitor: str) -> int:
        """See `EventStore.erase`. The secret stays: without it, nobody else could be found."""
        with self._database.writing() as connection:
            known = _visitor_hash(_secret(connection), visitor)
            if known is None:
                return 0
            mine = select(_EVENT.basket).where(_EVENT.visitor == known, _IS_BOUGHT).distinct()
            baskets = list(connection.execute(mine).scalars())
            n_gone = connection.execute(delete(EVENTS).where(_EVENT.visitor == known)).rowcount
            _recount_baskets(connection, baskets)
        return n_gone


def _secret(connection: Connection) -> bytes | None:
    kept = connection.execute(select(VISITOR_SECRET.c.secret)).scalar()
    return None if kept is None else bytes(kept)


def _made_secret(connection: Connection) -> bytes:
    """The secret; made where nobody has written an event before, by whoever comes first."""
    if (kept := _secret(connection)) is not None:
        return kept
    made = secrets.token_bytes(SECRET_BYTES)
    connection.execute(insert_or_skip(connection, VISITOR_SECRET), {"id": 1, "secret": made})
    return _secret(connection) or made


def _hashed(secret: bytes, kind: str, *names: str) -> bytes:
    """What `kind` of thing is hashed keeps an order from being taken for a visitor."""
    said = "\x00".join((kind, *names)).encode(errors="surrogatepass")
    return hmac.new(secret, said, hashlib.sha256).digest()[:HASH_BYTES]


def _visitor_hash(secret: bytes | None, visitor: str) -> bytes | None:
    """None for nobody, and where nobody was ever kept."""
    return _hashed(secret, "visitor", visitor) if visitor and secret else None


def _basket_hash(secret: bytes, event: Event) -> bytes | None:
    if event.kind is not EventKind.PURCHASE:
        return None
    if event.order_id:
        return _hashed(secret, "order", event.order_id)
    if event.visitor:
        day = event.at.astimezone(UTC).date().isoformat()
        return _hashed(secret, "day", event.visitor, day)
    return _hashed(secret, "event", event.event_id)


def _row(event: Event, secret: bytes) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "kind": event.kind.value,
        "product_id": event.product_id,
        "at": event.at,
        "visitor": _visitor_hash(secret, event.visitor),
        "basket": _basket_hash(secret, event),
        "quantity": event.quantity,
    }


def _event(row: Row[Any], visitor: str) -> Event:
    return Event(
        event_id=row.event_id,
        kind=EventKind(row.kind),
        product_id=row.product_id,
        at=row.at,
        visitor=visitor,
        order_id="" if row.basket is None else bytes(row.basket).hex(),
        quantity=row.quantity,
    )


def _count_baskets(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Note the baskets of new purchases, with the latest of each."""
    latest: dict[bytes, datetime] = {}
    for row in rows:
        if (basket := row["basket"]) is not None:
            latest[basket] = max(row["at"], latest.get(basket, row["at"]))
    if latest:
        statement = insert_into(connection, BASKETS)
        later = statement.on_conflict_do_update(
            index_elements=["basket"],
            set_={"at": statement.excluded.at},
            where=BASKETS.c.at < statement.excluded.at,
        )
        connection.execute(later, [{"basket": one, "at": latest[one]} for one in sorted(latest)])


def _recount_baskets(connection: Connection, baskets: Sequence[bytes]) -> None:
    """Baskets from which purchases were taken: an order may hold some of others."""
    left = select(_EVENT.basket, func.max(_EVENT.at)).group_by(_EVENT.basket)
    for some in chunks(baskets):
        connection.execute(delete(BASKETS).where(BASKETS.c.basket.in_(some)))
        again = BASKETS.insert().from_select(["basket", "at"], left.where(_EVENT.basket.in_(some)))
        connection.execute(again)


def _baskets_of(
    connection: Connection, product_ids: Sequence[str], since: datetime
) -> dict[str, int]:
    """In how many baskets each of these products was."""
    n_baskets = func.count(_EVENT.basket.distinct())
    asked = select(_EVENT.product_id, n_baskets).group_by(_EVENT.product_id)
    return {
        row[0]: row[1]
        for some in chunks(product_ids)
        for row in connection.execute(
            asked.where(_EVENT.product_id.in_(some), _EVENT.at >= since, _IS_BOUGHT)
        )
    }


def _values(kinds: Iterable[EventKind]) -> list[str]:
    return [kind.value for kind in kinds]
