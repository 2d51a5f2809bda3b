"""A page of results in two parts, for a visitor who is on a page of the shop already.

The first leaves as soon as the hits are known: what the results answer, and the cards that are
seen without scrolling. The rest of the list and the filters are written while the first part is
being drawn.

In:    a request with `HEADER`: how many cards those are; web/static/js/in_parts.js tells.
Out:   two pieces of HTML with `MARK` between them, each compressed so that it can be read at once.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator

from flask import Response, request, stream_with_context

HEADER = "Shop-Parts"
MARK = "<!--and-->"

_NUMBER = re.compile(r"[1-9][0-9]?")
_LEVEL = 5  # of 9
_GZIP = 16 + zlib.MAX_WBITS


def n_seen_first() -> int | None:
    """How many cards the visitor sees at once; None where the page is to come whole."""
    said = request.headers.get(HEADER, "")
    return int(said) if _NUMBER.fullmatch(said) else None


def in_parts(first: str, rest: Callable[[], str]) -> Response:
    """An answer of two parts; `rest` is called once the first is under way."""
    parts = _parts(first, rest)
    is_gzip = request.accept_encodings["gzip"] > 0
    body = _gzipped(parts) if is_gzip else (part.encode() for part in parts)
    response = Response(stream_with_context(body), mimetype="text/html")
    if is_gzip:
        response.content_encoding = "gzip"
    response.vary.update((HEADER, "Accept-Encoding"))
    # nginx would hold the first part until the last comes
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _parts(first: str, rest: Callable[[], str]) -> Iterator[str]:
    yield first + MARK
    yield rest()


def _gzipped(parts: Iterable[str]) -> Iterator[bytes]:
    """Each part compressed to its last byte: Flask-Compress would hold back what it has of one."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    for part in parts:
        yield compressor.compress(part.encode()) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.flush()
