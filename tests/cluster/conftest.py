"""Two web nodes and an indexer that share nothing but database, vectors, storage and Redis.

Vectors lie in Milvus, or, where the storage hands them to the nodes, in files of FAISS: a test says
by `over` which of them it is about.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from shopsearch.demo.drawn import draw_shop
from tests.milvus import drop_collections
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


def over(*indexes: str) -> pytest.MarkDecorator:
    """For a test of a shop whose vectors are there: "milvus", "faiss"."""
    return pytest.mark.parametrize("index", indexes, indirect=True, scope="module")


@pytest.fixture(scope="module")
def index(request: pytest.FixtureRequest) -> Iterator[Mapping[str, str]]:
    """The settings that say where vectors are."""
    if request.param == "faiss":
        yield {"INDEX": "faiss"}
        return
    uri, prefix = request.getfixturevalue("milvus_uri"), f"cluster_{os.getpid()}"
    yield {"INDEX": "milvus", "MILVUS_URI": uri, "MILVUS_COLLECTION": prefix}
    drop_collections(uri, prefix)


@pytest.fixture(scope="module")
def database(index: Mapping[str, str]) -> Iterator[str]:
    """A PostgreSQL of each shop's own: other tests empty the one that they share."""
    with ExitStack() as running:
        try:
            url = running.enter_context(server())
        except CannotStart as reason:
            if os.environ.get("CI"):
                pytest.fail(str(reason))
            pytest.skip(str(reason))
        yield url


@pytest.fixture(scope="module")
def shop(
    index: Mapping[str, str], database: str, tmp_path_factory: pytest.TempPathFactory
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
            **index,
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
