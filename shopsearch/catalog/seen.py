"""What was met before in a feed of any length, in bounded memory."""

from __future__ import annotations

import sqlite3
from hashlib import blake2b

_CACHE_KIB = 16_000


class Seen:
    """Remembers by hash where a text was met first, in a database that goes with it."""

    def __init__(self) -> None:
        # no name: a file of its own that SQLite deletes, in memory as long as it is small
        self._database = sqlite3.connect("", isolation_level=None)
        for setting in (f"cache_size = -{_CACHE_KIB}", "journal_mode = OFF", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE seen (hash BLOB PRIMARY KEY, row) WITHOUT ROWID")

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def first(self, text: str, row: int) -> int | None:
        """The row in which a text came first; None where that is now."""
        key = blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        written = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, row))
        if written.rowcount:
            return None
        found = self._database.execute("SELECT row FROM seen WHERE hash = ?", (key,)).fetchone()
        return int(found[0])
