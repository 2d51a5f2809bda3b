"""Waiting for what another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0  # on a machine that is busy with other tests


def wait_until(
    is_so: Callable[[], object], within_s: float = PATIENCE_S, otherwise: str = "still not so"
) -> None:
    """Return once it is so; AssertionError where that takes longer."""
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until, f"{otherwise} after {within_s:g} s"
        time.sleep(0.02)
