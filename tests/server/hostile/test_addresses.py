"""Server-side request forgery: no address that a visitor gives leads inside, however it is spelled.

What the fetcher itself refuses is tested in tests/unit/test_fetch_addresses.py; here it is asked as
visitors ask it, with something on this machine that would answer.
"""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from .crafted import encoded

WITHIN_S = 4.0  # the shop of these tests gives a fetch two seconds


class Trap(http.server.BaseHTTPRequestHandler):
    """Answers everything with a picture, and remembers that it was asked."""

    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(self.path)
        picture = encoded("PNG")
        self.send_response(200)
        self.send_header("Content-Length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, *_: object) -> None:
        pass


class BothFamilies(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


@pytest.fixture(scope="module")
def trap() -> Iterator[BothFamilies]:
    """A service inside, on IPv4 and IPv6."""
    Trap.heard = []
    server = BothFamilies(("::", 0), Trap)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


SPELLINGS = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.255.255.254:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://shop.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@shop.example:{port}/",
    "http://shop.example#@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#shop.example",
    "http://127.0.0.1:{port}\\@shop.example/",
    "http://shop.example\\@127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://127.0.0.1:{port}/\r\nX-Injected: yes",
    "http://127.0.0.1:{port}/%0d%0aX-Injected:%20yes",
    "\thttp://127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
]
INSIDE = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://[fc00::1]/",
    "http://[fe80::1]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
]
OTHER_SCHEMES = [
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ftp://127.0.0.1/x.jpg",
    "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/",
    "jar:http://127.0.0.1!/x",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "blob:http://127.0.0.1/x",
    "/etc/passwd",
    "../../../etc/passwd",
    "C:\\windows\\win.ini",
    "\\\\127.0.0.1\\share\\x.png",
    "http://",
    "http://:80/",
    "http://shop.example:99999/",
    "http://shop.example:-1/",
    "http://" + "a" * 300 + ".example/",
    "http://[::1/",
    "http://]/",
]


@pytest.mark.parametrize("address", SPELLINGS + INSIDE + OTHER_SCHEMES)
@pytest.mark.parametrize("field", ["image_url", "also_image_url"])
def test_no_address_leads_inside(
    client: FlaskClient, trap: BothFamilies, address: str, field: str
) -> None:
    spelled = address.replace("{port}", str(trap.server_port))
    started = time.perf_counter()
    answer = client.post("/api/v1/search", json={field: spelled, "q": "mug"})

    assert answer.status_code in (400, 422), answer.get_json()
    assert time.perf_counter() - started < WITHIN_S
    assert Trap.heard == []


def test_the_answer_tells_nothing_of_what_is_inside(
    client: FlaskClient, trap: BothFamilies
) -> None:
    """An open port and a closed one cannot be told apart."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
    told = [
        client.post("/api/v1/search", json={"image_url": f"http://127.0.0.1:{port}/"})
        for port in (trap.server_port, closed)
    ]
    open_, shut = (one.get_json()["detail"] for one in told)
    assert open_.replace(str(trap.server_port), "N") == shut.replace(str(closed), "N")
