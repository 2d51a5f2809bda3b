"""How popular products are, by what visitors did with them.

An event counts by its kind, and half as much for each half of the days that are looked at:

    popularity = sum of weight(kind) * 2^(-2 d / N)

where d is how many whole days ago the event was, and N the days looked at. So an event of today
counts fully, one of N/2 days ago half, and the oldest a quarter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shopsearch.domain import EventKind, Product
from shopsearch.store import EventStore

WEIGHTS: Mapping[EventKind, float] = {
    EventKind.VIEW: 1.0,
    EventKind.CLICK: 2.0,
    EventKind.CART: 5.0,
    EventKind.PURCHASE: 10.0,
}
FIELD = "popularity"
_DIGITS = 4
_ALL = 2**31 - 1


def popularity(store: EventStore, until: datetime, days: int) -> dict[str, float]:
    """The popularity of each product with an event in the days before a moment, highest first."""
    scores: dict[str, float] = defaultdict(float)
    for age in range(days):
        end = until - timedelta(days=age)
        fading = 2.0 ** (-2.0 * age / days)
        for kind, weight in WEIGHTS.items():
            for one in store.popular(end - timedelta(days=1), end, [kind], limit=_ALL):
                scores[one.product_id] += weight * fading * one.n_events
    rounded = {product_id: round(score, _DIGITS) for product_id, score in scores.items()}
    return dict(sorted(rounded.items(), key=lambda pair: (-pair[1], pair[0])))


def changed(products: Iterable[Product], scores: Mapping[str, float]) -> Iterator[Product]:
    """The products that have another popularity now, with it; who lost all theirs has 0."""
    for product in products:
        before = product.attributes.get(FIELD)
        if before is None and product.product_id not in scores:
            continue
        now = plain_number(scores.get(product.product_id, 0.0))
        if now != before:
            yield replace(product, attributes={**product.attributes, FIELD: now})


def plain_number(score: float) -> str:
    """As a feed has numbers: digits and a point."""
    return f"{score:.{_DIGITS}f}".rstrip("0").rstrip(".")


def n_by_kind(store: EventStore, since: datetime, until: datetime) -> dict[str, int]:
    """How many events of each kind there were."""
    return {
        kind.value: sum(one.n_events for one in store.popular(since, until, [kind], limit=_ALL))
        for kind in EventKind
    }
