"""What no well-behaved client sends, to a real server: it answers or hangs up, and lives on."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .crafted import FORMATS, NOT_TAKEN, encoded, jpeg_of_scans, mutated, png_header, png_of_texts

PROGRAM = """
import sys
import structlog
from shopsearch.server.serving import serve
from shopsearch.settings import Settings

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
serve(Settings.model_validate_json(sys.argv[1]), announce=lambda url: print(url, flush=True))
"""
WITHIN_S = 10.0
N_STORM = 150
MAX_GROWTH_MB = 80
EMPTY: Mapping[str, str] = {}


class Raw:
    """A server, spoken to byte by byte."""

    def __init__(self, url: str, pid: int) -> None:
        self.host, self.port = urlsplit(url).hostname or "", urlsplit(url).port or 0
        self.pid = pid

    def say(self, content: bytes, *, within_s: float = WITHIN_S) -> bytes:
        """What comes back until it hangs up, or is silent for two seconds."""
        with socket.create_connection((self.host, self.port), timeout=within_s) as line:
            line.settimeout(2.0)
            heard = b""
            try:
                line.sendall(content)
                while piece := line.recv(65536):
                    heard += piece
            except (TimeoutError, ConnectionError):
                pass
            return heard

    def search(self, picture: bytes) -> int:
        """The status of a search by a picture."""
        head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        return self.ask("POST", "/api/v1/search", head + picture + b"\r\n--x--\r\n", kind)

    def lives(self) -> bool:
        return self.ask("GET", "/healthz") == 200

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping = EMPTY) -> int:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=WITHIN_S)
        with closing(connection):
            connection.request(method, path, body, headers)
            with connection.getresponse() as answer:
                answer.read()
                return answer.status

    def memory_mb(self) -> float:
        """Resident memory of the worker, which is a child of the process that was started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    from shopsearch.settings import Settings

    home = tmp_path_factory.mktemp("raw") / "home"
    settings = Settings(
        home=home, encoder="hashing", index="exact", port=0, max_image_bytes=500_000
    )
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, settings.model_dump_json()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield Raw(process.stdout.readline().strip(), process.pid)
        process.terminate()


HOST = b"Connection: close\r\nHost: x\r\n"
POST = b"POST /api/v1/search HTTP/1.1\r\n" + HOST
SHAPES = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "nothing but line ends": b"\r\n" * 1000,
    "a method of a thousand letters": b"A" * 1000 + b" / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a path of a hundred thousand": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "ten thousand headers": b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n",
    "a header of a megabyte": b"GET / HTTP/1.1\r\nX-A: " + b"b" * 1_000_000 + b"\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n c: d\r\n\r\n",
    "a header with a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X-A: a\x00b\r\n\r\n",
    "both lengths": POST + b"Content-Length: 6\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": POST + b"Content-Length: 0\r\n"
    b"Content-Length: 40\r\n\r\nGET /metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    "a length below nothing": b"POST /api/v1/search HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: -1\r\n\r\n",
    "a length with a sign": b"POST /api/v1/search HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: +6\r\n\r\nGET / ",
    "a coding that is none": b"POST /api/v1/search HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding hidden by a tab": b"POST /api/v1/search HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk without end": b"POST /api/v1/search HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
    "a chunk of no size": b"POST /api/v1/search HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n0\r\n\r\n",
    "an address of another host": b"GET http://evil.example/metrics HTTP/1.1\r\n" + HOST + b"\r\n",
    "two slashes": b"GET //evil.example/%2f.. HTTP/1.1\r\n" + HOST + b"\r\n",
    "a connection through": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "an upgrade": b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_request_of_a_strange_shape_gets_one_answer_at_most(raw: Raw, name: str) -> None:
    heard = raw.say(
        SHAPES[name].replace(b"HTTP/1.1\r\nHost", b"HTTP/1.1\r\nConnection: close\r\nHost", 1)
    )

    assert heard.count(b"HTTP/1.1 ") <= 1, "the second one was smuggled in"
    assert b" 500 " not in heard[:40]
    assert b"# HELP" not in heard
    assert b"Location: //" not in heard
    assert b"gunicorn/" not in heard.lower()
    assert raw.lives()


def test_after_a_storm_of_hostile_pictures_the_server_lives_and_its_memory_is_back(
    raw: Raw,
) -> None:
    assert raw.search(encoded("JPEG", (900, 700))) in (200, 503)  # nothing is indexed: 503
    hostile = [*NOT_TAKEN.values(), png_header(60_000, 60_000), png_of_texts(10, 900_000)]
    hostile += [jpeg_of_scans((600, 600), 400)]
    hostile += [one for kind in FORMATS for one in mutated(kind, N_STORM // len(FORMATS))]
    with ThreadPoolExecutor(8) as together:
        list(together.map(raw.search, hostile[:40]))  # what a first time costs once
        before = raw.memory_mb()
        statuses = set(together.map(raw.search, hostile * 2))

    assert statuses <= {200, 413, 422, 503}
    assert raw.lives()
    deadline = time.monotonic() + 10
    while raw.memory_mb() - before > MAX_GROWTH_MB and time.monotonic() < deadline:
        time.sleep(0.5)
    assert raw.memory_mb() - before < MAX_GROWTH_MB
