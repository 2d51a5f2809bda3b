"""How sure and how quick the index is under filters, over an exact scan of what they let through.

    python benchmarks/filters.py [--products N] [--queries N] [--dimension D]

The vectors are drawn: departments, types within them and products within these, Gaussian each, with
the falling spectrum, the common direction and the sizes of clusters that make cosines between
them resemble those of a real catalog (1,508 real products by the compact encoder: two random ones
have a cosine of 0.19 +- 0.14, the nearest is at 0.83, the tenth at 0.67, the hundredth at 0.40; the
same figures are printed for what is drawn). A query leans to a product, away from all products
along one direction of its own, as words do from pictures, and has as much noise as that. The exact
scan is the same index without its graph, over the same memory. Both answer the queries in turns of
ten, so that a busy machine slows both alike, and neither empties the caches of the processor for
each query of the other. With one thread the processor's time is taken, which other programs do not
lengthen; as the product runs, the time that passes.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, AnyOf, Between, FilterRow, ProductFilter
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.faiss_vectors import FaissVectors

K = 10
AT_A_TIME = 10  # queries that one index answers before it is the other's turn
N_DEPARTMENTS, N_TYPES = 60, 4000
COLORS = [f"color {n}" for n in range(20)]
KEPT = (0.5, 0.1, 0.05, 0.01, 0.005, 0.001)

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class World:
    """Drawn products and queries."""

    products: Vectors  # (N, D) unit rows
    department: NDArray[np.int64]  # (N,)
    queries: Vectors  # (Q, D) unit rows
    query_department: NDArray[np.int64]  # (Q,)
    direction: Vectors  # (D,) products lie on both sides of it

    @classmethod
    def drawn(cls, n_products: int, n_queries: int, dimension: int, seed: int = 0) -> World:
        """A world of its own for each seed."""
        rng = np.random.default_rng(seed)
        spectrum = (np.arange(dimension) + 4.0) ** -0.52
        spectrum /= np.sqrt((spectrum**2).sum())

        def draw(n: int) -> NDArray[np.float64]:
            return rng.normal(size=(n, dimension)) * spectrum

        department_of = rng.integers(N_DEPARTMENTS, size=N_TYPES)
        types = np.sqrt(0.4) * (draw(N_DEPARTMENTS)[department_of] + draw(N_TYPES))
        often = (np.arange(N_TYPES) + 10.0) ** -0.7
        type_of = rng.choice(N_TYPES, size=n_products, p=often / often.sum())
        own = types[type_of] + np.sqrt(0.2) * draw(n_products)
        common, of_words = unit(rng.normal(size=(2, dimension)))
        meant = rng.integers(n_products, size=n_queries)
        asked = 0.43 * common + 0.4 * of_words + 0.8 * own[meant] + 0.6 * draw(n_queries)
        return cls(
            products=unit(0.43 * common + own),
            department=department_of[type_of],
            queries=unit(asked),
            query_department=department_of[type_of[meant]],
            direction=unit(draw(1))[0],
        )

    def rows(self) -> list[FilterRow]:
        """What filters can ask of each product."""
        n = len(self.products)
        rng = np.random.default_rng(1)
        chance = rng.permutation(n) / n
        along = np.argsort(np.argsort(self.products @ self.direction)) / n
        brands = rng.zipf(1.3, size=n) % 500
        colors = rng.integers(len(COLORS), size=n)
        prices = np.round(np.exp(rng.normal(3.5, 1.0, size=n)), 2)
        return [
            {
                "chance": float(chance[i]),
                "along": float(along[i]),
                "product_type": (f"d{self.department[i]}", f"d{self.department[i]} > {i % 30}"),
                "brand": (f"brand {brands[i]}",),
                "color": (COLORS[colors[i]],),
                "price": float(prices[i]),
                "currency": ("usd",),
            }
            for i in range(n)
        ]


Wheres = Sequence[ProductFilter]  # one for each query


def filters(world: World) -> dict[str, Wheres]:
    """By what they are called, most of them the same for all queries."""
    n = len(world.queries)
    named: dict[str, Wheres] = {"none": [EVERYTHING] * n}
    for kept in KEPT:
        named[f"{kept:.1%}, by chance"] = [where(Between("chance", None, kept - 1e-9))] * n
    own = [f"d{department}" for department in world.query_department]
    named["its own department"] = [where(AnyOf("product_type", (one,))) for one in own]
    named["all but its department"] = [
        where(AnyOf("product_type", (one,), negate=True)) for one in own
    ]
    ahead = world.queries @ world.direction > np.median(world.products @ world.direction)
    named["the half that is away from it"] = [
        where(Between("along", None, 0.5) if forward else Between("along", 0.5, None))
        for forward in ahead
    ]
    return named


def where(condition: AnyOf | Between) -> ProductFilter:
    """A filter of one condition."""
    return ProductFilter((condition,))


@dataclass(frozen=True)
class Row:
    """What one filter has shown."""

    kept: float
    recall: float
    own_ms: tuple[float, float]  # p50, p95
    exact_ms: tuple[float, float]


def measured(
    graph: FaissIndex, flat: FaissIndex, world: World, wheres: Wheres, clock: Callable[[], float]
) -> Row:
    """Both indexes on each query, ten at a time; each is the first in every other turn."""
    times: dict[FaissIndex, list[float]] = {graph: [], flat: []}
    answers: dict[FaissIndex, list[set[int]]] = {graph: [], flat: []}
    for start in range(0, len(wheres), AT_A_TIME):
        for index in (graph, flat) if start // AT_A_TIME % 2 else (flat, graph):
            for place in range(start, min(start + AT_A_TIME, len(wheres))):
                started = clock()
                keys = index.search(world.queries[None, place], K, wheres[place]).keys[0]
                times[index].append((clock() - started) * 1000)
                answers[index].append(set(keys[keys >= 0].tolist()))
    shared = sum(len(a & b) for a, b in zip(answers[graph], answers[flat], strict=True))
    wanted = sum(map(len, answers[flat]))
    kept = float(np.mean([len(flat.fields.matching(one)) for one in wheres[:20]])) / len(flat)
    own, exact = percentiles(times[graph]), percentiles(times[flat])
    return Row(kept, shared / max(wanted, 1), own, exact)


def percentiles(times: Sequence[float]) -> tuple[float, float]:
    """The median and the 95th percentile."""
    p50, p95 = np.percentile(times, [50, 95])
    return float(p50), float(p95)


def unit(vectors: NDArray[np.float64]) -> Vectors:
    """Rows of length one."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def facets_ms(index: FaissIndex, one: ProductFilter, runs: int = 50) -> tuple[float, float]:
    """Milliseconds to count category, brand, color and price."""

    times = []
    for _ in range(runs):
        started = time.perf_counter()
        for field in ("product_type", "brand", "color", "price"):
            index.fields.counts(field, one, limit=20)
        times.append((time.perf_counter() - started) * 1000)
    return percentiles(times)


def filled(world: World) -> FaissIndex:
    """An index of the world's products, with a graph."""
    index = FaissIndex(world.products.shape[1], "hnsw")
    index.upsert(np.arange(1, len(world.products) + 1), world.products, world.rows())
    return index


def without_graph(index: FaissIndex) -> FaissIndex:
    """The exact scan of the same products: same code, same memory, every match compared."""
    scan = FaissIndex(index.dimension, "flat")
    scan._vectors, scan._slots = FaissVectors(index._vectors._storage), index._slots
    return scan


def resemblance(world: World) -> str:
    """The cosines that are to resemble those of a real catalog."""
    some = world.products[:1508]
    cosines = np.sort(some @ some.T, axis=1)
    pairs = cosines[:, :-1]
    return (
        f"two random products: cosine {pairs.mean():.2f} +- {pairs.std():.2f}; of 1,508 products "
        f"the nearest is at {np.median(cosines[:, -2]):.2f}, "
        f"the tenth at {np.median(cosines[:, -11]):.2f}, "
        f"the hundredth at {np.median(cosines[:, -101]):.2f}"
    )


def machine() -> str:
    """What this ran on."""
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, FAISS {faiss.__version__}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    )


def show(
    graph: FaissIndex, flat: FaissIndex, world: World, threads: str, clock: Callable[[], float]
) -> None:
    """Print the table of one setting of threads."""
    print(f"\n{threads}")
    print(f"{'filter':<32}{'kept':>8}{'recall@10':>11}{'p50':>9}{'p95':>9}{'exact':>9}{'ratio':>9}")
    for name, wheres in filters(world).items():
        row = measured(graph, flat, world, wheres, clock)
        print(
            f"{name:<32}{row.kept:>8.2%}{row.recall:>11.4f}{row.own_ms[0]:>6.2f} ms"
            f"{row.own_ms[1]:>6.2f} ms{row.exact_ms[0]:>6.2f} ms"
            f"{row.exact_ms[0] / row.own_ms[0]:>8.1f}x",
            flush=True,
        )


def main() -> None:
    """Build both, ask both, print both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--dimension", type=int, default=384)
    asked = parser.parse_args()
    world = World.drawn(asked.products, asked.queries, asked.dimension)
    print(f"{asked.products:,} products, {asked.dimension} dimensions, {asked.queries} queries")
    print(resemblance(world))
    started = time.perf_counter()
    graph = filled(world)
    flat = without_graph(graph)
    print(f"built in {time.perf_counter() - started:.0f} s; {machine()}")
    as_it_comes = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    show(graph, flat, world, "one thread", time.thread_time)
    faiss.omp_set_num_threads(as_it_comes)
    threads = f"as the product runs: {as_it_comes} threads for FAISS"
    show(graph, flat, world, threads, time.perf_counter)
    for name, one in (("all", EVERYTHING), ("one brand", where(AnyOf("brand", ("brand 1",))))):
        p50, p95 = facets_ms(graph, one)
        print(f"four facets over {name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    print(machine())


if __name__ == "__main__":
    main()
