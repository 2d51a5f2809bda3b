"""Asks for pictures over HTTP: redirects, second tries, and answers of bounded size and time."""

from __future__ import annotations

import random
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx

from shopsearch.errors import FetchRejected, HostUnavailable
from shopsearch.preprocessing.addresses import AllowedHosts
from shopsearch.preprocessing.hosts import Hosts
from shopsearch.preprocessing.images import FORMATS, is_of_known_format
from shopsearch.preprocessing.network import CheckedNetwork

_MAX_REDIRECTS = 3
_MAX_URL_CHARS = 4_000
_MAX_READ_OVER_BYTES = 20_000
_KEPT_CONNECTIONS = 64
_KEPT_CONNECTION_S = 20.0
_MOST_PAUSE_S = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_NOT_MODIFIED = 304
_TOO_MANY = 429
_SERVER_FAULTS = range(500, 600)
_HEADERS = (
    ("User-Agent", "shopsearch"),
    ("Accept", "image/avif,image/webp,image/*,*/*;q=0.5"),
    ("Accept-Encoding", "identity"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a picture that was had before, for a question that costs no body again."""

    address: str  # that gave it, after all redirects
    etag: str = ""
    last_modified: str = ""

    def headers(self) -> list[tuple[str, str]]:
        """The conditions; none where the host gave nothing to ask by."""
        conditions = (("If-None-Match", self.etag), ("If-Modified-Since", self.last_modified))
        return [(name, value) for name, value in conditions if value]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered."""

    content: bytes | None = field(repr=False)  # None: it has not changed
    known: Known
    cache_control: str | None  # None: it says nothing about that


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a fetch is tried again where its host fails, and with what pause at first."""

    n_more: int = 3
    pause_s: float = 0.3

    def pause(self, n_failed: int, asked_s: float | None) -> float:
        """How long to wait after so many failed tries: twice as long each time, with jitter, so
        that many threads do not come back at once; but at least what the host has asked for.
        """
        longest = min(self.pause_s * 2 ** (n_failed - 1), _MOST_PAUSE_S)
        return max(random.uniform(longest / 2, longest), asked_s or 0.0)  # noqa: S311 - no secret


class _TryAgain(Exception):
    """A try failed in a way that another one may not."""

    def __init__(self, reason: str, asked_s: float | None = None) -> None:
        super().__init__(reason)
        self.asked_s = asked_s


class PictureClient:
    """Asks for pictures. Threads may share it; close it at the end."""

    def __init__(
        self,
        hosts: Hosts,
        allowed: AllowedHosts,
        *,
        max_bytes: int,
        timeout_s: float,
        tries: Tries,
    ) -> None:
        self._hosts = hosts
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._tries = tries
        self._network = CheckedNetwork(allowed)
        self._pool = httpcore.ConnectionPool(
            network_backend=self._network,
            max_connections=None,  # the turns at hosts bound them
            max_keepalive_connections=_KEPT_CONNECTIONS,
            keepalive_expiry=_KEPT_CONNECTION_S,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def ask(self, url: str, known: Known | None = None) -> Answer:
        """What is at an address; with `known`, only if it has changed.

        Raises `FetchRejected`; `HostUnavailable` where that says nothing about the picture.
        """
        target, left_s = parsed(url), self._timeout_s
        for _ in range(_MAX_REDIRECTS + 1):
            conditions = known if known and known.address == str(target) else None
            try:
                with self._hosts.turn(target.netloc.decode("ascii")):
                    deadline = time.monotonic() + left_s  # waiting for the turn does not count
                    answer = self._try_often(target, conditions, deadline)
            except HostUnavailable as error:
                raise HostUnavailable(f"{url}: {error}", is_resting=error.is_resting) from error
            except FetchRejected as error:
                raise FetchRejected(f"{url}: {error}") from error
            if isinstance(answer, Answer):
                return answer
            target, left_s = answer, deadline - time.monotonic()
        raise FetchRejected(
            f"{url}: redirects more than {_MAX_REDIRECTS} times; give the address it ends at"
        )

    def _try_often(
        self, target: httpx.URL, known: Known | None, deadline: float
    ) -> Answer | httpx.URL:
        """The answer, or where it has moved to, at the first or one of the further tries."""
        for n_failed in range(1, self._tries.n_more + 2):
            self._network.set_time(deadline)
            try:
                return self._try(target, known)
            except _TryAgain as error:
                pause_s = self._tries.pause(n_failed, error.asked_s)
                is_last = n_failed > self._tries.n_more
                if is_last or time.monotonic() + pause_s >= deadline:
                    times = f", tried {n_failed} times" if n_failed > 1 else ""
                    raise HostUnavailable(f"{error}{times}; check the address") from error
                time.sleep(pause_s)
        raise AssertionError("the last try returns or raises")

    def _try(self, target: httpx.URL, known: Known | None) -> Answer | httpx.URL:
        try:
            return self._ask(target, known)
        except httpcore.ConnectTimeout as error:
            raise _TryAgain("no connection came about in time") from error
        except (httpcore.TimeoutException, TimeoutError) as error:
            raise HostUnavailable(
                f"no whole answer within {self._timeout_s:g} s; try again later"
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            if isinstance(error.__context__, ssl.SSLCertVerificationError):
                raise HostUnavailable(f"{_reason(error)}; correct its certificate") from error
            raise _TryAgain(_reason(error)) from error

    def _ask(self, target: httpx.URL, known: Known | None) -> Answer | httpx.URL:
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        with self._pool.stream(
            "GET",
            str(target),
            headers=[*_HEADERS, *(known.headers() if known else ())],
            extensions={"timeout": timeouts},
        ) as answer:
            headers = httpx.Headers(answer.headers)
            if answer.status != _OK:
                _read_over(answer, headers.get("content-length", ""))
            if answer.status in _REDIRECTS and "location" in headers:
                return parsed(headers["location"], base=target)
            if answer.status == _NOT_MODIFIED and known is not None:
                return _answer(None, target, headers, known)
            self._check(answer.status, headers)
            content = self._bounded(answer, headers.get("content-length", ""))
        _check_is_picture(content, headers.get("content-type", ""))
        return _answer(content, target, headers)

    def _check(self, status: int, headers: httpx.Headers) -> None:
        if status == _TOO_MANY or status in _SERVER_FAULTS:
            raise _TryAgain(
                f"answered with status {status}", _retry_after_s(headers.get("retry-after", ""))
            )
        if status != _OK:
            raise FetchRejected(f"answered with status {status}; check the address")
        packed = headers.get("content-encoding", "identity").strip().casefold()
        if packed not in ("", "identity"):
            raise FetchRejected(
                f"answered with a content that is packed ({packed[:40]!r}) though that was not "
                "asked for; correct the server"
            )

    def _bounded(self, answer: httpcore.Response, announced: str) -> bytes:
        content = bytearray()
        if announced.isdecimal() and int(announced) > self._max_bytes:
            raise self._too_large(int(announced))
        for chunk in answer.iter_stream():
            content += chunk
            if len(content) > self._max_bytes:
                raise self._too_large(len(content))
        if not content:
            raise FetchRejected("answered with nothing (0 bytes); check the address")
        return bytes(content)

    def _too_large(self, n_bytes: int) -> FetchRejected:
        return FetchRejected(
            f"the answer has {n_bytes:,} bytes or more, over the limit of {self._max_bytes:,}; "
            f"offer a smaller picture, or raise the limit (max_image_bytes)"
        )


def parsed(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """An address that may be asked. Raises `FetchRejected`."""
    try:
        if len(url) > _MAX_URL_CHARS:
            raise httpx.InvalidURL(f"longer than {_MAX_URL_CHARS:,} characters")
        address = httpx.URL(url) if base is None else base.join(url)
        if address.userinfo:
            raise httpx.InvalidURL("it holds a user name or password")
        if address.scheme not in ("http", "https") or not address.host:
            raise httpx.InvalidURL("only http:// and https:// with a host are fetched")
        httpcore.URL(str(address))  # it is stricter, as with ports
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRejected(f"{url[:200]!r} is no address of a picture: {error}") from error
    return address.copy_with(fragment=None)


def _answer(
    content: bytes | None, target: httpx.URL, headers: httpx.Headers, before: Known | None = None
) -> Answer:
    """An answer; what it says nothing about stays as it was before."""
    known = Known(
        str(target),
        headers.get("etag", before.etag if before else ""),
        headers.get("last-modified", before.last_modified if before else ""),
    )
    return Answer(content, known, headers.get("cache-control"))


def _read_over(answer: httpcore.Response, announced: str) -> None:
    """Read a short body that nobody needs: the connection can be used again then."""
    if answer.status == _NOT_MODIFIED or (
        announced.isdecimal() and int(announced) <= _MAX_READ_OVER_BYTES
    ):
        for _ in answer.iter_stream():
            pass


def _check_is_picture(content: bytes, content_type: str) -> None:
    if not is_of_known_format(content):
        raise FetchRejected(
            f"answered with {content_type[:80] or 'a content of no type'!r} that is no picture of "
            f"a known format (it begins with {content[:12]!r}); give one of {', '.join(FORMATS)}"
        )


def _retry_after_s(told: str) -> float | None:
    """RFC 9110, section 10.2.3: seconds, or a date."""
    if told.strip().isdecimal():
        return float(told)
    try:
        at = parsedate_to_datetime(told)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
