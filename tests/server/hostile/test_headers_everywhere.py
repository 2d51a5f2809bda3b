"""What the browser is told to refuse, on every route and every kind of answer.

`Strict-Transport-Security` is not among it: TLS ends at the proxy, which alone may promise it.
"""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shopsearch.server.security import HEADERS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
FILLINGS = {
    "product": "mug-red",
    "path": "mug-red",
    "hash": "0" * 64,
    "int": "160",
    "default": "x",
    "string": "x",
}


def addresses(app: Flask) -> list[str]:
    """One address of each route, and where nothing is."""
    filled = [
        re.sub(r"<(?:(\w+):)?\w+>", lambda part: FILLINGS[part[1] or "default"], rule.rule)
        for rule in app.url_map.iter_rules()
    ]
    return sorted({*filled, "/nothing", "/api/v1/nothing", "/static/x", "/media/x"})


def check(answer: TestResponse) -> None:
    for name, value in HEADERS.items():
        assert answer.headers.getlist(name) == [value], (answer.request.path, name)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Strict-Transport-Security" not in answer.headers
    assert answer.headers["Cache-Control"]
    assert answer.headers["X-Request-Id"]


def test_every_route_answers_every_method_with_all_of_them(app: Flask, client: FlaskClient) -> None:
    seen = set()
    for path in addresses(app):
        for method in METHODS:
            answer = client.open(path, method=method, buffered=True)
            check(answer)
            assert answer.status_code < 500
            seen.add(answer.status_code)
    assert {200, 400, 404, 405, 415} <= seen


def test_redirects_media_and_static_files_have_them_too(client: FlaskClient) -> None:
    page = client.get("/").text
    static = re.search(r'/static/[^"]+\.css', page)
    media = re.search(r"/media/[0-9a-f]{64}", page)
    assert static
    assert media
    for path in (static[0], media[0], f"{media[0]}/160"):
        answer = client.get(path, buffered=True)
        assert answer.status_code == 200
        check(answer)
        known = {"If-None-Match": answer.headers["ETag"]}
        unchanged = client.get(path, headers=known, buffered=True)
        assert unchanged.status_code == 304
        check(unchanged)
    moved = client.post("/search", data={"q": "mug"})
    assert moved.status_code == 303
    check(moved)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_no_header_changes_the_method(client: FlaskClient, header: str) -> None:
    assert client.get("/healthz", headers={header: "DELETE"}).status_code == 200
    assert client.post("/healthz", headers={header: "GET"}).status_code == 405
    assert client.post("/healthz?_method=GET", data={"_method": "GET"}).status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "a\tb", "evil.example:99999", "[::1", "a" * 3000])
def test_the_host_header_is_written_into_no_answer(client: FlaskClient, host: str) -> None:
    for path in ("/", "/nothing", "/search/", "/api/v1/nothing"):
        answer = client.get(path, headers={"Host": host, "X-Forwarded-Host": host})
        assert answer.status_code in (200, 308, 400, 404)
        assert host not in answer.text
        assert host not in answer.headers.get("Location", "")


@pytest.mark.parametrize(
    "path",
    [
        f"{folder}/{way}"
        for folder in ("/media", "/static", "/static/x", "/products", "/api/v1/products")
        for way in (
            "../../etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e/%2e%2e/etc/passwd",
            "..%5c..%5cetc%5cpasswd",
            "....//....//etc/passwd",
            "%252e%252e%252fetc%252fpasswd",
            "..%c0%af..%c0%afetc/passwd",
            "/etc/passwd",
            "%00/etc/passwd",
            "a" * 3_000,
            "%ff%fe",
            "\u202e\u2066",
        )
    ],
)
def test_no_path_leads_out_of_its_folder(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404)
    assert "root:" not in answer.text
    check(answer)
