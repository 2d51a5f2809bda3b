"""`image_url` asks the server to fetch: never from this machine or its network, however it is
spelled, and nothing of what is there comes out.
"""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from shopsearch.preprocessing import addresses as checked


@pytest.fixture(scope="module")
def inside() -> Iterator[tuple[int, list[str]]]:
    """A service of this machine that nobody outside may reach, and what it was asked."""
    asked: list[str] = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"\x89PNG\r\n\x1a\nSECRET")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    thread.join()
    server.server_close()


def refused(client: FlaskClient, url: str) -> str:
    body = json.dumps({"image_url": url})  # in ASCII: an address may hold half a character
    answer = client.post("/api/v1/search", data=body, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    assert "SECRET" not in answer.text
    return str(answer.get_json()["detail"])


HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.01",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "00000000000000000000177.0.0.1",
    "127.0.0.1.",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "localhost",
    "LocalHost.",
    "localhost.localdomain",
    "0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[::1%25lo]",
    "[fe80::1%25eth0]",
    "user@127.0.0.1",
    "1.1.1.1@127.0.0.1",
    "127.0.0.1%2f@1.1.1.1",
    "1.1.1.1\\@127.0.0.1",
    "1.1.1.1 @127.0.0.1",
    "127.0.0.1%00.example.com",
    "127.0.0.1%23.example.com",
]


@pytest.mark.parametrize("host", HOSTS)
def test_no_spelling_reaches_this_machine(
    client: FlaskClient, inside: tuple[int, list[str]], host: str
) -> None:
    port, asked = inside
    refused(client, f"http://{host}:{port}/a.png")
    assert asked == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FILE:/etc/passwd",
        "file://localhost/etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "dict://127.0.0.1:11211/stats",
        "ftp://127.0.0.1/a.png",
        "data:image/png;base64,iVBORw0KGgo=",
        "jar:http://127.0.0.1!/a",
        "unix:///var/run/docker.sock",
        "javascript:alert(1)",
        "//127.0.0.1/a.png",
        "/etc/passwd",
        "a.png",
        "http:127.0.0.1/a.png",
        "http:///127.0.0.1/a.png",
        "http://[::1",
        "http://[not:an:address]/",
        "http://[fe80::1%25\x00]/",
        "http://shop.example:-1/",
        "http://shop.example:65536/",
        "http://shop.example:" + "9" * 900 + "/",
        "http://" + "a." * 400 + "example/",
        "http://" + "a" * 64 + ".example/",
        "http://xn--/a.png",
        "http://xn--a-ecp.ru\u0660/",
        "http://\u202eexample.com/",
        "http://ex\u0000ample.com/",
        "http://%31%32%37.0.0.1/",
        "http://\ud800.example/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://100.100.100.200/latest/",
        "http://192.168.0.1/",
        "http://10.0.0.1/",
    ],
)
def test_other_schemes_and_private_places_are_refused(client: FlaskClient, url: str) -> None:
    assert refused(client, url)


@pytest.mark.parametrize("part", ["\r\nX-Injected: 1", "\nHost: evil", " HTTP/1.1\r\n\r\nGET /x"])
def test_a_line_break_in_an_address_adds_no_header(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """The host is let in here: what it is sent is one request, in one piece."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(2)
        port, heads = listener.getsockname()[1], []

        def answer_once() -> None:
            try:
                with listener.accept()[0] as visitor:
                    heads.append(visitor.recv(10_000))
                    visitor.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                return

        thread = threading.Thread(target=answer_once)
        thread.start()
        monkeypatch.setattr(checked, "is_public", lambda _: True)
        refused(client, f"http://127.0.0.1:{port}/a{part}")
        listener.close()
        thread.join()
    for head in heads:
        lines = head.decode("latin-1").split("\r\n")
        assert not any(line.startswith(("X-Injected", "Host: evil", "GET /x")) for line in lines)


def test_a_public_name_that_turns_private_is_refused(
    client: FlaskClient, inside: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = inside
    told = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])
    connected: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(told), port))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    for _ in range(2):
        refused(client, f"http://rebinding.example:{port}/a.png")
    assert set(connected) == {"93.184.215.14"}
    assert asked == []


def test_a_redirect_to_a_private_address_is_refused(
    client: FlaskClient, inside: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first host counts as public; the second one is where it leads to."""
    port, asked = inside
    with socket.create_server(("127.0.0.2", 0)) as listener:
        outside = listener.getsockname()[1]

        def lead_inside() -> None:
            with listener.accept()[0] as visitor:
                visitor.recv(10_000)
                place = f"http://127.0.0.1:{port}/a.png".encode()
                visitor.sendall(
                    b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + place + b"\r\n\r\n"
                )

        thread = threading.Thread(target=lead_inside)
        thread.start()
        monkeypatch.setattr(checked, "is_public", lambda address: address == "127.0.0.2")
        reason = refused(client, f"http://127.0.0.2:{outside}/a.png")
        thread.join()
    assert "not on the public internet" in reason
    assert asked == []


def test_further_wishes_fetch_no_more_than_the_first(
    client: FlaskClient, inside: tuple[int, list[str]]
) -> None:
    port, asked = inside
    also = [{"image_url": f"http://127.0.0.1:{port}/a.png"}]
    assert client.post("/api/v1/search", json={"q": "mug", "also": also}).status_code == 422
    form = {"image_url": f"http://127.0.0.1:{port}/a.png"}
    assert client.post("/search", data=form).status_code == 422
    assert client.get("/api/v1/search", query_string=form).status_code == 400
    assert client.get("/search", query_string=form).status_code == 200  # pages fetch by POST alone
    assert asked == []
