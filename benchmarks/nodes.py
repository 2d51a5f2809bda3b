"""How much more two web nodes answer than one.

    python benchmarks/nodes.py [--products N] [--encoder NAME] [--index NAME] [--clients N]
        [--seconds S] [--turns N]

Real `shopsearch serve` processes with homes of their own, one PostgreSQL, one storage (a folder),
one Redis, and with `--index milvus` one Milvus server, behind a real nginx with deploy/nginx.conf;
an indexer has filled them. Each node is pinned to a core of its own and has one worker, so that a
second node is a second core as a second machine would be. With one node behind nginx both places of
its upstream are that node. Clients, nginx, PostgreSQL and Milvus take what is left of the machine:
on two cores they compete with the nodes, which two machines would not. Turns of one and of two
nodes alternate, and the median of each is taken. Queries are distinct.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import random
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from serving_load import Load, closed_loop

from shopsearch.demo.drawn import draw_shop
from tests import milvus
from tests.cluster.cluster import Cluster, Running
from tests.cluster.conftest import needed
from tests.postgresql import server
from tests.server.redis_server import RedisServer

WORDS = ("red", "blue", "striped", "dotted", "plain", "mug", "bowl", "shirt", "lamp", "bag", "cup")


@dataclass(frozen=True)
class Turn:
    """What one setup did for some seconds."""

    load: Load
    nodes_cpu_s: float


def requests(seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    for number in itertools.count():
        words = "+".join(draw.sample(WORDS, 3))
        yield (f"GET /api/v1/search?q={words}+{number} HTTP/1.1\r\nHost: shop\r\n\r\n").encode()


def cpu_s(node: Running) -> float:
    process = psutil.Process(node.process.pid)
    family = [process, *process.children(recursive=True)]
    return sum(one.cpu_times().user + one.cpu_times().system for one in family)


def pin(node: Running, core: int) -> None:
    process = psutil.Process(node.process.pid)
    for one in [process, *process.children(recursive=True)]:
        for thread in one.threads():
            os.sched_setaffinity(thread.id, {core})


def measured(front: Running, nodes: list[Running], clients: int, seconds: float, seed: int) -> Turn:
    before = sum(map(cpu_s, nodes))
    load = closed_loop(("127.0.0.1", front.port), requests(seed), clients, seconds)
    return Turn(load, sum(map(cpu_s, nodes)) - before)


def told(name: str, turns: list[Turn]) -> float:
    rate = statistics.median(turn.load.per_second for turn in turns)
    p50 = statistics.median(turn.load.percentile(50) for turn in turns)
    p99 = statistics.median(turn.load.percentile(99) for turn in turns)
    cost = statistics.median(turn.nodes_cpu_s / max(len(turn.load.ms), 1) for turn in turns)
    others = sum(sum(turn.load.statuses.values()) - len(turn.load.ms) for turn in turns)
    clients = statistics.median(turn.load.client_cpu_s / turn.load.seconds for turn in turns)
    print(
        f"{name:<10} {rate:7.1f} a second   p50 {p50:6.0f} ms   p99 {p99:6.0f} ms   "
        f"{cost * 1000:5.1f} ms of processor time each   {others} not answered with 200   "
        f"clients {clients:.2f} of a core"
    )
    return rate


def shared(open_things: ExitStack, folder: Path, given: argparse.Namespace) -> dict[str, str]:
    """Start what the nodes have in common; the settings that lead to it."""
    redis = RedisServer(needed("redis-server", "redis-server"), folder)
    redis.start()
    open_things.callback(redis.stop)
    settings = {
        "DATABASE_URL": open_things.enter_context(server()),
        "STORAGE": f"file://{folder}/storage",
        "CACHE_URL": redis.url,
        "RATE_LIMIT": "off",
        "ENCODER": given.encoder,
        "LOG_LEVEL": "warning",
        "THREADS": "1",
        "INDEX_NICE": "0",
        "INDEX": given.index,
    }
    if given.index == "milvus":
        settings["MILVUS_URI"] = open_things.enter_context(milvus.running()).uri
    return settings


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--products", type=int, default=240)
    asked.add_argument("--encoder", default="compact", choices=["compact", "hashing"])
    asked.add_argument("--index", default="faiss", choices=["faiss", "milvus"])
    asked.add_argument("--clients", type=int, default=16)
    asked.add_argument("--seconds", type=float, default=8.0)
    asked.add_argument("--turns", type=int, default=3)
    given = asked.parse_args()
    with ExitStack() as open_things:
        folder = Path(open_things.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        cluster = Cluster(folder, shared(open_things, folder, given))
        open_things.callback(cluster.close)
        feed = draw_shop(folder / "feed", n_products=given.products)
        indexed = cluster.command("indexer", "index", str(feed))
        assert indexed.returncode == 0, indexed.stderr
        nodes = [cluster.node("web-1"), cluster.node("web-2")]
        for core, node in enumerate(nodes):
            node.wait_until("/readyz")
            pin(node, core % (os.cpu_count() or 1))
        program = needed("nginx", "nginx-light")
        fronts = {
            "one node": cluster.nginx(program, [nodes[0], nodes[0]]),
            "two nodes": cluster.nginx(program, nodes),
        }
        print(
            f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load "
            f"{os.getloadavg()[0]:.1f} before; {given.products} products, {given.encoder}, "
            f"{given.index}, {given.clients} clients, {given.turns} turns of {given.seconds:.0f} s"
        )
        turns: dict[str, list[Turn]] = {name: [] for name in fronts}
        for front in fronts.values():
            front.wait_until("/readyz")
            measured(front, nodes, 2, 1.0, 0)
        for number in range(given.turns):
            for name, front in fronts.items():
                turn = measured(front, nodes, given.clients, given.seconds, 1 + number)
                turns[name].append(turn)
        rates = {name: told(name, done) for name, done in turns.items()}
        print(f"two nodes over one: {rates['two nodes'] / rates['one node']:.2f}")
        print(f"load {os.getloadavg()[0]:.1f} afterwards")


if __name__ == "__main__":
    main()
