"""Clients that send a byte now and then: they are cut off, and others are answered meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time

import pytest

from shopsearch.settings import Settings

from .conftest import READ_LIMIT_S, Served

READ_LIMIT = "read_timeout_s"  # the setting; tests serve with READ_LIMIT_S
N_SLOW = 8  # as many as a process has threads
WITHIN_S = READ_LIMIT_S + 4.0
HEADS = {
    "a head without end": b"GET / HTTP/1.1\r\nHost: shop\r\n",
    "a body without end": (
        b"POST /api/v1/search HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        b"Content-Length: 60000\r\n\r\n"
    ),
}


@pytest.mark.skipif(READ_LIMIT not in Settings.model_fields, reason=f"there is no {READ_LIMIT}")
@pytest.mark.parametrize("kind", HEADS)
def test_slow_clients_do_not_keep_others_out(served: Served, kind: str) -> None:
    with contextlib.ExitStack() as open_ones:
        slow = [
            open_ones.enter_context(socket.create_connection(served.place, timeout=WITHIN_S))
            for _ in range(N_SLOW)
        ]
        for connection in slow:
            connection.sendall(HEADS[kind])
        until = time.monotonic() + WITHIN_S
        while time.monotonic() < until:
            for connection in slow:
                with contextlib.suppress(OSError):  # cut off, as it should be
                    connection.sendall(b"a")
            if answers(served.place):
                return
            time.sleep(0.2)
    pytest.fail(f"{N_SLOW} slow clients keep others out for more than {WITHIN_S:g} s")


def answers(place: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*place, timeout=0.5)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    return False
