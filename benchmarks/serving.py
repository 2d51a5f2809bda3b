"""How many searches a server answers, how long they take, and what it does with too many.

    python benchmarks/serving.py [--home FOLDER] [--products N ...] [--seconds S] [--workers N]
        [--overload-seconds S] [--data FOLDER] [--out FILE.svg] [--quick]

Real `shopsearch serve` processes on loopback with the compact encoder answer `GET /api/v1/search`
and its like to clients of `serving_load.py`, a closed loop first, then an open one. Products,
vectors and words are those of `search.py`, and each product has the embedding of its text in the
cache, as in a catalog that was indexed; without `--data` they are grown from the drawn shop.
Queries are distinct, so that nothing is remembered of them, but where it says that the cache is on:
there they are drawn from 200, the n-th with weight 1/n.

Clients and server share the machine. What the clients take of it is printed as a share of one core,
and what a request costs the server in processor time: it says more than the clock where others use
the machine too. Ratios are of one run.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import numpy as np
import search as catalog
from serving_load import Load, Place, closed_loop, one, open_loop

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import MAX_PRODUCTS, draw_shop, drawn_products
from shopsearch.demo.kinds import draw
from shopsearch.domain import FeedRow, PreparedItem, Product
from shopsearch.embedding import text_hash
from shopsearch.preprocessing.text import compose
from shopsearch.settings import Settings

CLIENTS = (1, 8, 32, 128)
AT = 32  # clients at which ratios are taken
TARGET = 1.8
N_POPULAR = 200
N_PICTURES = 40
KEPT_AT_ONCE = 5000
TICKS = os.sysconf("SC_CLK_TCK")

Asked = Callable[[], Iterator[bytes]]


@dataclass(slots=True)
class Server:
    """A running server."""

    place: Place
    pid: int

    def workers(self) -> list[int]:
        return [int(one) for one in _read(self.pid, f"task/{self.pid}/children").split()]

    def cpu_s(self) -> float:
        fields = (_read(pid, "stat").rpartition(")")[2].split() for pid in self.workers())
        return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS

    def memory_mb(self) -> float:
        status = (_read(pid, "status") for pid in self.workers())
        return sum(int(one.partition("VmRSS:")[2].split()[0]) for one in status) / 1000


@dataclass(slots=True)
class Watch:
    """Memory and health of a server, looked at twice a second while something else goes on."""

    server: Server
    memory_mb: list[float] = field(default_factory=list)
    health: list[tuple[int, float]] = field(default_factory=list)

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.5):
                self.memory_mb.append(self.server.memory_mb())
                self.health.append(one(self.server.place, _get("/healthz")))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class Queries:
    """Requests, each made as it is sent."""

    def __init__(self, products: Sequence[Product], ids: Sequence[str]) -> None:
        self._titled = [one for one in products if one.title]
        self._ids = ids
        self._chance = random.Random(0)
        self._known: set[str] = set()
        self._pictures = _pictures()

    def texts(self) -> Iterator[bytes]:
        """Words that nobody has asked for before."""
        while True:
            (words,) = catalog.queries(self._titled, 1, self._chance)
            if words not in self._known:
                self._known.add(words)
                yield _search(words)

    def popular(self) -> Iterator[bytes]:
        """The same words again and again, some more often than others."""
        texts = self.texts()
        some = [next(texts) for _ in range(N_POPULAR)]
        weights = [1 / rank for rank in range(1, N_POPULAR + 1)]
        while True:
            yield from self._chance.choices(some, weights, k=100)

    def pictures(self) -> Iterator[bytes]:
        """Pictures of the drawn shop; a few bytes behind each make it another one."""
        while True:
            yield _upload(self._chance.choice(self._pictures) + self._chance.randbytes(8))

    def similar(self) -> Iterator[bytes]:
        while True:
            yield _get(f"/api/v1/products/{quote(self._chance.choice(self._ids), safe='')}/similar")


def main(given: argparse.Namespace) -> None:
    _print_machine(given)
    histograms: dict[str, Load] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for n in given.products:
            home = (given.home or Path(scratch)) / f"serving-{n}"
            queries = prepared(home, n, given.data)
            measured(n, home, queries, given, histograms)
    if given.out:
        _draw(histograms, given.out)


def prepared(home: Path, n: int, data: Path) -> Queries:
    """A catalog of so many products; what is there already is used."""
    with Services.open(Settings(home=home)) as services:
        chance = random.Random(n)
        if not services.generations.ids():
            base = catalog.products(data) if data.exists() else drawn_base()
            random.Random(0).shuffle(base)
            made = catalog.grown(base, n, chance)
            catalog.build(services, made, chance)
            keep_embeddings(services, made, chance)
        services.encoder.warm_up()  # its graphs are made once
        some = services.store.fetch(chance.sample(range(1, n + 1), min(n, 5000))).values()
        products = [one.product for one in some]
    return Queries(products, [one.product_id for one in products])


def drawn_base() -> list[Product]:
    with tempfile.TemporaryDirectory() as folder:
        draw_shop(Path(folder), n_products=MAX_PRODUCTS)
        rows = open_feed(Path(folder) / "products.csv")
        return [catalog.replace(one.product, images=()) for one in rows if isinstance(one, FeedRow)]


def keep_embeddings(services: Services, made: Sequence[Product], chance: random.Random) -> None:
    """An embedding in the cache for the text of each product, as indexing leaves it there."""
    texts = [compose(one) for one in made]
    n_encoded = min(catalog.N_ENCODED, len(texts))
    some = [PreparedItem(text=text) for text in chance.sample(texts, n_encoded)]
    rows = catalog.resampled(services.embedder.encode(some)[0].text, len(texts))
    for start in range(0, len(texts), KEPT_AT_ONCE):
        hashes = map(text_hash, texts[start : start + KEPT_AT_ONCE])
        kept = dict(zip(hashes, rows[start : start + KEPT_AT_ONCE], strict=True))
        services.cache.put(services.embedder.encoder_id, kept)


def measured(
    n: int,
    home: Path,
    queries: Queries,
    given: argparse.Namespace,
    histograms: dict[str, Load],
) -> None:
    print(f"\n{n:,} products", flush=True)
    columns = ("clients", "req/s", "p50 ms", "p95 ms", "p99 ms", "cpu ms", "client", "others")
    print(f"{'':26}" + "".join(f"{name:>9}" for name in columns))
    loads: dict[tuple[str, int], Load] = {}

    def run(server: Server, name: str, asked: Iterator[bytes], clients: int) -> Load:
        before = server.cpu_s()
        load = closed_loop(server.place, asked, clients, given.seconds)
        _print_load(name, str(clients), load, server.cpu_s() - before)
        loads[name, clients] = load
        histograms[f"{n:,} products, {name}, {clients} clients"] = load
        return load

    at_most = max(given.clients) + AT
    for batching in ("off", "on"):
        limits = {"QUERY_CACHE": "0", "MICRO_BATCH": batching, "QUEUE_SIZE": str(at_most)}
        with served(home, given.workers, limits) as server:
            closed_loop(server.place, queries.texts(), 4, 1.0)  # warm
            for clients in given.clients:
                run(server, f"text, batching {batching}", queries.texts(), clients)
    with served(home, given.workers, {"QUEUE_SIZE": str(at_most)}) as server:
        at = min(AT, max(given.clients))
        closed_loop(server.place, queries.texts(), 4, 1.0)
        text = run(server, "text, defaults", queries.texts(), at)
        run(server, "text, popular, cached", queries.popular(), at)
        run(server, "picture", queries.pictures(), at)
        run(server, "similar", queries.similar(), at)
        _open_at(server, queries, 0.6 * text.per_second, given.seconds)
    off, on = (loads[f"text, batching {one}", at].per_second for one in ("off", "on"))
    print(f"batching on over off, {at} clients: {on / off:.2f} times (target {TARGET:g})")
    cached = loads["text, popular, cached", at].per_second
    print(f"popular with cache over distinct: {cached / text.per_second:.2f} times")
    with served(home, given.workers, {}) as server:
        overloaded(server, queries, text.per_second, given.overload_seconds)


def _open_at(server: Server, queries: Queries, rate: float, seconds: float) -> None:
    before = server.cpu_s()
    load = open_loop(server.place, queries.texts(), rate, seconds)
    _print_load("text, open loop", f"{rate:.1f}/s", load, server.cpu_s() - before)


def overloaded(server: Server, queries: Queries, capacity: float, seconds: float) -> None:
    """Twice as many searches as can be answered, for some time, and once more when it is over."""
    closed_loop(server.place, queries.texts(), 8, 2.0)
    watch, deadline_ms = Watch(server), Settings().request_timeout_s * 1000
    with watch.going_on():
        load = open_loop(server.place, queries.texts(), 2 * capacity, seconds)
    after, _ = one(server.place, next(queries.texts()))
    everything = load.ms + load.other_ms
    late = sum(ms > deadline_ms for ms in load.ms)
    quarter = max(1, len(watch.memory_mb) // 4)
    first, last = (
        float(np.mean(watch.memory_mb[cut])) for cut in (np.s_[:quarter], np.s_[-quarter:])
    )
    slowest = max(ms for _, ms in watch.health)
    print(f"overload, {2 * capacity:.1f} requests/s for {seconds:g} s: {dict(load.statuses)}")
    print(
        f"  answered {load.per_second:.1f}/s ({load.per_second / capacity:.2f} of what it can), "
        f"p50 {load.percentile(50):.0f} ms, p99 {load.percentile(99):.0f} ms, {late} of "
        f"{len(load.ms)} after the deadline; slowest of all {max(everything):.0f} ms"
    )
    if load.other_ms:
        print(f"  refused within p50 {np.percentile(load.other_ms, 50):.0f} ms", end=", ")
        print(f"p99 {np.percentile(load.other_ms, 99):.0f} ms")
    print(
        f"  memory {first:.0f} MB in the first quarter, {last:.0f} MB in the last; health checks "
        f"{sum(status == 200 for status, _ in watch.health)} of {len(watch.health)} answered, the "
        f"slowest in {slowest:.0f} ms; a search afterwards: {after}",
        flush=True,
    )


@contextlib.contextmanager
def served(home: Path, workers: int, limits: dict[str, str]) -> Iterator[Server]:
    told = {"WORKERS": str(workers), "SEARCH_LOG": "on", "RATE_LIMIT": "off", **limits}
    options = ["--home", str(home), "--log-level", "warning"]
    process = subprocess.Popen(
        [sys.executable, "-m", "shopsearch", *options, "serve", "--port", "0"],
        env=os.environ | {f"SHOPSEARCH_{name}": value for name, value in told.items()},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().split()[1])
        assert address.hostname
        assert address.port
        server = Server((address.hostname, address.port), process.pid)
        while len(server.workers()) < workers or one(server.place, _get("/readyz"))[0] != 200:
            time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _search(words: str) -> bytes:
    return _get(f"/api/v1/search?q={quote(words[:500])}&size=24")


def _upload(picture: bytes) -> bytes:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + picture + b"\r\n--b--\r\n"
    )
    head = (
        "POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _pictures() -> list[bytes]:
    made = []
    for number, product in enumerate(drawn_products()[:N_PICTURES]):
        encoded = io.BytesIO()
        draw(product.kind, product.look, number).convert("RGB").save(encoded, "JPEG", quality=88)
        made.append(encoded.getvalue())
    return made


def _read(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")


def _print_machine(given: argparse.Namespace) -> None:
    load = os.getloadavg()[0]
    print(
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, load "
        f"{load:.1f} before the start; {given.workers} worker(s), {given.seconds:g} s each"
    )
    if load > 0.5:
        print("others use this machine: look at processor times and ratios")


def _print_load(name: str, clients: str, load: Load, cpu_s: float) -> None:
    n_others = sum(count for status, count in load.statuses.items() if status != 200)
    cpu_ms = 1000 * cpu_s / max(1, len(load.ms))
    print(
        f"{name:26}{clients:>9}{load.per_second:9.1f}"
        + "".join(f"{load.percentile(one):9.0f}" for one in (50, 95, 99))
        + f"{cpu_ms:9.1f}{load.client_cpu_s / load.seconds:9.2f}{n_others:9}",
        flush=True,
    )


def _draw(histograms: dict[str, Load], out: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(histograms), 1, figsize=(8, 1.6 * len(histograms)), layout="constrained"
    )
    for (name, load), ax in zip(histograms.items(), np.atleast_1d(axes), strict=True):
        if load.ms:
            edges = np.geomspace(max(0.1, min(load.ms)), max(load.ms) + 0.1, 50)
            ax.hist(load.ms, bins=edges, color="#3b6ea5")
        ax.set_xscale("log")
        ax.set_title(f"{name}: {len(load.ms)} answers", fontsize=8, loc="left")
        ax.tick_params(labelsize=7)
    figure.supxlabel("milliseconds", fontsize=8)
    figure.savefig(out)
    print(f"histograms in {out}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--home", type=Path, help="a folder for catalogs, which are kept")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--products", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--overload-seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, help="histograms, as SVG or PNG")
    parser.add_argument("--quick", action="store_true", help="a small catalog, and short")
    given = parser.parse_args()
    if given.quick:
        given.products, given.clients = [500], (1, 8)
        given.seconds, given.overload_seconds = 1.0, 3.0
        catalog.N_ENCODED = 100
    return given


if __name__ == "__main__":
    main(arguments())
