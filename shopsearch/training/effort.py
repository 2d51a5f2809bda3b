"""What a training run took of time and memory, for its summary, its JSON and its model card."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass

_BYTES_PER_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss: see getrusage(2) of each


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run took. It reads as words: "12.3 s and at most 812 MB of memory"."""

    seconds: float
    peak_memory_mb: float  # 10^6 bytes: the most that the process ever held, models included

    def __str__(self) -> str:
        return f"{self.seconds:,.1f} s and at most {self.peak_memory_mb:,.0f} MB of memory"

    def as_json(self) -> dict[str, float]:
        """As `--json` prints it."""
        return {
            "seconds": round(self.seconds, 1),
            "peak_memory_mb": round(self.peak_memory_mb, 1),
        }


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def effort(self) -> Effort:
        """What was taken so far."""
        return Effort(time.monotonic() - self._started, peak_memory_mb())


def peak_memory_mb() -> float:
    """The most memory that this process ever held, in MB (10^6 bytes), by getrusage(2)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * _BYTES_PER_UNIT / 1e6
