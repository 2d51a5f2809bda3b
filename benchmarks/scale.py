"""What each vector index takes and gives at 10,000 to 1,000,000 products.

    python benchmarks/scale.py --home scratch [--products N ...] [--engines NAME ...] [--draw DIR]

The products resemble those of a real catalog (scale_world.py; a table shows how far). All engines
get the same vectors and filter rows. Each is built by one process and asked by another: seconds,
memory and disk are theirs. Queries are words and products that are not in the index, in turns, one
at a time, each with a filter object of its own, so that a time includes the work on the filter.
Recall is against the ten nearest by float32 cosine among all that pass.

Every step leaves a file in `--home` and is not done again: a run that was stopped goes on where it
was, and one with further sizes or engines does only these. `--again` forgets an engine's results.
Milvus is left out where the package or a server cannot be had.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from scale_engines import ENGINES, disk_mb, engine, is_there, memory_mb, peak_mb
from scale_world import Resampler, Sample, World, resemblance

from shopsearch.domain import EVERYTHING, AnyOf, Between, ProductFilter
from shopsearch.index import VectorIndex

K = 10
WARM_UP = 5
RESULTS_FILE = "results.json"
SHARES = {"50 %": 0.5, "10 %": 0.1, "1 %": 0.01, "0.1 %": 0.001}
COMPARED_AT_ONCE = 20_000
Told = dict[str, Any]


def main(given: argparse.Namespace) -> None:
    """Do what is not done yet, then show everything."""
    given.home.mkdir(parents=True, exist_ok=True)
    if given.step:
        {"build": build, "ask": ask}[given.step](given, given.of, given.engine)
        return
    sample = Sample.kept(given.home, given.sample)
    told = kept(given.home / "resemblance.json", lambda: check(sample))
    show_resemblance(told)
    for n in given.products:
        world = World.kept(given.home, sample, n, given.queries)
        truth(given.home, world)
        for name in given.engines:
            one_engine(given, n, name)
    results = collected(given.home)
    (given.home / RESULTS_FILE).write_text(json.dumps(results, indent=1), encoding="utf-8")
    show(results)
    print(machine())
    if given.draw:
        from scale_curves import draw

        draw(results, given.draw)


def one_engine(given: argparse.Namespace, n: int, name: str) -> None:
    """Build and ask, each in a process of its own."""
    place = folder(given.home, n, name)
    if given.again and place.exists():
        shutil.rmtree(place)
    if (place / "asked.json").exists():
        return
    if not is_there(name):
        print(f"{name} cannot be had here and is left out")
        return
    for step, result in (("build", "built.json"), ("ask", "asked.json")):
        if not (place / result).exists():
            print(f"{n:,} products, {name}: {step}", flush=True)
            command = [sys.executable, __file__, "--home", str(given.home), "--step", step]
            command += ["--of", str(n), "--engine", name, "--queries", str(given.queries)]
            subprocess.run(command, check=True)
    if not given.keep:
        shutil.rmtree(place / "index")


def build(given: argparse.Namespace, n: int, name: str) -> None:
    """Build an index and write it."""
    place = folder(given.home, n, name)
    shutil.rmtree(place / "index", ignore_errors=True)
    (place / "index").mkdir(parents=True)
    world = World.kept(given.home, Sample.kept(given.home, given.sample), n, given.queries)
    before = memory_mb()["anonymous"]
    with engine(name, place / "index") as chosen:
        started, cpu = time.perf_counter(), time.process_time()
        index = chosen.new(world.vectors.shape[1])
        for keys, vectors, rows in world.blocks():
            index.upsert(keys, vectors, rows)
        index.save(place / "index")
        told = {
            "seconds": round(time.perf_counter() - started, 1),
            "processor seconds": round(time.process_time() - cpu, 1),
            "peak MB": peak_mb(),
            "peak MB before": before,
            "other processes MB": chosen.other_memory_mb(),
            "machine": machine(),
        }
    told["disk MB"] = disk_mb(place / "index")
    write(place / "built.json", told)


def ask(given: argparse.Namespace, n: int, name: str) -> None:
    """Read an index back and ask it everything."""
    place = folder(given.home, n, name)
    world = World.kept(given.home, Sample.kept(given.home, given.sample), n, given.queries)
    right = np.load(given.home / f"truth-{n}.npz")
    names = [one for one in right.files if one != "categories"]
    filters = {one: wheres(world, one, right["categories"]) for one in names}
    before = memory_mb()["anonymous"]
    with engine(name, place / "index") as chosen:
        started = time.perf_counter()
        index = chosen.load()
        told: Told = {"load seconds": round(time.perf_counter() - started, 2)}
        told["memory MB"] = round(memory_mb()["anonymous"] - before, 1)
        told["kind"] = index.kind
        told["asked"] = {one: asked(index, world, filters[one], right[one]) for one in names}
        told["four facets ms"] = facets_ms(index)
        told["memory MB after"] = round(memory_mb()["anonymous"] - before, 1)
        told["mapped MB after"] = memory_mb()["files"]
        told["other processes MB"] = chosen.other_memory_mb()
        told["machine"] = machine()
    write(place / "asked.json", told)


def asked(
    index: VectorIndex,
    world: World,
    filters: Sequence[ProductFilter],
    right: NDArray[np.int64],
) -> Told:
    """What one filter shows: recall, and milliseconds."""
    times, cpu, shared = [], [], 0
    for place in [*range(WARM_UP), *range(len(world.queries))]:
        started, thread = time.perf_counter(), time.thread_time()
        keys = index.search(world.queries[place : place + 1], K, filters[place]).keys[0]
        times.append((time.perf_counter() - started) * 1000)
        cpu.append((time.thread_time() - thread) * 1000)
        if len(times) > WARM_UP:
            shared += len(set(keys[keys >= 0].tolist()) & set(right[place].tolist()))
    times, cpu = times[WARM_UP:], cpu[WARM_UP:]
    return {
        "recall@10": round(shared / int((right >= 0).sum()), 4),
        "p50 ms": round(float(np.percentile(times, 50)), 2),
        "p99 ms": round(float(np.percentile(times, 99)), 2),
        "p50 processor ms": round(float(np.percentile(cpu, 50)), 2),
        "times ms": [round(one, 2) for one in sorted(times)],
    }


def facets_ms(index: VectorIndex) -> float:
    """The median of processor time to count four fields of all products."""
    times = []
    for _ in range(9):
        started = time.thread_time()
        for field in ("product_type", "brand", "color", "gender"):
            index.fields.counts(field, limit=20)
        times.append((time.thread_time() - started) * 1000)
    return round(float(np.median(times)), 2)


def wheres(world: World, name: str, categories: NDArray[np.str_]) -> list[ProductFilter]:
    """A filter for each query."""
    n = len(world.queries)
    if name == "all":
        return [EVERYTHING] * n
    if name == "a category":
        return [ProductFilter((AnyOf("product_type", (str(one),)),)) for one in categories]
    return [ProductFilter((Between("chance", None, SHARES[name]),)) for _ in range(n)]


def truth(home: Path, world: World) -> None:
    """The ten nearest of each query under each filter, kept in a file."""
    n, n_queries = len(world.vectors), len(world.queries)
    path = home / f"truth-{n}.npz"
    if path.exists():
        return
    deepest = np.array([row["product_type"][-1] for row in world.sample_rows])
    rng = np.random.default_rng(n)
    categories = deepest[world.of[rng.integers(n, size=n_queries)]]
    masks = {"all": lambda some: np.ones((1, len(some)), dtype=np.bool_)}
    for name, share in SHARES.items():
        masks[name] = lambda some, share=share: (world.chance[some] <= share)[None]
    masks["a category"] = lambda some: deepest[world.of[some]][None] == categories[:, None]
    found = {name: np.full((n_queries, K), -1) for name in masks}
    scores = {name: np.full((n_queries, K), -np.inf, dtype=np.float32) for name in masks}
    for start in range(0, n, COMPARED_AT_ONCE):
        some = np.arange(start, min(start + COMPARED_AT_ONCE, n))
        near = world.queries @ np.asarray(world.vectors[some]).T  # (Q, n)
        for name, mask in masks.items():
            of_matches = np.where(mask(some), near, -np.inf)
            both = np.concatenate([scores[name], of_matches], axis=1)
            keys = np.broadcast_to(some + 1, of_matches.shape)
            both_keys = np.concatenate([found[name], keys], axis=1)
            order = np.argsort(-both, axis=1, kind="stable")[:, :K]
            scores[name] = np.take_along_axis(both, order, axis=1)
            found[name] = np.take_along_axis(both_keys, order, axis=1)
    for name in masks:
        found[name][~np.isfinite(scores[name])] = -1
    np.savez(path, categories=categories, **found)


def check(sample: Sample) -> Told:
    """How far made products resemble real ones."""
    resampler = Resampler(sample.products)
    told: Told = {"noise": resampler.noise, "products": len(sample.products)}
    return told | {"figures": resemblance(sample.products, resampler)}


def collected(home: Path) -> list[Told]:
    """All results that lie in a folder."""
    results = []
    for path in home.glob("run-*/*/asked.json"):
        n, name = int(path.parent.parent.name.removeprefix("run-")), path.parent.name
        built = json.loads((path.parent / "built.json").read_text(encoding="utf-8"))
        told = json.loads(path.read_text(encoding="utf-8"))
        results.append({"products": n, "engine": name, "built": built, **told})
    return sorted(results, key=lambda one: (one["products"], ENGINES.index(one["engine"])))


def show_resemblance(told: Told) -> None:
    """Print the check of the made products."""
    columns = told["figures"]
    print(f"{told['products']:,} real products, noise {told['noise']:.2f}")
    print(f"{'':<40}" + "".join(f"{name:>18}" for name in columns))
    for name in columns["real"]:
        print(f"{name:<40}" + "".join(f"{one[name]:>18g}" for one in columns.values()))


def show(results: Sequence[Told]) -> None:
    """Print what was found."""
    for n in sorted({one["products"] for one in results}):
        print(f"\n{n:,} products")
        print(
            f"{'engine':<18}{'build s':>9}{'cpu s':>9}{'peak MB':>9}{'disk MB':>9}{'MB':>9}"
            f"{'B/product':>11}{'load s':>8}"
        )
        for one in (one for one in results if one["products"] == n):
            built, memory = one["built"], one["memory MB after"] + one["other processes MB"]
            print(
                f"{one['engine']:<18}{built['seconds']:>9.1f}{built['processor seconds']:>9.1f}"
                f"{built['peak MB']:>9.0f}{built['disk MB']:>9.0f}{memory:>9.0f}"
                f"{memory * 1e6 / n:>11.0f}{one['load seconds']:>8.2f}"
            )
        filters = list(next(one for one in results if one["products"] == n)["asked"])
        print("recall@10, p50/p99 ms by the clock, p50 ms of processor time")
        print(f"{'':<18}" + "".join(f"{name:>29}" for name in filters))
        for one in (one for one in results if one["products"] == n):
            cells = (
                f"{cell['recall@10']:>8.4f}{cell['p50 ms']:>7.1f}/{cell['p99 ms']:<7.1f}"
                f"{cell['p50 processor ms']:>6.1f}"
                for cell in (one["asked"][name] for name in filters)
            )
            print(f"{one['engine']:<18}" + "".join(cells), flush=True)


def kept(path: Path, make: Any) -> Told:
    """What a file says, made and written where it is not there."""
    if not path.exists():
        write(path, make())
    told: Told = json.loads(path.read_text(encoding="utf-8"))
    return told


def write(path: Path, told: Told) -> None:
    """Into a file, whole or not at all."""
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(told, indent=1), encoding="utf-8")
    beside.replace(path)


def folder(home: Path, n: int, name: str) -> Path:
    """Where the files of one engine and size lie."""
    return home / f"run-{n}" / name


def machine() -> str:
    """What this ran on."""
    return (
        f"Python {platform.python_version()}, FAISS {faiss.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--home", type=Path, required=True, help="a folder for all that is made")
    parser.add_argument("--products", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--engines", nargs="+", default=ENGINES, choices=ENGINES)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--sample", type=int, default=4000, help="real products to encode")
    parser.add_argument("--keep", action="store_true", help="keep the indexes, too")
    parser.add_argument("--again", action="store_true", help="measure these engines once more")
    parser.add_argument("--draw", type=Path, help="a folder for curves, as SVG")
    parser.add_argument("--step", choices=("build", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
