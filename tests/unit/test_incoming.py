"""A request while it arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopsearch.server.incoming import MAX_HEAD_BYTES, Incoming

GET = b"GET /search?q=mug HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /api/v1/search HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde"
CHUNKED = (
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;note=x\r\na\r\n\r\n10\r\n0\r\n\r\n90123456789\r\n0\r\nTrailer: b\r\n\r\n"
)


_made: list[Incoming] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Requests hold files: none is left behind."""
    yield
    while _made:
        _made.pop().close()


def arrived(*pieces: bytes, max_body_bytes: int = 100_000) -> Incoming:
    incoming = Incoming(max_body_bytes=max_body_bytes)
    _made.append(incoming)
    for piece in pieces:
        incoming.feed(piece)
    return incoming


@pytest.mark.parametrize("request_bytes", [GET, POST, CHUNKED])
def test_a_request_is_complete_with_its_last_byte_and_not_before(request_bytes: bytes) -> None:
    for end in range(1, len(request_bytes)):
        assert not arrived(request_bytes[:end]).is_complete, request_bytes[:end]
    assert arrived(request_bytes).is_complete
    assert arrived(*(bytes([byte]) for byte in request_bytes)).is_complete


def test_what_was_gathered_is_read_as_it_came() -> None:
    body = bytes(range(256)) * 1000  # longer than what is held in memory
    head = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    incoming = arrived(head, body[:70_000], body[70_000:], max_body_bytes=len(body))
    assert incoming.is_complete
    incoming.begin_reading()
    read = b"".join(iter(lambda: incoming.read(9_000), b""))
    assert read == head + body
    assert len(incoming) == len(read)


def test_the_next_request_behind_one_is_kept_with_it() -> None:
    incoming = arrived(POST + GET)
    assert incoming.is_complete
    incoming.begin_reading()
    assert incoming.read(10_000) == POST + GET


def test_the_path_is_what_stands_before_the_question_mark() -> None:
    assert arrived(GET).path == b"/search"
    assert arrived(b"nonsense\r\n\r\n").path == b""


def test_a_client_that_waits_to_be_told_to_go_on_is_seen() -> None:
    assert arrived(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n").asks_to_go_on
    assert not arrived(POST).asks_to_go_on


@pytest.mark.parametrize(
    ("why", "request_bytes"),
    [
        ("its head is too long", b"GET / HTTP/1.1\r\nA: " + b"x" * MAX_HEAD_BYTES),
        ("its body is too long", b"POST / HTTP/1.1\r\nContent-Length: 100001\r\n\r\n"),
        ("its length is no number", b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n"),
        ("its length is endless", b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 50 + b"\r\n\r\n"),
        ("a chunk has no size", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        ("its chunks are too long", CHUNKED[:-40] + b"fffff\r\n" + b"x" * 200_000),
        ("a line of chunks never ends", CHUNKED.partition(b"3;")[0] + b"3;" + b"x" * 9_000),
        ("there is no head", b"\r\n\r\n"),
    ],
)
def test_what_cannot_be_gathered_is_handed_on_to_be_refused(why: str, request_bytes: bytes) -> None:
    assert arrived(request_bytes).is_complete, why
