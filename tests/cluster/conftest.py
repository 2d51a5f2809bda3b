"""Two web nodes and an indexer that share nothing but database, storage and Redis."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from shopsearch.demo.drawn import draw_shop
from tests.postgresql import CannotStart, server
from tests.server.redis_server import RedisServer

from .cluster import Cluster, Running

N_PRODUCTS = 60


@dataclass(frozen=True)
class Shop:
    """What the tests ask and change."""

    cluster: Cluster
    feed: Path
    nodes: tuple[Running, Running]
    front: Running


def needed(program: str, package: str) -> str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        reason = f"there is no {program}: install it (Debian: {package})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL of the cluster's own: other tests empty the one that they share."""
    with ExitStack() as running:
        try:
            url = running.enter_context(server())
        except CannotStart as reason:
            if os.environ.get("CI"):
                pytest.fail(str(reason))
            pytest.skip(str(reason))
        yield url


# The vectors may lie in Milvus too: a session that has one adds its settings here.
INDEXES = {"faiss": {"INDEX": "faiss"}}


@pytest.fixture(scope="module", params=sorted(INDEXES))
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, database: str
) -> Iterator[Shop]:
    """An indexed shop, its two nodes ready, behind nginx."""
    nginx = needed("nginx", "nginx-light")
    redis = RedisServer(needed("redis-server", "redis-server"), tmp_path_factory.mktemp("redis"))
    folder = tmp_path_factory.mktemp("cluster")
    folder.chmod(0o755)
    redis.start()
    cluster = Cluster(
        folder,
        {
            "DATABASE_URL": database,
            "STORAGE": f"file://{folder}/storage",
            "RATE_LIMIT_STORAGE": redis.url,
            "CACHE_URL": redis.url,
            "RATE_LIMIT": "off",
            "TRUSTED_PROXIES": "1",
            "ENCODER": "hashing",
            "LOG_LEVEL": "warning",
            "INDEX_NICE": "0",
            **INDEXES[request.param],
        },
    )
    try:
        feed = draw_shop(folder / "feed", n_products=N_PRODUCTS)
        indexed = cluster.command("indexer", "index", str(feed))
        assert indexed.returncode == 0, indexed.stderr
        nodes = (cluster.node("web-1"), cluster.node("web-2"))
        for node in nodes:
            node.wait_until("/readyz")
        front = cluster.nginx(nginx, nodes)
        front.wait_until("/readyz")
        yield Shop(cluster, feed, nodes, front)
    finally:
        cluster.close()
        redis.stop()
