"""What a run took: time, and the most memory it held."""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import pytest

from shopsearch.training import effort
from shopsearch.training.effort import Effort, Stopwatch, peak_memory_mb

BIG_MB = 200
HOLDS_MUCH_FOR_A_MOMENT = f"""
from pathlib import Path
from shopsearch.training.effort import peak_memory_mb
before = peak_memory_mb()
filled = bytearray(b"x") * ({BIG_MB} * 10**6)
del filled
lines = Path("/proc/self/status").read_text().splitlines() if Path("/proc").is_dir() else []
kernels_kib = [line.split()[1] for line in lines if line.startswith("VmHWM")]
print(before, peak_memory_mb(), *kernels_kib)
"""
# A process begins with the peak of the one that it was forked from, and that of these tests is
# large: a shell stands between, as it does for who types the command.
FROM_A_SHELL = ("sh", "-c", '"$0" -c "$1"; true', sys.executable, HOLDS_MUCH_FOR_A_MOMENT)


def test_the_peak_is_what_the_kernel_tells_and_stays_when_memory_is_given_back() -> None:
    told = subprocess.run(FROM_A_SHELL, capture_output=True, text=True, check=True)
    before, after, *kernels_kib = map(float, told.stdout.split())
    assert after - before == pytest.approx(BIG_MB, rel=0.1)
    for kib in kernels_kib:
        assert after == pytest.approx(kib * 1024 / 1e6, rel=0.05)


@pytest.mark.parametrize(("platform_unit", "expected_mb"), [(1, 5e-4), (1024, 0.512)])
def test_kernels_count_in_bytes_or_in_kib(
    platform_unit: int, expected_mb: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        ru_maxrss = 500

    monkeypatch.setattr(effort, "_BYTES_PER_UNIT", platform_unit)
    monkeypatch.setattr(resource, "getrusage", lambda who: Usage)
    assert peak_memory_mb() == pytest.approx(expected_mb)


def test_a_stopwatch_runs_from_when_it_is_made() -> None:
    stopwatch = Stopwatch()
    time.sleep(0.05)
    assert 0.05 <= stopwatch.effort().seconds < 5


def test_an_effort_reads_as_words_and_as_json() -> None:
    took = Effort(seconds=1234.56, peak_memory_mb=812.34)
    assert str(took) == "1,234.6 s and at most 812 MB of memory"
    assert took.as_json() == {"seconds": 1234.6, "peak_memory_mb": 812.3}
