"""Products a second of `index --on ray` over those of `index`, on this machine, and what limits it.

    python benchmarks/ray_indexing.py [--feed FEED] [--products N] [--workers N...] [--repeats N]
                                      [--encoder E]

Each repeat indexes the same feed into empty homes: in this process, then on Ray with each number of
workers; every other repeat goes the other way round. Ray runs before the first, and models are
loaded by a few products before the clock starts; both are told apart. Beside the rate stands the
processor time of a product, of all processes and of the one that runs: one over the latter is what
a cluster of any size cannot exceed. On a machine that others use too, processor time is what to go
by. Each run is told when it is done; all of it takes some five minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.distributed.cluster import connected
from shopsearch.settings import Settings

HERE = "here"


@dataclass(frozen=True, slots=True)
class Measured:
    """One run over the feed."""

    per_s: float  # products
    all_ms: float  # of processor time, a product, of all processes
    own_ms: float  # of this process
    ready_s: float  # until workers had their model


def main() -> None:
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="ray-bench-") as folder, _ray() as up_s:
        scratch = Path(folder)
        feed = given.feed or draw_shop(scratch / "shop", n_products=given.products)
        few = draw_shop(scratch / "few", n_products=4, seed=9)
        models = _models(scratch / "models-home", few, given.encoder)
        print(
            f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
            f"encoder {given.encoder}; Ray was up after {up_s:.1f} s; "
            f"load {os.getloadavg()[0]:.1f} at the start",
            flush=True,
        )
        results: dict[str, list[Measured]] = defaultdict(list)
        for repeat in range(given.repeats):
            turns = (0, *given.workers)
            for workers in turns if repeat % 2 == 0 else reversed(turns):
                name = f"Ray, {workers}" if workers else HERE
                home = scratch / f"home-{repeat}-{workers}"
                if models.is_dir():
                    shutil.copytree(models, home / "models")
                settings = Settings(home=home, encoder=given.encoder, ray_workers=workers)
                measured = _measured(settings, few, feed, on_ray=workers > 0)
                print(f"{repeat + 1}. {name}: {measured}", flush=True)
                results[name].append(measured)
                shutil.rmtree(home)
        _show(results)


@contextmanager
def _ray() -> Iterator[float]:
    started = time.perf_counter()
    with connected(None):
        yield time.perf_counter() - started


def _models(home: Path, few: Path, encoder: str) -> Path:
    """The folder of the encoder's graphs, made once for all homes."""
    with Services.open(Settings(home=home, encoder=encoder)) as services:
        services.indexer.run(open_feed(few), feed_name="few")
    return home / "models"


def _measured(settings: Settings, few: Path, feed: Path, *, on_ray: bool) -> Measured:
    with (
        Services.open(settings) as services,
        services.indexer_on_ray() if on_ray else nullcontext(services.indexer) as indexer,
    ):
        begun = time.perf_counter()
        indexer.run(open_feed(few), feed_name="few")
        if on_ray:
            time.sleep(3.0)  # the other workers are there too by then
        started, all_before, own_before = time.perf_counter(), _all_cpu_s(), time.process_time()
        report = indexer.run(open_feed(feed), feed_name="feed")
        seconds = time.perf_counter() - started
        own_s = time.process_time() - own_before
        all_s = _all_cpu_s() - all_before
    assert report.indexed, "the feed holds nothing new"
    n = report.indexed
    return Measured(n / seconds, 1000 * all_s / n, 1000 * own_s / n, started - begun)


def _all_cpu_s() -> float:
    """Processor time of this process and of all below it that live."""
    ours, ticks = {os.getpid()}, 0
    for pid in sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in ours or int(fields[1]) in ours:
            ours.add(pid)
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _show(results: dict[str, list[Measured]]) -> None:
    print("| workers | products/s | over here | ms of all | ms of the run itself | ready after |")
    print("| --- | --- | --- | --- | --- | --- |")
    base = results[HERE]
    for name, runs in sorted(results.items()):
        ratios = [run.per_s / here.per_s for run, here in zip(runs, base, strict=True)]
        print(
            f"| {name} | {_median(run.per_s for run in runs):.1f} | {_median(ratios):.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f}) | {_median(run.all_ms for run in runs):.0f} "
            f"| {_median(run.own_ms for run in runs):.1f} "
            f"| {_median(run.ready_s for run in runs):.1f} s |"
        )


def _median(values: object) -> float:
    return statistics.median(values)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feed", type=Path)
    parser.add_argument("--products", type=int, default=160)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--encoder", default="compact")
    return parser.parse_args()


if __name__ == "__main__":
    main()
