"""The engines that benchmarks/scale.py compares, and what a process of theirs takes."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shopsearch.index import VectorIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.kinds import FAISS_KINDS as ALL_FAISS_KINDS
from shopsearch.index.kinds import FaissKind

FAISS_KINDS = [kind for kind in ALL_FAISS_KINDS if kind != "auto"]
MILVUS_ENGINES = ["milvus-lite", "milvus"]
ENGINES = [f"faiss-{kind}" for kind in FAISS_KINDS] + MILVUS_ENGINES
MB = 1e6


class Engine(Protocol):
    """A way to make an index of some dimension in a folder, and to read it back."""

    def new(self, dimension: int) -> VectorIndex: ...

    def load(self) -> VectorIndex: ...

    def other_memory_mb(self) -> float:
        """What processes beside this one have in memory for it."""


@dataclass(frozen=True)
class Faiss:
    """One kind of FAISS index."""

    folder: Path
    kind: FaissKind

    def new(self, dimension: int) -> VectorIndex:
        return FaissIndex(dimension, self.kind)

    def load(self) -> VectorIndex:
        return FaissIndex.load(self.folder)

    def other_memory_mb(self) -> float:
        return 0.0


class Milvus:
    """Milvus, in this process (lite) or a server of its own that keeps its files in the folder."""

    def __init__(self, folder: Path, server: object | None, uri: str) -> None:
        from shopsearch.index.milvus import MilvusOptions
        from shopsearch.index.milvus_connection import MilvusPlace

        self._folder, self._server = folder, server
        self._options = MilvusOptions(MilvusPlace(uri, timeout_s=60.0))

    def new(self, dimension: int) -> VectorIndex:
        from shopsearch.index.milvus import MilvusIndex

        return MilvusIndex(dimension, self._options)

    def load(self) -> VectorIndex:
        from shopsearch.index.milvus import MilvusIndex

        return MilvusIndex.load(self._folder, self._options)

    def other_memory_mb(self) -> float:
        process = getattr(self._server, "_process", None)
        return 0.0 if process is None else memory_mb(process.pid)["anonymous"]


@contextmanager
def engine(name: str, folder: Path) -> Iterator[Engine]:
    """The engine of a name, for as long as it is needed. Raises `ModuleNotFoundError`."""
    if name not in MILVUS_ENGINES:
        yield Faiss(folder, name.removeprefix("faiss-"))  # type: ignore[arg-type]
        return
    if name == "milvus-lite":
        yield Milvus(folder, None, str(folder / "milvus.db"))
        return
    from tests.milvus import MilvusServer

    server = MilvusServer(folder / "server")
    server.start()
    try:
        yield Milvus(folder, server, server.uri)
    finally:
        server.kill()


def is_there(name: str) -> bool:
    """Whether an engine can be used here."""
    if name not in MILVUS_ENGINES:
        return True
    needed = "milvus_lite" if name == "milvus-lite" else "milvus, tests.milvus"
    tried = f"import shopsearch.index.milvus, pymilvus, {needed}"
    done = subprocess.run([sys.executable, "-c", tried], check=False, capture_output=True)
    return done.returncode == 0


def memory_mb(pid: int | str = "self") -> dict[str, float]:
    """Resident memory: what only this process can have, and pages of files that may be dropped."""
    names = {"RssAnon": "anonymous", "RssFile": "files"}
    told = {}
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(":")
            if name in names:
                told[names[name]] = round(int(value.split()[0]) * 1024 / MB, 1)
    return told


def peak_mb() -> float:
    """The most that this process ever had in memory."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB, 1)


def disk_mb(folder: Path) -> float:
    """What the files below a folder take."""
    sizes = (path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return round(sum(sizes) / MB, 1)
