"""Pictures by address. Addresses come from feeds and shoppers: they are hostile.

Only http and https, only public addresses, at most three redirects, each checked again. The
connection goes to the very address that was checked. Bytes and time are bounded over the whole
answer, not per packet. Hosts are spared: few requests at a time, none while one is out of order.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from shopsearch.errors import FetchRejected, HostUnavailable
from shopsearch.preprocessing.addresses import AllowedHosts
from shopsearch.preprocessing.client import Answer, Known, PictureClient, Tries
from shopsearch.preprocessing.fetch_cache import FetchCache
from shopsearch.preprocessing.hosts import Hosts
from shopsearch.preprocessing.pictures import hash_content

DEFAULT_MAX_BYTES = 20_000_000
DEFAULT_TIMEOUT_S = 20.0
_HOUR_S = 3600.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fetch:
    """One time that a host was asked for a picture, for whoever watches; not where it is."""

    started_s: float  # of `time.perf_counter`
    ended_s: float
    failure: str  # the name of the error; "" where it went well


class PictureFetcher:
    """Fetches pictures over HTTP and keeps them. Threads may share it; close it at the end.

    What was fetched is asked for again after `fresh_hours`, or when its host says so, and costs no
    body where it has not changed. Where its host is out of order then, it is as it was. Without a
    cache folder nothing is kept.
    `allow_hosts` may have private addresses, see `AllowedHosts`. `hosts` is how hosts are treated.
    """

    def __init__(
        self,
        cache_dir: Path | None,
        *,
        allow_hosts: Iterable[str] = (),
        max_bytes: int = DEFAULT_MAX_BYTES,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        fresh_hours: float = 24.0,
        tries: Tries | None = None,
        hosts: Hosts | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._cache = None if cache_dir is None else FetchCache(cache_dir)
        self._fresh_s = fresh_hours * _HOUR_S
        self._clock = clock
        self._flights = _Flights()
        self._watches: list[Callable[[Fetch], None]] = []
        self._client = PictureClient(
            hosts or Hosts(),
            AllowedHosts(allow_hosts),
            max_bytes=max_bytes,
            timeout_s=timeout_s,
            tries=tries or Tries(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def watch(self, told: Callable[[Fetch], None]) -> None:
        """Call this after each fetch from here on, in the thread that fetched."""
        self._watches.append(told)

    def fetch(self, url: str) -> bytes:
        """The bytes at an address. Raises `FetchRejected`."""
        cache = self._cache
        if cache is None:
            return self._fetch_anew(url)
        return self._flights.share(url, lambda: self._fetch_through(cache, url))

    def kept(self, url: str, content_hash: str) -> bytes | None:
        """What was fetched from an address, if it has this hash; no host is asked."""
        kept = None if self._cache is None else self._cache.load(url)
        return kept.content if kept and hash_content(kept.content) == content_hash else None

    def forget_all_but(self, urls: Iterable[str]) -> int:
        """Delete the kept pictures of all other addresses, and say how many these were.

        Nothing may be fetched meanwhile.
        """
        return 0 if self._cache is None else self._cache.forget_all_but(urls)

    def _ask(self, url: str, known: Known | None = None) -> Answer:
        """See `PictureClient.ask`; who watches is told of it."""
        started, failure = time.perf_counter(), ""
        try:
            return self._client.ask(url, known)
        except FetchRejected as error:
            failure = type(error).__name__
            raise
        finally:
            fetch = Fetch(started, time.perf_counter(), failure)
            for told in self._watches:
                told(fetch)

    def _fetch_anew(self, url: str) -> bytes:
        answer = self._ask(url)
        assert answer.content is not None  # noqa: S101 - nothing was known that it could confirm
        return answer.content

    def _fetch_through(self, cache: FetchCache, url: str) -> bytes:
        kept = cache.load(url)
        if kept is None:
            return cache.keep(url, self._ask(url), self._clock())
        if kept.is_fresh(self._clock(), self._fresh_s):
            return kept.content
        try:
            answer = self._ask(url, kept.known)
        except HostUnavailable as error:
            tell = _log.debug if error.is_resting else _log.warning  # a rest is told once, by Hosts
            tell("a picture is taken as it was: its host is out of order", reason=str(error))
            return kept.content
        if answer.content is None:
            return cache.renew(url, kept, answer, self._clock())
        return cache.keep(url, answer, self._clock())


class _Flights:
    """Lets threads that want the same at the same time share one fetch: variants of a product stand
    side by side in a feed, and often have one picture.
    """

    def __init__(self) -> None:
        self._under_way: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()

    def share(self, url: str, fetch: Callable[[], bytes]) -> bytes:
        with self._lock:
            flight = self._under_way.get(url)
            if is_first := flight is None:
                flight = self._under_way[url] = Future()
        if is_first:
            self._fly(url, flight, fetch)
        return flight.result()

    def _fly(self, url: str, flight: Future[bytes], fetch: Callable[[], bytes]) -> None:
        try:
            flight.set_result(fetch())
        except BaseException as error:  # noqa: BLE001 - whoever shares the flight raises it
            flight.set_exception(error)
        finally:
            with self._lock:
                del self._under_way[url]
