"""Encoding with torch, with ONNX Runtime, and in 8 bits: rates, latency, start and memory.

    python benchmarks/encoding.py [--repeats N] [--threads N] [--starts N]

Pictures and texts are those of the drawn demo shop, pictures decoded before. The three take
turns in one process, so that a busy machine slows both alike; medians are printed, of seconds and
of the CPU time that one picture or text takes, which a busy machine changes less. Starts are
processes of their own, in turns too: from nothing to the first encoded text, and to the first
encoded picture; their peak memory is what Linux tells of the process. The rows are compared as
well; 8 bits are for pictures only.
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

from shopsearch.demo.drawn import draw_shop
from shopsearch.encoders import Encoder
from shopsearch.encoders.compact import CompactEncoder
from shopsearch.encoders.compact_onnx import OnnxCompactEncoder
from shopsearch.encoders.onnx_session import usable_cores

BATCHES = (1, 8, 32, 64)  # pictures of one call; 64 is what indexing gives
STARTS = {
    "torch": "from shopsearch.encoders.compact import CompactEncoder as E; encoder = E({more})",
    "onnx": (
        "from shopsearch.encoders.compact_onnx import OnnxCompactEncoder as E;"
        "encoder = E(models=Path({models!r}), {more})"
    ),
}
FIRST = {
    "text": "encoder.encode_texts(['a red mug'])",
    "picture": "encoder.encode_images([Image.new('RGB', (300, 300))])",
}
# getrusage would tell of the process that started this one
PEAK = "print(next(line for line in open('/proc/self/status') if 'VmHWM' in line).split()[1])"
Times = dict[str, list[float]]  # by runtime


def main() -> None:
    given = arguments()
    threads = given.threads or usable_cores()
    with tempfile.TemporaryDirectory() as scratch:
        pictures, texts = shop(Path(scratch))
        models = Path(scratch) / "models"
        show_machine(threads)
        started = time.perf_counter()
        onnx = OnnxCompactEncoder(models=models, threads=threads)
        onnx.encode_texts(["mug"]), onnx.encode_images(pictures[:1])
        print(f"writing both graphs, once: {time.perf_counter() - started:.1f} s", flush=True)
        started = time.perf_counter()
        int8 = OnnxCompactEncoder(models=models, threads=threads, examples=lambda: pictures[::6])
        int8.encode_texts(["mug"]), int8.encode_images(pictures[:1])
        print(f"and in 8 bits: {time.perf_counter() - started:.1f} s", flush=True)
        torch_encoder = CompactEncoder(device="cpu", threads=threads)
        encoders = {"torch": torch_encoder, "onnx": onnx, "int8": int8}
        agreement(encoders, pictures, texts)
        for name, n, call in cases(pictures, texts):
            show(name, n, *in_turns(encoders, call, given.repeats))
        latency(encoders, pictures, texts, 10 * given.repeats)
        for first in FIRST:
            starts(first, str(models), threads, given.starts)


def shop(folder: Path) -> tuple[list[Image.Image], list[str]]:
    """The pictures and the texts of the drawn shop."""
    feed = draw_shop(folder / "shop")
    with feed.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    files = sorted(path for path in feed.parent.rglob("*") if path.suffix == ".webp")
    pictures = [Image.open(path).convert("RGB") for path in files]
    return pictures, [" ".join(filter(None, (r["title"], r["description"]))) for r in rows]


def cases(
    pictures: list[Image.Image], texts: list[str]
) -> list[tuple[str, int, Callable[[Encoder], object]]]:
    """Names, how many are encoded, and how."""
    some = [
        (f"pictures, {n} at a time", n, lambda e, n=n: e.encode_images(pictures[:n]))
        for n in BATCHES
    ]
    titles = [" ".join(text.split()[:5]) for text in texts[:64]]
    return [
        *some,
        ("titles, 64 at a time", 64, lambda e: e.encode_texts(titles)),
        ("descriptions, 64 at a time", 64, lambda e: e.encode_texts(texts[:64])),
    ]


def in_turns(
    encoders: dict[str, Encoder], call: Callable[[Encoder], object], n: int
) -> tuple[Times, Times]:
    """Seconds, and seconds of all cores, turn by turn; the first turn warms up."""
    seconds: Times = {name: [] for name in encoders}
    cores: Times = {name: [] for name in encoders}
    for turn in range(n + 1):
        for name, encoder in encoders.items():
            started, busy = time.perf_counter(), time.process_time()
            call(encoder)
            if turn:
                seconds[name].append(time.perf_counter() - started)
                cores[name].append(time.process_time() - busy)
    return seconds, cores


def show(name: str, n: int, seconds: Times, cores: Times) -> None:
    took = {runtime: statistics.median(taken) / n for runtime, taken in seconds.items()}
    busy = {runtime: statistics.median(taken) / n for runtime, taken in cores.items()}
    each = ", ".join(f"{r} {1 / took[r]:.1f}/s ({1000 * busy[r]:.1f} ms CPU)" for r in took)
    for quick, slow in (("onnx", "torch"), ("int8", "onnx")):
        faster, less = took[slow] / took[quick], busy[slow] / busy[quick]
        each += f"; {quick} is {faster:.1f} times as fast as {slow} ({less:.1f} times less CPU)"
    print(f"{name}: {each}", flush=True)


def latency(
    encoders: dict[str, Encoder], pictures: list[Image.Image], texts: list[str], n: int
) -> None:
    """What one query waits for."""
    for name, call in (
        ("a query of words", lambda e: e.encode_texts([texts[0][:30]])),
        ("a query of a picture", lambda e: e.encode_images(pictures[:1])),
    ):
        for runtime, taken in in_turns(encoders, call, n)[0].items():
            p50, p95 = (1000 * np.percentile(taken, share) for share in (50, 95))
            print(f"{name}, {runtime}: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


def starts(first: str, models: str, threads: int, n: int) -> None:
    """A process that encodes one text or picture: how long it takes and how much memory."""
    seconds: Times = {name: [] for name in STARTS}
    peaks: Times = {name: [] for name in STARTS}
    for _ in range(n):
        for name, build in STARTS.items():
            code = (
                "from pathlib import Path; from PIL import Image;"
                f"{build.format(models=models, more=f'threads={threads}')}; {FIRST[first]};"
                f"{PEAK}"
            )
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True
            )
            seconds[name].append(time.perf_counter() - started)
            peaks[name].append(int(done.stdout) / 1024)
    for name, taken in seconds.items():
        peak = statistics.median(peaks[name])
        print(f"first {first}, {name}: {statistics.median(taken):.2f} s, {peak:.0f} MB at most")


def agreement(encoders: dict[str, Encoder], pictures: list[Image.Image], texts: list[str]) -> None:
    rows = {name: encoder.encode_images(pictures[::8]) for name, encoder in encoders.items()}
    words = {name: encoder.encode_texts(texts[::4]) for name, encoder in encoders.items()}
    apart = [np.abs(made["torch"] - made["onnx"]).max() for made in (rows, words)]
    print(f"rows differ by {apart[0]:.1e} at most for pictures, {apart[1]:.1e} for texts")
    cosines = (rows["int8"] * rows["onnx"]).sum(axis=1)
    print(
        f"8 bits: cosine to 32 bits {cosines.mean():.4f} in the mean, {cosines.min():.4f} at least"
    )


def show_machine(threads: int) -> None:
    processor = platform.processor() or platform.machine()
    print(f"torch {torch.__version__}, ONNX Runtime {onnxruntime.__version__}, ", end="")
    print(f"{threads} threads, {processor}, Python {platform.python_version()}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--starts", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
