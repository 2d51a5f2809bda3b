"""A request while it arrives: bytes are gathered until all of it is there.

No thread waits for a client: one that sends a byte a second holds a socket and these bytes, until
its time is over. What is gathered is then parsed, and judged, by gunicorn; here it is only told
where it ends. Where that cannot be told, the request counts as complete, and gunicorn says what is
wrong with it.
"""

from __future__ import annotations

import re
import tempfile

MAX_HEAD_BYTES = 64 * 1024
IN_MEMORY_BYTES = 64 * 1024  # what is longer goes into a file
BYTES_PER_S = 32 * 1024  # a body may take a second more for each of these

_HEAD_END = b"\r\n\r\n"
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(;.*)?")
_MAX_LINE_BYTES = 8 * 1024


class Incoming:
    """The bytes of one request, and of whatever its client has sent after it."""

    def __init__(self, *, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._head = bytearray()
        self._held = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self._n_bytes = 0
        self._end: int | None = None  # where the request ends, once it is known
        self._chunks: _Chunks | None = None
        self.is_complete = False
        self.asks_to_go_on = False  # it waits for `100 Continue` before it sends the body

    def __len__(self) -> int:
        return self._n_bytes

    @property
    def has_begun(self) -> bool:
        """Whether any byte of the request is there."""
        return self._n_bytes > 0

    @property
    def has_head(self) -> bool:
        """Whether method, address and headers are there."""
        return self._end is not None or self._chunks is not None

    @property
    def path(self) -> bytes:
        """The address without what follows `?`, as it was sent; b"" where there is none."""
        parts = bytes(self._head[:MAX_HEAD_BYTES]).partition(b"\r\n")[0].split(b" ")
        return parts[1].partition(b"?")[0] if len(parts) > 2 else b""

    def feed(self, received: bytes) -> None:
        """Take what has come. Raises `OSError` where there is no room for it."""
        self._n_bytes += len(received)
        self._held.write(received)
        if not self.has_head:
            received = self._read_head(received)
        if self._chunks is not None and not self.is_complete:
            self.is_complete = self._chunks.feed(received)
        elif self._end is not None:
            self.is_complete = self._n_bytes >= self._end

    def begin_reading(self) -> None:
        """From here on the bytes are read, from the first one."""
        self._held.seek(0)

    def read(self, n: int) -> bytes:
        """The next bytes; b"" where there are no more."""
        return self._held.read(n)

    def close(self) -> None:
        """Forget the bytes."""
        self._held.close()

    def _read_head(self, received: bytes) -> bytes:
        """Look for the end of the head; what of the received comes after it."""
        searched = max(0, len(self._head) - len(_HEAD_END) + 1)
        self._head += received
        found = self._head.find(_HEAD_END, searched)
        if found < 0:
            self.is_complete = len(self._head) > MAX_HEAD_BYTES  # too long: to be told so
            return b""
        n_head = found + len(_HEAD_END)
        rest = bytes(self._head[n_head:])
        del self._head[n_head:]
        self._plan(n_head)
        return rest

    def _plan(self, n_head: int) -> None:
        fields = _fields(bytes(self._head))
        self.asks_to_go_on = fields.get(b"expect") == b"100-continue"
        if b"chunked" in fields.get(b"transfer-encoding", b""):
            self._chunks = _Chunks(self._max_body_bytes)
            return
        length = fields.get(b"content-length", b"0")
        n_body = int(length) if length.isdigit() and len(length) < 16 else 0
        if n_body > self._max_body_bytes:
            n_body = 0  # it will be refused unread
        self._end = n_head + n_body


class _Chunks:
    """Tells where a body in chunks ends (RFC 9112, section 7.1)."""

    def __init__(self, max_bytes: int) -> None:
        self._left = 2 * max_bytes  # with the lines between the chunks
        self._line = bytearray()
        self._to_skip = 0
        self._in_trailer = False

    def feed(self, received: bytes) -> bool:
        """Whether the end is there; or a fault, or too much, which are for others to tell."""
        self._left -= len(received)
        place = 0
        while place < len(received) and self._left >= 0:
            if self._to_skip:
                step = min(self._to_skip, len(received) - place)
                self._to_skip -= step
                place += step
                continue
            end = received.find(b"\n", place)
            self._line += received[place : end + 1] if end >= 0 else received[place:]
            if len(self._line) > _MAX_LINE_BYTES:
                return True
            if end < 0:
                return False
            place = end + 1
            if self._ends_with(bytes(self._line).rstrip(b"\r\n")):
                return True
            self._line.clear()
        return self._left < 0

    def _ends_with(self, line: bytes) -> bool:
        if self._in_trailer:
            return not line
        size = _CHUNK_LINE.fullmatch(line)
        if size is None:
            return True
        n_bytes = int(size[1], 16)
        self._in_trailer = n_bytes == 0
        self._to_skip = n_bytes + 2 if n_bytes else 0  # the line end after it too
        return False


def _fields(head: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip().lower()
    return fields
