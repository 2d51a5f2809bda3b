"""Events in memory: what an evaluation learns from, without a database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shopsearch.domain import Event, EventKind, Popular, Together
from shopsearch.store.base import Baskets

_Basket = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Counted:
    """The baskets since some moment."""

    n_baskets: int
    holding: Mapping[str, Sequence[set[str]]]  # product -> the baskets that hold it

    @classmethod
    def of(cls, purchases: Iterable[Event]) -> _Counted:
        baskets: defaultdict[_Basket, set[str]] = defaultdict(set)
        for event in purchases:
            baskets[_basket(event)].add(event.product_id)
        holding: defaultdict[str, list[set[str]]] = defaultdict(list)
        for basket in baskets.values():
            for product_id in basket:
                holding[product_id].append(basket)
        return cls(len(baskets), holding)


class ListedEvents:
    """An `EventStore` that ends with its process. One thread at a time."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events: dict[str, Event] = {}
        self._counted: dict[datetime, _Counted] = {}  # by `since`, until something changes
        self.write([*events])

    def write(self, events: Sequence[Event]) -> int:
        """See `EventStore.write`."""
        before = len(self._events)
        self._counted.clear()
        for event in events:
            self._events.setdefault(event.event_id, event)
        return len(self._events) - before

    def of_visitor(self, visitor: str, *, limit: int) -> Sequence[Event]:
        """See `EventStore.of_visitor`."""
        if not visitor:
            return []
        own = [one for one in self._events.values() if one.visitor == visitor]
        return sorted(own, key=lambda one: one.at, reverse=True)[:limit]

    def together(self, product_id: str, since: datetime, *, limit: int) -> Baskets:
        """See `EventStore.together`."""
        counted = self._counted_since(since)
        holding = counted.holding.get(product_id, [])
        beside = Counter(one for basket in holding for one in basket if one != product_id)
        most = sorted(beside.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
        together = [Together(one, n, len(counted.holding[one])) for one, n in most]
        return Baskets(counted.n_baskets, len(holding), together)

    def popular(
        self, since: datetime, until: datetime, kinds: Sequence[EventKind], *, limit: int
    ) -> Sequence[Popular]:
        """See `EventStore.popular`."""
        counts = Counter(
            one.product_id
            for one in self._events.values()
            if one.kind in kinds and since <= one.at < until
        )
        most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
        return [Popular(product_id, n) for product_id, n in most]

    def prune(self, before: datetime) -> int:
        """See `EventStore.prune`."""
        return self._forget([one for one in self._events.values() if one.at < before])

    def erase(self, visitor: str) -> int:
        """See `EventStore.erase`."""
        return self._forget([one for one in self._events.values() if one.visitor == visitor])

    def _forget(self, events: Sequence[Event]) -> int:
        self._counted.clear()
        for event in events:
            del self._events[event.event_id]
        return len(events)

    def _counted_since(self, since: datetime) -> _Counted:
        if since not in self._counted:
            bought = (one for one in self._events.values() if one.kind is EventKind.PURCHASE)
            self._counted[since] = _Counted.of(one for one in bought if one.at >= since)
        return self._counted[since]


def _basket(event: Event) -> _Basket:
    """What was bought together; without order and visitor, each event is a basket of its own."""
    if event.order_id:
        return ("order", event.order_id)
    if event.visitor:
        return ("visitor", event.visitor, event.at.astimezone(UTC).date().isoformat())
    return ("event", event.event_id)
