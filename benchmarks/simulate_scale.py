"""How many machines ten million to a billion products need, and how long a search takes.

    python benchmarks/simulate_scale.py [--measured scratch/results.json] [--draw FOLDER]

A fleet of front nodes and shards is simulated (queueing.py): requests come by chance, are encoded,
ask every shard, wait for the slowest, and are ranked. A shard is a whole index over a part of the
products: vectors, filter columns, words. What each stage costs was measured (`COSTS`, with where it
stands; vectors by benchmarks/scale.py, where `--measured` names its results). What was not measured
is in `ASSUMED`. The first table puts predictions beside measurements of one machine; the others are
predictions alone. For each size the cheapest fleet is looked for whose p99 is within the limit.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from queueing import Fleet, Service, Work, quantiles, simulated


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of one core for one search: a part that stays, one for each million products."""

    fixed_ms: float
    per_million_ms: float
    source: str

    def at(self, n: float) -> float:
        """For n products."""
        return self.fixed_ms + self.per_million_ms * n / 1e6


# 100,000 products, one thread; what grows with the number of products was taken as linear
COSTS = {
    "encode": Cost(17.0, 0.0, "decision 23, a query of words"),
    "words": Cost(0.0, 20.0, "decision 23: 1.9 to 2.8 ms at 100,000"),
    "facets": Cost(0.0, 40.0, "decision 23: 4 ms at 100,000; linear to 400,000"),
    "rank": Cost(6.0, 0.0, "decision 23: 200 candidates, whatever the catalog"),
    "page": Cost(5.0, 0.0, "decision 23: 24 products by their keys"),
    "rest": Cost(5.0, 0.0, "decision 23: what remains of 29 ms"),
}
# kind -> milliseconds of one core for a search of vectors at some sizes; --measured replaces them
VECTORS = {"hnsw": {1e5: 3.0}}
SEARCHES_OF_VECTORS = 2  # where a category or a colour is understood (decision 23)
TAIL = 2.0  # p99 by p50 of a search alone: 87 to 100 ms by 48 (decision 36)

STORED = {  # bytes a product
    "database": (9_400, "4,000 products with their embeddings in SQLite"),
    "pictures": (16_900, "the same: working copies and thumbnails of 224 px"),
    "words": (620, "decision 23: 60 words a product"),
    "filter columns": (100, "4,000 products, five fields, on disk"),
}
INDEXED_CORE_MS = 64.0  # a product, 645 s for 20,000 on two cores (decision 30)

ASSUMED = {
    "cores of a machine": 16,
    "memory of a machine, GB": 128,
    "part of the memory that may be filled": 0.7,
    "part of the cores that may be busy": 0.5,
    "way to a shard and back, ms": (0.5, 3.0),  # p50, p99
    "queries whose embedding is remembered": 0.3,
    "p99 within, ms": 400.0,
    "replicas at least": 2,
}
RATES = {1e7: 50.0, 1e8: 200.0, 1e9: 1000.0}  # searches a second, assumed
DRAWN = ("ivf-sq8", "ivf-pq")  # of the structures; benchmarks/scale.py draws all
SHARD_SIZES = (2.5e5, 5e5, 1e6, 2e6, 4e6)
SEARCHES = 6000


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to do things; `facets` and `words` are the parts of their cost that remain."""

    name: str
    kind: str
    facets: float = 1.0
    words: float = 1.0


AS_IT_IS = Plan("as it is", "ivf-sq8")
BUILT = Plan("facets of a tenth, words pruned", "ivf-sq8", facets=0.1, words=0.3)


def vectors_ms(kind: str, n: float) -> float:
    """Between sizes that were measured, and beyond them, a straight line of logarithms."""
    known = sorted(VECTORS.get(kind, VECTORS["hnsw"]).items())
    if len(known) == 1:
        return known[0][1]
    pairs = list(pairwise(known))
    (n0, ms0), (n1, ms1) = next((pair for pair in pairs if n <= pair[1][0]), pairs[-1])
    slope = math.log(ms1 / ms0) / math.log(n1 / n0)
    return ms0 * (n / n0) ** slope


def shard_ms(plan: Plan, n: float) -> float:
    """What a search costs one shard of n products."""
    facets, words = COSTS["facets"].at(n), COSTS["words"].at(n)
    vectors = SEARCHES_OF_VECTORS * vectors_ms(plan.kind, n)
    return vectors + plan.words * words + plan.facets * facets


def front_ms() -> float:
    """What a search costs a front, its encoding left out."""
    return sum(COSTS[name].fixed_ms for name in ("rank", "page", "rest"))


def shard_bytes(kind: str) -> float:
    """What a product takes of a shard's memory: rows of 16-bit numbers are not among it."""
    d = 1024
    codes = {"flat": 4 * d, "hnsw": 4 * d + 272, "hnsw-sq8": d + 272, "sq8": d, "ivf-sq8": d + 12}
    return codes.get(kind, d // 8 + 12) + STORED["words"][0] + 3 * STORED["filter columns"][0]


@dataclass(frozen=True, slots=True)
class Answer:
    """A fleet, what it needs, and how long its searches take."""

    plan: Plan
    n: float
    rate: float
    shard_size: float
    fleet: Fleet
    machines: int
    p50_ms: float
    p99_ms: float


def planned(plan: Plan, n: float, rate: float) -> Answer | None:
    """The fleet of fewest machines within the limit; None where no shard size gives one."""
    answers = [sized(plan, n, rate, size) for size in SHARD_SIZES if size <= n]
    good = [one for one in answers if one.p99_ms <= ASSUMED["p99 within, ms"]]
    return min(good, key=lambda one: one.machines, default=None)


def sized(plan: Plan, n: float, rate: float, shard_size: float) -> Answer:
    """The fleet for shards of one size."""
    busy, cores = ASSUMED["part of the cores that may be busy"], ASSUMED["cores of a machine"]
    shards, of_shard = math.ceil(n / shard_size), shard_ms(plan, shard_size)
    servers = math.ceil(rate * mean(of_shard) / 1000 / busy)  # of a shard, over all replicas
    replicas = max(ASSUMED["replicas at least"], math.ceil(servers / cores))
    each = math.ceil(servers / replicas)
    asked = front_ms() + COSTS["encode"].fixed_ms * (1 - known())
    fronts = max(2, math.ceil(rate * mean(asked) / 1000 / busy))
    memory = n * shard_bytes(plan.kind) * replicas
    room = ASSUMED["memory of a machine, GB"] * 1e9
    room *= ASSUMED["part of the memory that may be filled"]
    by_cores = (shards * replicas * each + fronts) / cores
    machines = math.ceil(max(by_cores, memory / room))
    fleet = Fleet(fronts, shards, replicas, each)
    p50, _, p99 = quantiles(simulated(fleet, work(of_shard), rate, SEARCHES))
    return Answer(plan, n, rate, shard_size, fleet, machines, p50, p99)


def work(of_shard: float) -> Work:
    """What a search asks of each part."""
    return Work(
        encode=service(COSTS["encode"].fixed_ms),
        shard=service(of_shard),
        rank=service(front_ms()),
        network=Service(*ASSUMED["way to a shard and back, ms"]),
        known=known(),
    )


def service(ms: float) -> Service:
    """A stage of this median; its tail as that of whole searches was measured."""
    return Service(ms, TAIL * ms)


def mean(ms: float) -> float:
    """The mean of such a stage."""
    return service(ms).mean_ms


def known() -> float:
    """The share of queries that are not encoded."""
    share: float = ASSUMED["queries whose embedding is remembered"]
    return share


# products, structure, what, searches a second, measured p50 and p99 (decision 36, and 51 for a
# million; a worker, two cores; queries that nobody asked before)
MEASURED = (
    (1e4, "hnsw", "one client", 1.0, 32.0, 52.0),
    (1e4, "hnsw", "0.6 of the capacity", 14.8, 45.0, 178.0),
    (1e5, "hnsw", "one client", 1.0, 48.0, 100.0),
    (1e5, "hnsw", "0.6 of the capacity", 12.2, 52.0, 191.0),
    (1e6, "ivf-sq8", "one client", 1.0, 166.0, 442.0),
)


def on_one_machine(n: float, kind: str, rate: float) -> tuple[float, float]:
    """The p50 and p99 of one process: encoding beside everything else, which is one after other."""
    rest = shard_ms(Plan("", kind), n) + front_ms()
    alone = Work(
        service(COSTS["encode"].fixed_ms), service(1), service(rest), service(1), known=0.0
    )
    p50, _, p99 = quantiles(simulated(Fleet(1, 0, 1, 1), alone, rate, SEARCHES))
    return p50, p99


def read(path: Path) -> None:
    """Take times of vectors from the results of benchmarks/scale.py; of a server's, only what the
    client takes is there, so these are left out.
    """
    VECTORS.clear()
    for one in json.loads(path.read_text(encoding="utf-8")):
        kind, told = one["engine"].removeprefix("faiss-"), one["asked"]["all"]
        if kind == one["engine"]:
            continue
        VECTORS.setdefault(kind, {})[float(one["products"])] = told["p50 processor ms"]


def main(given: argparse.Namespace) -> None:
    """Print costs, the check, and the fleets."""
    if given.measured:
        read(given.measured)
    show_costs()
    print("\none process, two cores: predicted beside measured, ms")
    for n, kind, name, rate, *measured in MEASURED:
        p50, p99 = on_one_machine(n, kind, rate)
        print(
            f"{n:>9,.0f} {name:<22} p50 {p50:5.0f} {measured[0]:5.0f}   p99 {p99:5.0f} "
            f"{measured[1]:5.0f}"
        )
    answers = [
        (plan, n, planned(plan, n, rate)) for plan in (AS_IT_IS, BUILT) for n, rate in RATES.items()
    ]
    print(f"\nfleets within a p99 of {ASSUMED['p99 within, ms']:.0f} ms")
    for plan, n, one in answers:
        told = "no shard size is quick enough" if one is None else describe(one)
        print(f"{plan.name:<34}{n:>14,.0f}  {told}")
    if given.draw:
        draw_growth(given.draw, [one for _, _, one in answers if one is not None])


def describe(one: Answer) -> str:
    """A fleet in a line."""
    fleet = one.fleet
    return (
        f"{one.rate:5.0f}/s  {fleet.shards:>5} shards of {one.shard_size:>9,.0f} x {fleet.replicas}"
        f" replicas x {fleet.shard_servers} cores, {fleet.fronts:>3} fronts: {one.machines:>5} "
        f"machines, p50 {one.p50_ms:4.0f} ms, p99 {one.p99_ms:4.0f} ms"
    )


def show_costs() -> None:
    """Print what a search and a product cost, and how that grows."""
    sizes = (1e5, 1e6, 1e7)
    print(f"{'ms of one core for a search at':<34}" + "".join(f"{n:>12,.0f}" for n in sizes))
    for name, cost in COSTS.items():
        print(f"{name:<34}" + "".join(f"{cost.at(n):>12.1f}" for n in sizes) + f"   {cost.source}")
    for kind, at in VECTORS.items():
        told = "".join(f"{vectors_ms(kind, n):>12.1f}" for n in sizes)
        print(f"{'vectors, ' + kind:<34}{told}   measured at {', '.join(f'{n:,.0f}' for n in at)}")
    print("\nbytes a product")
    for name, (size, source) in STORED.items():
        print(f"{name:<34}{size:>12,}   {source}")
    for kind in VECTORS:
        print(f"{'memory of a shard, ' + kind:<34}{shard_bytes(kind):>12,.0f}")
    print(f"{'rows of 16-bit numbers, on disk':<34}{2048:>12,}")
    days = {
        n: n * INDEXED_CORE_MS / 1000 / 3600 / 24 / ASSUMED["cores of a machine"] for n in RATES
    }
    told = ", ".join(f"{n:,.0f}: {one:,.1f}" for n, one in days.items())
    print(f"to encode and index all, days of one machine: {told}")
    print("\nassumed")
    for name, value in ASSUMED.items():
        print(f"{name:<46}{value}")


def draw_growth(folder: Path, answers: Sequence[Answer]) -> None:
    """Draw how costs grow, and the fleets."""
    from scale_curves import save

    sizes = [10**power for power in (4, 4.5, 5, 5.5, 6, 6.5, 7)]
    costs: dict[str, list[tuple[float, float]]] = {
        name: [(n, max(cost.at(n), 0.01)) for n in sizes] for name, cost in COSTS.items()
    }
    costs |= {
        f"vectors, {kind}": [(n, vectors_ms(kind, n)) for n in sizes]
        for kind in DRAWN
        if kind in VECTORS
    }
    machines: dict[str, list[tuple[float, float]]] = {}
    tails: dict[str, list[tuple[float, float]]] = {}
    for one in answers:
        machines.setdefault(one.plan.name, []).append((one.n, one.machines))
        tails.setdefault(one.plan.name, []).append((one.n, one.p99_ms))
    panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]] = {
        "ms of one core for a search on one machine": costs,
        "machines": machines,
        "p99, ms": tails,
    }
    save(panels, "products", folder / "plan.svg")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--measured", type=Path, help="results.json of benchmarks/scale.py")
    parser.add_argument("--draw", type=Path, help="a folder for curves, as SVG")
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
