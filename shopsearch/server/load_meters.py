"""How a process bears its load, for whoever measures it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shopsearch.bootstrap import ServerServices
from shopsearch.encoders.remembering import RowMemory
from shopsearch.server.admission import Admission

if TYPE_CHECKING:  # the library must not be imported before a server has told it where to count
    from shopsearch.server.meters import Meters


def follow_load(meters: Meters, services: ServerServices, admission: Admission) -> None:
    """Let the meters of a process follow its queue, what it turned away, and its caches."""
    load = meters.load
    meters.follow_level(load.queue_depth, lambda: admission.waiting)
    meters.follow_count(load.shed.labels("full"), lambda: admission.n_refused)
    meters.follow_count(load.shed.labels("expired"), lambda: admission.n_expired)
    meters.follow_count(load.shed.labels("abandoned"), lambda: admission.n_abandoned)
    memory = services.query_memory
    for name, rows in (("query_texts", memory.texts), ("query_pictures", memory.pictures)):
        meters.follow_count(load.cache.labels(name, "hit"), partial(_hits, rows))
        meters.follow_count(load.cache.labels(name, "miss"), partial(_misses, rows))


def _hits(rows: RowMemory) -> float:
    return rows.hits


def _misses(rows: RowMemory) -> float:
    return rows.misses
