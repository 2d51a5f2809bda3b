"""Fetching pictures by address, against a real server on this machine."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from shopsearch.errors import FetchRejected
from shopsearch.preprocessing.client import Tries
from shopsearch.preprocessing.fetch import PictureFetcher

PICTURE = b"\xff\xd8\xff" + bytes(5_000)
BOMB = gzip.compress(bytes(5_000_000))


class Shop(BaseHTTPRequestHandler):
    """A media server with every bad habit."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        answer = getattr(self, f"answer_{self.path.strip('/').split('/')[0]}", self.answer_missing)
        answer()

    def answer_picture(self) -> None:
        self.give(PICTURE)

    def answer_empty(self) -> None:
        self.give(b"")

    def answer_missing(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer_moved(self) -> None:
        """/moved/2 leads to /moved/1, that to /moved/0, that to the picture."""
        left = int(self.path.rpartition("/")[2])
        self.move(f"/moved/{left - 1}" if left else "/picture")

    def answer_inside(self) -> None:
        self.move("http://169.254.169.254/latest/meta-data/")

    def answer_file(self) -> None:
        self.move("file:///etc/passwd")

    def answer_announced(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "999999999")
        self.end_headers()
        self.close_connection = True

    def answer_endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.pour(bytes(10_000))

    def answer_slow(self) -> None:
        """A byte at a time, each soon enough, the whole never."""
        self.send_response(200)
        self.end_headers()
        self.drip()

    def answer_slowhead(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Head: ")
        self.drip()

    def answer_packed(self) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(BOMB)))
        self.end_headers()
        self.wfile.write(BOMB)

    def answer_page(self) -> None:
        self.give(b"<!DOCTYPE html><title>Log in</title>", "text/html; charset=utf-8")

    def answer_headers(self) -> None:
        """Headers without end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.pour(b"X-More: " + b"x" * 1_000 + b"\r\n")

    def answer_hints(self) -> None:
        """Answers before the answer, without end."""
        self.pour(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")

    def answer_loop(self) -> None:
        self.move(self.path)

    def answer_unchanged(self) -> None:
        """Not modified, though nobody asked whether it is."""
        self.send_response(304)
        self.end_headers()

    def answer_more(self) -> None:
        """More bytes than announced."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(PICTURE)))
        self.end_headers()
        self.wfile.write(PICTURE + b"and more")

    def answer_cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.wfile.write(b"short")
        self.close_connection = True

    def drip(self) -> None:
        self.close_connection = True
        try:
            for _ in range(100):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    def pour(self, content: bytes) -> None:
        self.close_connection = True
        try:
            while True:
                self.wfile.write(content)
        except OSError:
            return

    def give(self, content: bytes, kind: str = "image/jpeg") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def move(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def shop() -> Iterator[str]:
    Shop.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetcher(tmp_path: Path) -> Iterator[PictureFetcher]:
    with PictureFetcher(
        tmp_path / "fetched", allow_hosts=["127.0.0.1"], max_bytes=100_000, timeout_s=1
    ) as opened:
        yield opened


def test_a_picture_is_fetched(fetcher: PictureFetcher, shop: str) -> None:
    assert fetcher.fetch(f"{shop}/picture") == PICTURE


def test_what_was_fetched_once_is_not_fetched_again(
    fetcher: PictureFetcher, shop: str, tmp_path: Path
) -> None:
    fetcher.fetch(f"{shop}/picture")
    with PictureFetcher(tmp_path / "fetched") as later:  # which may not even reach that host
        assert later.fetch(f"{shop}/picture") == PICTURE

    assert Shop.asked == ["/picture"]


def test_without_a_cache_folder_nothing_is_kept(shop: str, tmp_path: Path) -> None:
    Shop.asked.clear()
    with PictureFetcher(None, allow_hosts=["127.0.0.1"]) as forgetful:
        assert forgetful.fetch(f"{shop}/picture") == forgetful.fetch(f"{shop}/picture") == PICTURE
    assert Shop.asked == ["/picture", "/picture"]
    assert not any(tmp_path.iterdir())


def test_what_failed_is_tried_again(fetcher: PictureFetcher, shop: str) -> None:
    for _ in range(2):
        with pytest.raises(FetchRejected, match="404"):
            fetcher.fetch(f"{shop}/missing")

    assert Shop.asked == ["/missing"] * 2


def test_up_to_three_redirects_are_followed(fetcher: PictureFetcher, shop: str) -> None:
    assert fetcher.fetch(f"{shop}/moved/2") == PICTURE
    with pytest.raises(FetchRejected, match="redirects more than 3 times"):
        fetcher.fetch(f"{shop}/moved/3")


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/inside", r"169\.254\.169\.254, which is not on the public internet"),
        ("/file", "only http:// and https://"),
        ("/empty", r"nothing \(0 bytes\)"),
        ("/announced", "999,999,999 bytes or more, over the limit of 100,000"),
        ("/endless", "over the limit of 100,000"),
        ("/slow", "no whole answer within 1 s"),
        ("/slowhead", "no whole answer within 1 s"),
        ("/cut", "check the address"),
        ("/packed", r"packed \('gzip'\) though that was not asked for"),
        ("/page", r"answered with 'text/html; charset=utf-8' that is no picture"),
        ("/headers", "check the address"),
        ("/hints", "no whole answer within 1 s"),
        ("/loop", "redirects more than 3 times"),
        ("/unchanged", "answered with status 304"),
    ],
)
def test_a_bad_answer_is_refused_with_address_and_reason(
    fetcher: PictureFetcher, shop: str, place: str, told: str
) -> None:
    started = time.monotonic()

    with pytest.raises(FetchRejected, match=told) as refused:
        fetcher.fetch(f"{shop}{place}")

    assert str(refused.value).startswith((f"{shop}{place}", "'file:"))
    assert time.monotonic() - started < 3


def test_bytes_beyond_the_announced_length_do_not_spoil_the_next_answer(
    fetcher: PictureFetcher, shop: str
) -> None:
    for n in range(3):
        assert fetcher.fetch(f"{shop}/more/{n}") == PICTURE


def test_the_proxies_of_the_environment_are_not_asked(
    fetcher: PictureFetcher, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert fetcher.fetch(f"{shop}/picture") == PICTURE


def test_hosts_on_this_machine_are_refused_unless_allowed(shop: str, tmp_path: Path) -> None:
    port = shop.rpartition(":")[2]
    with PictureFetcher(tmp_path) as strict:
        for host in (
            "127.0.0.1",
            "localhost",
            "2130706433",
            "0x7f.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",  # noqa: S104 - nothing is bound to it
        ):
            with pytest.raises(
                FetchRejected, match=r"not on the public internet|cannot be found|no address"
            ):
                strict.fetch(f"http://{host}:{port}/picture")

    assert Shop.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked and private right afterwards gains nothing."""
    answers = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])
    connected = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    once = Tries(0)
    with PictureFetcher(tmp_path, tries=once) as fetcher:
        with pytest.raises(FetchRejected, match="nobody is there"):
            fetcher.fetch("http://rebinding.example/a.jpg")
        with pytest.raises(FetchRejected, match=r"127\.0\.0\.1, which is not on the public"):
            fetcher.fetch("http://rebinding.example/a.jpg")

    assert connected == [("93.184.215.14", 80)]


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    with PictureFetcher(tmp_path) as fetcher, pytest.raises(FetchRejected, match=r"10\.0\.0\.1"):
        fetcher.fetch("http://mixed.example/a.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/a.jpg",
        "http://",
        "http:///a.jpg",
        "http://user:secret@shop.example/a.jpg",
        "http://shop.example:99999/a.jpg",
        "http://shop.example/" + "a" * 5_000,
        "http://[::1",
        "not an address",
        "http://a\x00b/",
        "",
    ],
)
def test_an_address_without_sense_is_refused(fetcher: PictureFetcher, url: str) -> None:
    with pytest.raises(FetchRejected):
        fetcher.fetch(url)


def test_threads_may_share_a_fetcher(fetcher: PictureFetcher, shop: str) -> None:
    urls = [f"{shop}/picture/{n % 5}" for n in range(40)]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(fetcher.fetch, urls)) == {PICTURE}
