"""Bytes that are no HTTP, against a real server: refused or answered, and it lives on as before."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from . import crafted
from .conftest import Served

WITHIN_S = 5.0
GROWTH_BYTES = 60_000_000

Place = tuple[str, int]


def sent(place: Place, content: bytes) -> list[bytes]:
    """The status lines that a connection is answered with until it ends, or is silent."""
    with socket.create_connection(place, timeout=WITHIN_S) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while got := connection.recv(65_536):
                answer += got
    lines = answer.split(b"\r\n")
    assert not any(line.lower().startswith(b"server: gunicorn/") for line in lines)
    return [line for line in lines if line.startswith(b"HTTP/1.")]


def is_alive(place: Place) -> bool:
    connection = http.client.HTTPConnection(*place, timeout=WITHIN_S)
    connection.request("GET", "/readyz", headers={"Connection": "close"})
    answer = connection.getresponse()
    status, told = answer.status, answer.headers
    answer.read()
    connection.close()
    assert not any(sign.isdigit() for sign in told["Server"])
    return status == 200


def request(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((*lines, b"Host: shop", b"Connection: close", b"", body))


POST = b"POST /api/v1/search HTTP/1.1"
JSON = b"Content-Type: application/json"
CHUNKED = b"Transfer-Encoding: chunked"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: shop\r\n\r\n"
RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00" + bytes(500),
    "nothing": b"\r\n\r\n",
    "NUL": bytes(1_000),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/9.9": request(b"GET / HTTP/9.9"),
    "a strange method": request(b"GET\x00 / HTTP/1.1"),
    "a long method": request(b"A" * 3_000 + b" / HTTP/1.1"),
    "CONNECT": request(b"CONNECT 127.0.0.1:22 HTTP/1.1"),
    "TRACE": request(b"TRACE / HTTP/1.1"),
    "another server's address": request(b"GET http://127.0.0.1:22/ HTTP/1.1"),
    "a long line": request(b"GET /" + b"a" * 100_000 + b" HTTP/1.1"),
    "a long header": request(b"GET / HTTP/1.1", b"X-Long: " + b"a" * 100_000),
    "many headers": request(b"GET / HTTP/1.1", *[b"X-More: a"] * 5_000),
    "a header with a NUL": request(b"GET / HTTP/1.1", b"X-A: a\x00b"),
    "a header with a line feed": request(b"GET / HTTP/1.1", b"X-A: a\n b"),
    "a folded header": request(b"GET / HTTP/1.1", b"X-A: a\r\n b"),
    "a header with a space": request(b"GET / HTTP/1.1", b"X-A : a"),
    "a header without a name": request(b"GET / HTTP/1.1", b": a"),
    "underscores": request(b"GET / HTTP/1.1", b"X_Forwarded_For: 1.2.3.4", b"SCRIPT_NAME: /x"),
    "a host that is none": b"GET / HTTP/1.1\r\nHost: " + b"a" * 3_000 + b"\r\n\r\n",
    "two hosts": request(b"GET / HTTP/1.1", b"Host: evil"),
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "a path upwards": request(b"GET /../../../etc/passwd HTTP/1.1"),
    "a path upwards to static files": request(b"GET /static/../../../etc/passwd HTTP/1.1"),
    "half a percent sign": request(b"GET /%zz%2 HTTP/1.1"),
    "a body shorter than told": request(POST, JSON, b"Content-Length: 100", body=b"{"),
    "a length below zero": request(POST, JSON, b"Content-Length: -1", body=b"{}"),
    "a length with a sign": request(POST, JSON, b"Content-Length: +2", body=b"{}"),
    "a length that is none": request(POST, JSON, b"Content-Length: 0x2", body=b"{}"),
    "a huge length": request(POST, JSON, b"Content-Length: " + b"9" * 30, body=b"{}"),
    "a length of 5,000 digits": request(POST, JSON, b"Content-Length: " + b"9" * 5_000, body=b"{}"),
    "a length of five gigabytes": request(POST, JSON, b"Content-Length: 5000000000", body=b"{}"),
    "two lengths": request(POST, b"Content-Length: 2", b"Content-Length: 40", body=b"{}" + HIDDEN),
    "length and chunks": request(
        POST, JSON, b"Content-Length: 4", CHUNKED, body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunks twice": request(POST, JSON, CHUNKED, CHUNKED, body=b"0\r\n\r\n" + HIDDEN),
    "chunks, hidden": request(
        POST, JSON, b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunks, not last": request(
        POST, JSON, b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunks behind a tab": request(
        POST, JSON, b"Transfer-Encoding:\tchunked\x0b", body=b"0\r\n\r\n" + HIDDEN
    ),
    "chunks of HTTP/1.0": request(
        b"POST /api/v1/search HTTP/1.0", JSON, CHUNKED, body=b"0\r\n\r\n" + HIDDEN
    ),
    "a chunk of no size": request(POST, JSON, CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a negative size": request(POST, JSON, CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a huge size": request(POST, JSON, CHUNKED, body=b"f" * 40 + b"\r\n{}"),
    "a chunk with a long comment": request(
        POST, JSON, CHUNKED, body=b"2;" + b"a" * 200_000 + b"\r\n{}\r\n0\r\n\r\n"
    ),
    "thousands of chunks": request(
        POST, JSON, CHUNKED, body=b"1\r\n \r\n" * 30_000 + b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "chunks without end": request(POST, JSON, CHUNKED, body=b"2\r\n{}\r\n"),
}


@pytest.mark.parametrize("name", RAW)
def test_it_is_answered_or_refused_once(served: Served, name: str) -> None:
    started = time.monotonic()

    statuses = sent(served.place, RAW[name])

    assert time.monotonic() - started < WITHIN_S
    assert len(statuses) <= 1, "what was hidden in a body was taken for a request"
    assert all(int(status.split()[1]) < 500 or b"501" in status for status in statuses), statuses
    assert is_alive(served.place)


def test_one_whole_request_in_chunks_is_answered(served: Served) -> None:
    body = b'5\r\n{"q":\r\n6\r\n "mug"\r\n1\r\n}\r\n0\r\n\r\n'
    assert sent(served.place, request(POST, JSON, CHUNKED, body=body)) == [b"HTTP/1.1 200 OK"]


def resident_bytes(process_id: int) -> int:
    """Of a process and its children."""
    family = [process_id]
    for children in Path(f"/proc/{process_id}/task").glob("*/children"):
        family += [int(child) for child in children.read_text().split()]
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family)
    return pages * os.sysconf("SC_PAGE_SIZE")


def upload(place: Place, picture: bytes) -> int:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    connection = http.client.HTTPConnection(*place, timeout=60)
    connection.request(
        "POST",
        "/api/v1/search",
        head + picture + b"\r\n--b--\r\n",
        {"Content-Type": "multipart/form-data; boundary=b", "Connection": "close"},
    )
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_a_storm_of_hostile_pictures_leaves_no_memory_behind(served: Served) -> None:
    storm = [
        crafted.jpeg_of_scans(300, 900),
        crafted.png_of(2_500, colour=6, depth=8, bytes_a_pixel=4),
        crafted.png_claiming(20_000, 20_000),
        crafted.gif_of_frames(2_000),
        crafted.webp_of_frames(2_000, 500),
        crafted.avif_that_lies(800),
        crafted.small("PNG") + bytes(1_000_000),
        bytes(2_000_000),
    ]

    def rage(n_rounds: int) -> set[int]:
        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(lambda picture: upload(served.place, picture), storm * n_rounds))

    rage(1)  # pools, caches and the threads of the server are there from then on
    before = resident_bytes(served.process_id)
    assert rage(3) == {200, 422}
    assert resident_bytes(served.process_id) - before < GROWTH_BYTES
    assert is_alive(served.place)
