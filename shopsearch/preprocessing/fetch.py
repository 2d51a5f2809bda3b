"""Pictures by address. Addresses come from feeds and shoppers: they are hostile.

Only http and https, only public addresses, at most three redirects, each checked again. The
connection goes to the very address that was checked, so a name that resolves differently the second
time gains nothing. Bytes and time are bounded over the whole answer, not per packet.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpcore
import httpx

from shopsearch.errors import FetchRejected
from shopsearch.preprocessing.addresses import public_address
from shopsearch.preprocessing.atomic import KeptFiles

DEFAULT_MAX_BYTES = 20_000_000
DEFAULT_TIMEOUT_S = 20.0
_MAX_REDIRECTS = 3
_MAX_URL_CHARS = 4_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_HEADERS = (
    ("User-Agent", "shopsearch"),
    ("Accept", "image/avif,image/webp,image/*,*/*;q=0.5"),
    ("Accept-Encoding", "identity"),
)


class PictureFetcher:
    """Fetches pictures over HTTP and keeps them. Threads may share it; close it at the end.

    What was fetched once is not fetched again: delete the cache folder for that. Without a cache
    folder nothing is kept.
    `allow_hosts` are names or addresses that may be private, such as a media server of the shop.
    """

    def __init__(
        self,
        cache_dir: Path | None,
        *,
        allow_hosts: Iterable[str] = (),
        max_bytes: int = DEFAULT_MAX_BYTES,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        self._cache_dir = cache_dir
        self._files = KeptFiles()
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._network = _CheckedNetwork(frozenset(host.casefold() for host in allow_hosts))
        self._pool = httpcore.ConnectionPool(network_backend=self._network)

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
        self._pool.close()

    def fetch(self, url: str) -> bytes:
        """The bytes at an address. Raises `FetchRejected`."""
        if self._cache_dir is None:
            return self._download(url)
        name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
        kept = self._cache_dir / name[:2] / name
        if kept.is_file():
            return kept.read_bytes()
        content = self._download(url)
        self._files.keep(kept, content)
        return content

    def _download(self, url: str) -> bytes:
        self._network.deadline = time.monotonic() + self._timeout_s
        target = _parsed(url)
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                answer = self._ask(target)
            except (httpcore.TimeoutException, TimeoutError) as error:
                raise FetchRejected(
                    f"{url}: no whole answer within {self._timeout_s:g} s; try again later"
                ) from error
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise FetchRejected(f"{url}: {_reason(error)}; check the address") from error
            except FetchRejected as error:
                raise FetchRejected(f"{url}: {error}") from error
            if isinstance(answer, bytes):
                return answer
            target = answer
        raise FetchRejected(
            f"{url}: redirects more than {_MAX_REDIRECTS} times; give the address it ends at"
        )

    def _ask(self, target: httpx.URL) -> bytes | httpx.URL:
        """The content, or where it has moved to."""
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        with self._pool.stream(
            "GET", str(target), headers=_HEADERS, extensions={"timeout": timeouts}
        ) as answer:
            headers = httpx.Headers(answer.headers)
            if answer.status in _REDIRECTS and "location" in headers:
                return _parsed(headers["location"], base=target)
            if answer.status != _OK:
                raise FetchRejected(f"answered with status {answer.status}; check the address")
            return self._bounded(answer, headers.get("content-length", ""))

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


def _parsed(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        if len(url) > _MAX_URL_CHARS:
            raise httpx.InvalidURL(f"longer than {_MAX_URL_CHARS:,} characters")
        parsed = httpx.URL(url) if base is None else base.join(url)
        if parsed.userinfo:
            raise httpx.InvalidURL("it holds a user name or password")
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise httpx.InvalidURL("only http:// and https:// with a host are fetched")
        httpcore.URL(str(parsed))  # it is stricter, as with ports
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRejected(f"{url[:200]!r} is no address of a picture: {error}") from error
    return parsed


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to checked addresses alone, and to none after the deadline of its thread."""

    def __init__(self, allow_hosts: frozenset[str]) -> None:
        self._allow_hosts = allow_hosts
        self._network = httpcore.SyncBackend()
        self._of_thread = threading.local()

    @property
    def deadline(self) -> float:
        return float(getattr(self._of_thread, "deadline", 0.0))

    @deadline.setter
    def deadline(self, at: float) -> None:
        self._of_thread.deadline = at

    def left_s(self, timeout: float | None) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the time is up")
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        allowed = host.casefold() in self._allow_hosts
        address = host if allowed else public_address(host, port)
        stream = self._network.connect_tcp(
            address, port, self.left_s(timeout), local_address, socket_options
        )
        return _TimedStream(stream, self)


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every read and write ends with the time of the whole fetch."""

    def __init__(self, stream: httpcore.NetworkStream, network: _CheckedNetwork) -> None:
        self._stream = stream
        self._network = network

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._network.left_s(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._network.left_s(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._network.left_s(timeout))
        return _TimedStream(stream, self._network)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
