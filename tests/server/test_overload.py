"""`serve` with more to do than it can do, and with clients that take their time."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from .test_renewal import workers_of
from .test_serving import PROGRAM, get, server

# Every search takes its time: the queue fills whatever the machine.
SLOW = """
import time
from shopsearch.search import SearchService
at_once = SearchService.search
def search(self, query):
    time.sleep(0.2)
    return at_once(self, query)
SearchService.search = search
"""


def with_settings(**settings: object) -> str:
    told = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return PROGRAM.replace("port=0,", f"port=0, {told},")


@pytest.fixture(scope="module")
def busy(shop) -> Iterator[tuple[str, int]]:
    """A server that answers ten searches a second, and holds four more."""
    limits = {"worker_threads": 2, "queue_size": 4, "request_timeout_s": 5.0}
    program = SLOW + with_settings(**limits, read_timeout_s=1.0)
    with server(shop.settings.home, program=program) as (_, host, port):
        yield host, port


def asked(host: str, port: int, path: str) -> tuple[int, dict[str, str], bytes, float]:
    began = time.monotonic()
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, headers, body, time.monotonic() - began


def test_what_finds_no_room_is_told_at_once_when_to_ask_again(busy) -> None:
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(asked, *busy, "/api/v1/search?q=mug") for _ in range(20)]
        answers = [call.result() for call in calls]
    statuses = Counter(status for status, *_ in answers)
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 6  # two at once, four that wait
    for status, headers, body, _ in answers:
        if status == 503:
            assert headers["retry-after"] == "2"
            assert headers["content-type"] == "application/problem+json"
            assert json.loads(body)["code"] == "overloaded"
            assert headers["x-request-id"]
    assert asked(*busy, "/api/v1/search?q=mug")[0] == 200  # when it is over


def test_health_checks_are_answered_while_searches_are_refused(busy) -> None:
    stop = threading.Event()

    def press() -> None:
        while not stop.is_set():
            asked(*busy, "/search?q=mug")

    with ThreadPoolExecutor(12) as pool:
        for _ in range(12):
            pool.submit(press)
        time.sleep(0.3)
        try:
            checks = [asked(*busy, path) for path in ("/healthz", "/readyz") * 5]
        finally:
            stop.set()
    assert {status for status, *_ in checks} == {200}
    assert max(took_s for *_, took_s in checks) < 2


def test_a_search_that_waited_beyond_its_time_is_not_begun(shop) -> None:
    program = SLOW + with_settings(worker_threads=1, queue_size=50, request_timeout_s=0.7)
    with (
        server(shop.settings.home, program=program) as (_, host, port),
        ThreadPoolExecutor(12) as pool,
    ):
        calls = [pool.submit(asked, host, port, "/api/v1/search?q=mug") for _ in range(12)]
        answers = [call.result() for call in calls]
    statuses = Counter(status for status, *_ in answers)
    assert set(statuses) == {200, 503}
    assert 1 <= statuses[200] <= 5
    assert max(took_s for *_, took_s in answers) < 0.7 + 2


def test_clients_that_send_slowly_hold_no_thread_and_are_cut_off(busy) -> None:
    host, port = busy
    slow = [socket.create_connection((host, port), timeout=10) for _ in range(40)]
    for number, client in enumerate(slow):
        if number % 2:
            client.sendall(b"GET /search?q=mug HTTP/1.1\r\nHost: a\r\nX-")
    try:
        for _ in range(3):
            assert asked(*busy, "/api/v1/search?q=mug")[0] == 200
        told = slow[1].makefile("rb").readline()
        assert told == b"HTTP/1.1 408 Request Timeout\r\n"
        assert slow[0].recv(100) == b""  # nothing was asked: nothing is said
    finally:
        for client in slow:
            client.close()


def test_a_slow_upload_holds_no_thread_and_is_taken_while_it_moves(busy) -> None:
    host, port = busy
    body = json.dumps({"sort": "newest", "size": 5}).encode()
    head = f"POST /api/v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    kind = "Content-Type: application/json\r\nConnection: close\r\n\r\n"
    uploads = [socket.create_connection((host, port), timeout=10) for _ in range(5)]
    try:
        for upload in uploads:
            upload.sendall((head + kind).encode() + body[:-1])
        assert asked(*busy, "/api/v1/search?q=mug")[0] == 200  # there are two threads
        uploads[0].sendall(body[-1:])
        assert uploads[0].makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"
        assert uploads[1].makefile("rb").readline() == b"HTTP/1.1 408 Request Timeout\r\n"
    finally:
        for upload in uploads:
            upload.close()


def test_requests_in_one_go_and_in_chunks_are_answered_in_their_order(busy) -> None:
    chunked = (
        b"POST /api/v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b'8\r\n{"sort":\r\nb\r\n "newest" }\r\n0\r\n\r\n'
    )
    with socket.create_connection(busy, timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 2 + chunked)
        answers = client.makefile("rb").read()
    assert answers.count(b"HTTP/1.1 200 OK") == 3
    assert answers.count(b'"alive"') == 2
    assert answers.rindex(b'"alive"') < answers.index(b'"hits"')


def test_a_client_that_waits_for_100_continue_gets_it(busy) -> None:
    body = b'{"sort": "newest"}'
    with socket.create_connection(busy, timeout=10) as client:
        client.sendall(
            b"POST /api/v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        lines = client.makefile("rb")
        assert lines.readline() == b"HTTP/1.1 100 Continue\r\n"
        client.sendall(body)
        assert b"HTTP/1.1 200 OK\r\n" in list(lines)


def test_a_body_beyond_the_limit_is_refused_unread(busy) -> None:
    with socket.create_connection(busy, timeout=10) as client:
        client.sendall(
            b"POST /api/v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99000000\r\n\r\n{"
        )
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "nonsense", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_nonsense_is_refused_and_the_server_goes_on(busy, nonsense: bytes) -> None:
    with socket.create_connection(busy, timeout=10) as client:
        client.sendall(nonsense)
        assert client.makefile("rb").readline().startswith(b"HTTP/1.1 4")
    assert get(*busy, "/healthz").status == 200


def test_more_connections_than_files_may_be_open_do_not_end_it(shop) -> None:
    few = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))\n"
    with server(shop.settings.home, program=few + PROGRAM) as (process, host, port):
        before = workers_of(process.pid)
        clients = [socket.create_connection((host, port), timeout=10) for _ in range(120)]
        time.sleep(0.3)
        for client in clients:
            client.close()
        assert get(host, port, "/readyz").status == 200
        assert workers_of(process.pid) == before
