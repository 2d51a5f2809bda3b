"""Connections to checked addresses alone, none of which outlives the time of a fetch."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable

import httpcore

from shopsearch.preprocessing.addresses import AllowedHosts, checked_addresses

_TRIED_ADDRESSES = 3
_CONNECT_SHARE = 0.4  # of the time of a fetch: a lost connection may be tried a second time


class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to the very address that was checked, so a name that resolves differently the second
    time gains nothing. The proxies of the environment are not asked: they would resolve names.

    Every read and write ends with the time that is left to the thread's fetch.
    """

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._network = httpcore.SyncBackend()
        self._of_thread = threading.local()

    def set_time(self, deadline: float) -> None:
        """When the fetch of this thread has to be over, by `time.monotonic`."""
        self._of_thread.deadline = deadline

    def left_s(self, timeout: float | None = None) -> float:
        """The time that is left to the fetch of this thread. Raises `httpcore.ReadTimeout`."""
        left = float(getattr(self._of_thread, "deadline", 0.0)) - time.monotonic()
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
        """The stream to the first address of a host that answers."""
        within_s = _CONNECT_SHARE * self.left_s(timeout)
        addresses = checked_addresses(host, port, self._allowed, within_s)[:_TRIED_ADDRESSES]
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            within_s = self.left_s(timeout) * _CONNECT_SHARE / left
            try:
                stream = self._network.connect_tcp(
                    address, port, within_s, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if left == 1:
                    raise
            else:
                return _TimedStream(stream, self)
        raise httpcore.ConnectError(f"the host {host!r} has no address")


class _TimedStream(httpcore.NetworkStream):
    """A stream whose every read and write ends with the time of the whole fetch."""

    def __init__(self, stream: httpcore.NetworkStream, network: CheckedNetwork) -> None:
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
