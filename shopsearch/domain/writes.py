"""What is remembered of writes that carry an idempotency key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The request that came first with a key, and what was answered to it."""

    request_hash: str  # SHA-256, hexadecimal
    status: int | None  # of HTTP; None while the request is under way
    body: str = ""
