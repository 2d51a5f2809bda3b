"""Everything that is measured while serving, in the terms of prometheus-client.

The library decides when it is imported, by a variable of the environment, whether the counts of
several processes are shared. So nothing imports this module before `serving.py` has set it.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

import shopsearch
from shopsearch.errors import ShopsearchError

Read = Callable[[], float]

REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STAGE_BUCKETS_S = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
FETCH_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Exposed(NamedTuple):
    """An answer to who collects."""

    content: bytes
    content_type: str


class Requests:
    """Requests and what became of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration = Histogram(
            "shopsearch_http_request_duration_seconds",
            "Time from a request to its answer.",
            ("operation", "method", "status"),
            registry=registry,
            buckets=REQUEST_BUCKETS_S,
        )
        self.errors = Counter(
            "shopsearch_errors",
            "Requests answered with a problem, by its code.",
            ("code",),
            registry=registry,
        )
        self.in_flight = _summed(
            registry, "http_requests_in_flight", "Requests that are being answered."
        )
        self.workers = _summed(registry, "workers", "Server processes that live.")
        self.workers.set(1)


class Load:
    """How the server bears its load."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.queue_depth = _summed(registry, "queue_depth", "Requests that wait for their turn.")
        self.shed = Counter(
            "shopsearch_shed_requests",
            "Requests turned away under load.",
            ("reason",),
            registry=registry,
        )
        self.cache = Counter(
            "shopsearch_cache_requests",
            "What was looked for in a cache; the result is hit or miss.",
            ("cache", "result"),
            registry=registry,
        )
        self.log_dropped = Counter(
            "shopsearch_search_log_dropped",
            "Searches and events that were not logged.",
            registry=registry,
        )


class Work:
    """What a search, and what models and other hosts take."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.stages = Histogram(
            "shopsearch_search_stage_duration_seconds",
            "Time that a search spends in one of its stages.",
            ("stage",),
            registry=registry,
            buckets=STAGE_BUCKETS_S,
        )
        self.fetches = Histogram(
            "shopsearch_picture_fetch_duration_seconds",
            "Time that asking a host for a picture takes, by how it ended.",
            ("outcome",),
            registry=registry,
            buckets=FETCH_BUCKETS_S,
        )
        self.batches, self.contents, self.encoding = (
            Counter(f"shopsearch_encoder_{name}", meaning, ("modality",), registry=registry)
            for name, meaning in (
                ("batches", "Batches that the model encoded."),
                ("contents", "Texts and pictures that the model encoded."),
                ("seconds", "Time that the model spent encoding."),
            )
        )


class Index:
    """What answers. Of several processes, the one that fares worst counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ready = _worst(registry, "ready", "1 where searches can be answered.")
        self.products = _worst(registry, "index_products", "Products in the index that answers.")
        self.created = _worst(
            registry,
            "index_generation_created_timestamp_seconds",
            "When the index generation that answers was made.",
        )
        self.trouble = _worst(
            registry,
            "index_generation_trouble",
            "1 where another generation answers than should be live.",
            mode="livemax",
        )
        self.behind = _worst(
            registry,
            "store_revisions_behind",
            "Writes to the catalog that the index does not hold yet.",
            mode="livemax",
        )


class Meters:
    """What one application measures. Threads may share it.

    With a `folder`, the processes that write there count together. `generation` names the live
    index generation as the process that is asked sees it; None where there is none.
    """

    def __init__(self, folder: Path | None, generation: Callable[[], str | None]) -> None:
        self._folder = folder
        self._facts = _Facts(generation)
        self._followed: list[Callable[[], None]] = []
        self._refreshing = threading.Lock()
        self._registry = CollectorRegistry()
        self.requests = Requests(self._registry)
        self.load = Load(self._registry)
        self.work = Work(self._registry)
        self.index = Index(self._registry)

    def follow_count(self, counter: Counter, read: Read) -> None:
        """Let a counter grow as something grows that others count, from 0 in this process."""
        seen = 0.0

        def catch_up() -> None:
            nonlocal seen
            now = read()
            if now > seen:
                counter.inc(now - seen)
            seen = now

        self._followed.append(catch_up)

    def follow_level(self, gauge: Gauge, read: Read) -> None:
        """Let a gauge show what something is at the moment."""
        self._followed.append(lambda: gauge.set(read()))

    def refresh(self) -> None:
        """Read everything that is followed; what cannot be read stays as it was."""
        with self._refreshing:
            for follow in self._followed:
                try:
                    follow()
                except ShopsearchError:  # `shopsearch_ready` tells, and `/readyz` says why
                    continue

    def exposed(self, accept: str) -> Exposed:
        """All metrics of all processes, in the format that is asked for."""
        self.refresh()
        encode, content_type = choose_encoder(accept)
        return Exposed(encode(self._answering()), content_type)

    def _answering(self) -> CollectorRegistry:
        answering = CollectorRegistry()
        answering.register(self._facts)
        if self._folder is None:
            answering.register(self._registry)
        else:
            _forget_levels_of_the_ended(self._folder)
            MultiProcessCollector(answering, str(self._folder))  # type: ignore[no-untyped-call]
        return answering


def _forget_levels_of_the_ended(folder: Path) -> None:
    """What a process said of itself while it lived; what it counted stays."""
    for file in folder.glob("gauge_live*.db"):
        if not _lives(int(file.stem.rpartition("_")[2])):
            file.unlink(missing_ok=True)


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's, so it is there
        return True
    return True


def _summed(registry: CollectorRegistry, name: str, meaning: str) -> Gauge:
    return Gauge(f"shopsearch_{name}", meaning, registry=registry, multiprocess_mode="livesum")


def _worst(
    registry: CollectorRegistry,
    name: str,
    meaning: str,
    mode: Literal["livemin", "livemax"] = "livemin",
) -> Gauge:
    return Gauge(f"shopsearch_{name}", meaning, registry=registry, multiprocess_mode=mode)


class _Facts:
    """What is the same in all processes, told by the one that is asked."""

    def __init__(self, generation: Callable[[], str | None]) -> None:
        self._generation = generation

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        build = {"version": shopsearch.__version__, "python": platform.python_version()}
        yield InfoMetricFamily("shopsearch_build", "The version that runs.", value=build)
        named = GaugeMetricFamily(
            "shopsearch_index_generation_info", "The live index generation.", labels=["generation"]
        )
        if (generation := self._generation()) is not None:
            named.add_metric([generation], 1)
        yield named
