"""The way to a Milvus: one connection per process, time-outs, retries, and errors that say what to
do. The only module that imports pymilvus.
"""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog

from shopsearch.errors import IndexFault, IndexUnavailable, SettingsError
from shopsearch.index.breaker import Breaker, NotThere

log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

FIRST_PAUSE_S = 0.1  # before a write is tried again; twice as long each time
LONGEST_PAUSE_S = 5.0
CONNECTS_WITHIN_S = 10.0
MISSING = "SHOPSEARCH_INDEX=milvus needs pymilvus: `pip install 'shopsearch[milvus]'`"

_NOT_LOADED = (101, 503)  # codes: a collection, or a segment of it, is not in memory
_NO_COLLECTION = (4, 100)  # codes, by the age of the server
_UNREACHABLE = re.compile(
    r"unavailable|deadline.?exceeded|timeout|timed out|connection|cancelled|canceled|not ready"
    r"|not healthy|no available|empty grpc client|node (is )?offline|node not found|recovering"
    r"|standby|illegal connection params|closed|local milvus",
    re.IGNORECASE,
)
_TOO_FAST = re.compile(r"rate limit|ratelimit|quota|memory.*(exceed|limit)|deny to write", re.I)
_SECRET = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class MilvusPlace:
    """Which Milvus, and how it is spoken to."""

    uri: str  # a path ending in .db is a file of milvus-lite
    token: str = field(default="", repr=False)
    database: str = ""
    timeout_s: float = 3.0  # of one call that reads
    patience_s: float = 60.0  # how long a call that writes is tried again
    rest_s: float = 5.0  # how long reads are refused after one found it out of reach

    @property
    def is_lite(self) -> bool:
        """Whether it is a file that this process opens itself."""
        return self.uri.endswith(".db")

    @property
    def is_cloud(self) -> bool:
        """Whether it is one that Zilliz runs."""
        return (urlsplit(self.uri).hostname or "").endswith("zillizcloud.com")

    def __str__(self) -> str:
        return f"Milvus at {_SECRET.sub('//', self.uri)}"


class CollectionMissing(NotThere):
    """A collection that was there is not there any more."""


class MilvusConnection:
    """Calls to one Milvus. It is made at the first call, and anew in a process that was forked."""

    def __init__(self, place: MilvusPlace) -> None:
        self.place = place
        self._breaker = Breaker(str(place), place.rest_s)
        self._lock = threading.Lock()
        self._client: Any = None
        self._pid = 0

    @property
    def trouble(self) -> str:
        """Why reads are refused at the moment; "" where they are not."""
        return self._breaker.trouble

    def read(self, call: Callable[[Any, float], Answer], collection: str = "") -> Answer:
        """What a call gives that is handed the client and its time-out; refused at once for a
        while after one has failed. A collection that is out of memory is loaded.

        Raises `IndexUnavailable` and `IndexFault`.
        """
        with self._breaker.watching():
            return self._called(call, self.place.timeout_s, collection)

    def write(self, call: Callable[[Any, float], Answer], collection: str = "") -> Answer:
        """The same for a call that may take longer and is tried again until patience ends."""
        until, pause_s = time.monotonic() + self.place.patience_s, FIRST_PAUSE_S
        while True:
            try:
                limit_s = max(self.place.timeout_s, self.place.patience_s / 2)
                return self._called(call, limit_s, collection)
            except CollectionMissing:
                raise
            except IndexUnavailable as error:
                if time.monotonic() + pause_s > until:
                    raise
                log.warning("Milvus did not take a change; it is tried again", error=str(error))
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def version(self) -> str:
        """Which version it is. Raises what `read` raises."""
        told: str = self.read(lambda client, s: client.get_server_version(timeout=s))
        return told.removeprefix("v")

    def written_at(self, collection: str) -> int:
        """The time, as Milvus counts it, of what this process wrote last; 0 where nothing."""
        from pymilvus.client.ts_utils import get_collection_ts

        handler = self._connected()._get_connection()
        return int(get_collection_ts(collection, handler.server_address, self.place.database) or 0)

    def close(self) -> None:
        """Let go of it; the next call connects anew."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    def _called(
        self, call: Callable[[Any, float], Answer], timeout_s: float, collection: str
    ) -> Answer:
        pymilvus = imported()
        from grpc import FutureTimeoutError, RpcError

        try:
            client = self._connected()
            try:
                return call(client, timeout_s)
            except pymilvus.MilvusException as error:
                if not collection or error.code not in _NOT_LOADED:
                    raise
            client.load_collection(collection, timeout=timeout_s)
            return call(client, timeout_s)
        except (pymilvus.MilvusException, RpcError, FutureTimeoutError, OSError) as error:
            raise self._told(error, collection) from error

    def _connected(self) -> Any:
        place = self.place
        within_s = min(CONNECTS_WITHIN_S, max(place.timeout_s, 1.0))
        if not self._lock.acquire(timeout=2 * within_s):  # not each of many after the other
            raise TimeoutError("nobody has got a connection")
        try:
            if self._client is None or self._pid != os.getpid():
                self._client = imported().MilvusClient(
                    uri=place.uri, token=place.token, db_name=place.database, timeout=within_s
                )
                self._pid = os.getpid()
            return self._client
        finally:
            self._lock.release()

    @property
    def _remedy(self) -> str:
        if self.place.is_lite:
            return "one process at a time can have it open: end the other one, or use a server"
        return "check that it runs, and SHOPSEARCH_MILVUS_URI and SHOPSEARCH_MILVUS_TOKEN"

    def _told(self, error: Exception, collection: str) -> IndexFault:
        said = _said_by(error)
        if collection and getattr(error, "code", None) in _NO_COLLECTION:
            return CollectionMissing(
                f"{self.place} has no collection {collection} any more: run `shopsearch reindex`"
            )
        if _TOO_FAST.search(said):
            return IndexUnavailable(f"{self.place} takes no more at this moment ({said})")
        if not said or not hasattr(error, "code") or _UNREACHABLE.search(f"{error!r} {said}"):
            return IndexUnavailable(
                f"{self.place} cannot be reached ({said or type(error).__name__}); {self._remedy}"
            )
        return IndexFault(f"{self.place} refused: {said}")


def _said_by(error: Exception) -> str:
    """Its own words: an error of gRPC has them among much else."""
    details = getattr(error, "details", None)
    return str(getattr(error, "message", "") or (details() if callable(details) else "") or error)


def imported() -> Any:
    """The module pymilvus, which logs what the callers are told anyway, so it is kept quiet.

    Raises `SettingsError`.
    """
    try:
        import pymilvus
    except ModuleNotFoundError as error:
        raise SettingsError(MISSING) from error
    for noisy in ("pymilvus", "grpc._server"):  # the latter within milvus-lite
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    return pymilvus


@lru_cache(maxsize=32)
def connection_to(place: MilvusPlace) -> MilvusConnection:
    """The connection of this process to a Milvus: all generations and indexes share it."""
    return MilvusConnection(place)
