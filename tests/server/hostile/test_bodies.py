"""Bodies that are no bodies: each answered with a 4xx within its time, and nothing else happens."""

from __future__ import annotations

import gzip
import io
import json
import time

import pytest
from flask.testing import FlaskClient

WITHIN_S = 2.0


def answered(client: FlaskClient, path: str, **sent: object) -> int:
    started = time.process_time()
    answer = client.post(path, **sent)
    assert time.process_time() - started < WITHIN_S
    assert answer.status_code < 500, answer.text
    if path.startswith("/api/") and answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
        json.loads(answer.text, parse_constant=pytest.fail)
    assert client.get("/healthz").status_code == 200
    return answer.status_code


NUMBERS = [
    "1e999",
    "-1e999",
    "9" * 5_000,
    "-" + "9" * 5_000,
    "1" + "0" * 30_000,
    "1e-999999999",
    "0." + "1" * 30_000,
    "1e" + "9" * 1_000,
    "NaN",
    "Infinity",
    "-Infinity",
]
FIELDS = ["page", "size", "text_weight", "price", "facet_limit", "q", "diversity", "also", "filter"]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
@pytest.mark.parametrize("field", FIELDS)
def test_no_number_is_too_large_to_be_refused(client: FlaskClient, field: str, number: str) -> None:
    bodies = [f'{{"{field}": {number}}}', f'{{"{field}": [{number}]}}']
    bodies += [f'{{"{field}": {{"min": {number}, "brand": {number}}}}}']
    for body in bodies:
        status = answered(client, "/api/v1/search", data=body, content_type="application/json")
        assert status in (200, 400)


JSON_BODIES = {
    "nothing": b"",
    "NUL": b"\x00",
    "half": b'{"q": "a',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "a text": b'"a"',
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000,
    "deep filters": b'{"filter":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "too much": b'{"q": "' + b"a" * 70_000 + b'"}',
    "many names": b"{" + b",".join(b'"a%d":1' % n for n in range(6_000)) + b"}",
    "many values": b'{"not": [' + b",".join([b'"a"'] * 15_000) + b"]}",
    "the same name": b'{"q": "a", "q": "b"}',
    "half a character": rb'{"q": "\ud800"}',
    "half a character as name": rb'{"\udfff": "a"}',
    "half a character as filter": rb'{"filter": {"\ud800": "a"}}',
    "half a character as id": rb'{"product_id": "\ud800"}',
    "half a character as wish": rb'{"also": [{"text": "\ud800"}]}',
    "half a character in a strange wish": rb'{"also": [{"\ud800": 1}]}',
    "NUL in words": rb'{"q": "a\u0000b"}',
    "NUL in an id": rb'{"product_id": "a\u0000b"}',
    "NUL in a filter": rb'{"filter": {"a\u0000": "b\u0000"}}',
    "overlong UTF-8": b'{"q": "\xc0\xaf"}',
    "not UTF-8": b'{"q": "\xff\xfe"}',
    "UTF-16": '{"q": "mug"}'.encode("utf-16"),
    "UTF-32": '{"q": "mug"}'.encode("utf-32"),
    "UTF-7": b'{"q": "+AGE-"}',
    "a byte order mark": b'\xef\xbb\xbf{"q": "mug"}',
    "turned around": '{"q": "\u202e\u2066gum\u2069"}'.encode(),
    "zalgo": ('{"q": "' + "a" + "\u0301" * 990 + '"}').encode(),
    "grows when normalized": ('{"q": "' + "\ufdfa" * 990 + '"}').encode(),
    "case folding": ('{"q": "' + "\u1f82\u0390\u0149\ufb03" * 240 + '"}').encode(),
    "noncharacters": '{"q": "\uffff\U0010ffff\ufeff"}'.encode(),
    "packed": gzip.compress(b'{"q": "mug"}'),
    "true for a number": b'{"page": true}',
    "an object for words": b'{"q": {"a": {"b": {}}}}',
    "a prototype": b'{"__proto__": {"q": "a"}, "constructor": 1}',
}


@pytest.mark.parametrize("name", JSON_BODIES)
@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/events"])
def test_json_of_any_kind_is_answered_or_refused(client: FlaskClient, path: str, name: str) -> None:
    for kind in ("application/json", "application/json; charset=utf-7"):
        status = answered(client, path, data=JSON_BODIES[name], content_type=kind)
        assert status in (200, 400, 404, 413)


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("text/plain", None),
        ("application/xml", None),
        ("application/x-www-form-urlencoded", None),
        ("multipart/mixed; boundary=a", None),
        ("image/png", None),
        ("application/" + "a" * 5_000, None),
        ("", None),
        ("application/json; charset=" + "\u00fc" * 100, None),
        ("application/json", "gzip"),
        ("application/json", "br, gzip, deflate"),
    ],
)
def test_other_types_and_packed_bodies_are_refused(
    client: FlaskClient, kind: str, encoding: str | None
) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    body = gzip.compress(b'{"q": "mug"}') if encoding else b"<q>mug</q>"
    status = answered(client, "/api/v1/search", data=body, content_type=kind, headers=headers)
    assert status in (400, 415)


def multipart(*parts: bytes, boundary: bytes = b"b") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + (
        b"--" + boundary + b"--\r\n"
    )


def part(name: str, content: bytes = b"a", more: bytes = b"") -> bytes:
    return (
        b'Content-Disposition: form-data; name="'
        + name.encode()
        + b'"'
        + more
        + (b"\r\n\r\n" + content)
    )


FILE = b'; filename="a.png"\r\nContent-Type: image/png'
FORMS = {
    "thousands of fields": multipart(*[part("not")] * 5_000),
    "thousands of files": multipart(*[part("also_image", b"", FILE)] * 5_000),
    "a long field": multipart(part("q", b"a" * 100_000)),
    "a long field in many": multipart(*[part("q", b"a" * 60_000)] * 3),
    "a long name": multipart(part("a" * 50_000)),
    "a long header": multipart(part("q", b"a", b"\r\nX-Long: " + b"a" * 100_000)),
    "many headers": multipart(part("q", b"a", b"\r\nX-More: a" * 10_000)),
    "no name": multipart(b"Content-Disposition: form-data\r\n\r\na"),
    "no disposition": multipart(b"\r\na"),
    "another disposition": multipart(b'Content-Disposition: attachment; name="q"\r\n\r\na'),
    "no end": multipart(part("q"))[:-6],
    "no part": b"--b--\r\n",
    "nothing": b"",
    "only a boundary": b"--b" * 20_000,
    "only line ends": b"\r\n" * 50_000,
    "other boundary": multipart(part("q"), boundary=b"c"),
    "nested": multipart(
        b"Content-Disposition: form-data; name=q\r\n"
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n" + multipart(part("q"), boundary=b"c")
    ),
    "a picture in words": multipart(part("image", b"a")),
    "words in a picture": multipart(part("q", b"a", FILE)),
    "half a character": multipart(part("q", b"\xed\xa0\x80")),
    "not UTF-8": multipart(part("q", b"\xff\xfe")),
    "a NUL": multipart(part("q\x00", b"\x00")),
    "a wrong charset": multipart(part("q", b"a", b"\r\nContent-Type: text/plain; charset=utf-7")),
    "an unknown charset": multipart(part("q", b"a", b"\r\nContent-Type: text/plain; charset=x")),
    "base64": multipart(part("q", b"bXVn", b"\r\nContent-Transfer-Encoding: base64")),
    "a huge wish weight": multipart(part("also_image^" + "9" * 400, b"a", FILE)),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("path", ["/api/v1/search", "/search"])
def test_forms_of_any_kind_are_answered_or_refused(
    client: FlaskClient, path: str, name: str
) -> None:
    kind = "multipart/form-data; boundary=b"
    status = answered(client, path, data=FORMS[name], content_type=kind)
    assert status in (200, 303, 400, 413, 422)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="',
        "multipart/form-data; boundary=" + "b" * 10_000,
        "multipart/form-data; boundary=\u00fc",
        "multipart/form-data; boundary=b; boundary=c",
        "multipart/form-data; boundary*=utf-8''%00",
    ],
    ids=lambda kind: kind[:40],
)
def test_a_form_without_a_sane_boundary_is_answered_or_refused(
    client: FlaskClient, kind: str
) -> None:
    body = multipart(part("q"))
    assert answered(client, "/api/v1/search", data=body, content_type=kind) in (200, 400, 413)


@pytest.mark.parametrize(
    "filename",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "a.png\x00.svg",
        "\u202egnp.exe",
        "a" * 3_000 + ".png",
        "<script>alert(1)</script>.png",
        "ü☕\U0001f600.png",
        "CON",
        "a\r\nSet-Cookie: x=1.png",
    ],
)
def test_the_name_of_a_picture_means_nothing(client: FlaskClient, filename: str) -> None:
    form = {"image": (io.BytesIO(b"\x89PNG\r\n\x1a\n"), filename)}
    answer = client.post("/api/v1/search", data=form)
    assert answer.status_code in (400, 422)
    assert "Set-Cookie" not in answer.headers
    assert filename not in answer.text


@pytest.mark.parametrize("n_bytes", [200_000 + 64 * 1024 + 1, 3_000_000])
def test_more_than_a_picture_is_refused_before_it_is_read(
    client: FlaskClient, n_bytes: int
) -> None:
    form = multipart(part("image", bytes(n_bytes), FILE))
    kind = "multipart/form-data; boundary=b"
    assert answered(client, "/api/v1/search", data=form, content_type=kind) == 413
