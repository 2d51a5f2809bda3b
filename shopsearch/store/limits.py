"""How much of a database server one process asks for, and how long it waits for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the connections of one process to a database server."""

    n_connections: int = 10  # at most; a listener and a lock have one more each
    wait_s: float = 5.0  # for one that is free
    connect_s: int = 5  # for the server to take a new one
    statement_s: float = 60.0  # for one statement; 0 leaves it to the server


LIMITS = Limits()
