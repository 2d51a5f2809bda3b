"""Runs inside the children of the fault tests: names the steps of a command, and breaks one.

Production code has no hooks for this. `install` wraps, in the child alone, the methods in `STEPS`
and the functions that change files of the home folder (open for writing, fsync, rename, replace,
mkdir, rmtree, FAISS's own writer, the COMMIT of a writing transaction). Each call is a step with a
name, such as

    store upsert            commit in store upsert            fsync generations/.building/keys.npy
    replace CURRENT.new     open generations/.building/manifest.json

in which process numbers, ids of generations and hashes of pictures are left out, so that the same
step has the same name in every run. Before and after each step a line is written to the trace file:
it survives SIGKILL, and so tells what the child had acknowledged and in which order files reached
the disk. A `Fault` says what shall happen at the nth time of one step: the process is killed
(SIGKILL, no cleanup), it stops until SIGCONT, the call fails with an errno, or is left out.

Opening a file for reading is a step (`read CURRENT`) where the fault is about one.

This module is imported by the tests too, for `Fault` and the names; it imports nothing of the
project before `install` is called.
"""

from __future__ import annotations

import errno
import functools
import importlib
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# what a step is called, the module and the method; the room is what it belongs to
STEPS = {
    "lock": ("shopsearch.index.lock", "HomeLock.__enter__"),
    "unlock": ("shopsearch.index.lock", "HomeLock.__exit__"),
    "words renew": ("shopsearch.store.lexical", "SqlLexicalIndex.renew"),
    "feed run begin": ("shopsearch.store.runs", "SqlFeedRuns.begin"),
    "feed run meet": ("shopsearch.store.runs", "SqlFeedRuns.meet"),
    "feed run finish": ("shopsearch.store.runs", "SqlFeedRuns.finish"),
    "cache put": ("shopsearch.store.embeddings", "SqlEmbeddingCache.put"),
    "store upsert": ("shopsearch.store.products", "SqlProductStore.upsert"),
    "store remove": ("shopsearch.store.products", "SqlProductStore.remove"),
    "draft upsert": ("shopsearch.index.draft", "Draft.upsert"),
    "draft delete": ("shopsearch.index.draft", "Draft.delete"),
    "draft publish": ("shopsearch.index.draft", "Draft.publish"),
    "words save": ("shopsearch.lexical.word_index", "WordIndex.save"),
    "manifest write": ("shopsearch.index.manifest", "Manifest.write"),
    "generation publish": ("shopsearch.index.generations", "Generations.publish"),
    "rollback": ("shopsearch.index.generations", "Generations.rollback"),
    "collection make": ("shopsearch.index.milvus_rows", "MilvusRows.made"),
    "rows insert": ("shopsearch.index.milvus_rows", "MilvusRows.insert"),
    "alias move": ("shopsearch.index.milvus_upkeep", "MilvusUpkeep.went_live"),
    "collections tidy": ("shopsearch.index.milvus_upkeep", "MilvusUpkeep.tidy"),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the nth time of a step: "kill", "stop", "skip", or the name of an errno."""

    step: str
    what: str = "kill"
    nth: int = 1
    when: str = "before"  # or "after"

    def __str__(self) -> str:
        return f"{self.what} {self.when} {self.step} ({self.nth})"


@dataclass(slots=True)
class _Driver:
    """The steps of this process so far, and those that break."""

    home: Path
    trace: int  # file descriptor
    faults: Sequence[Fault]
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)
    within: threading.local = field(default_factory=threading.local)

    def note(self, when: str, step: str, **told: Any) -> bool:
        """Write a line, and break where it is time for that; whether the call is to be made."""
        with self.lock:
            self.times[when, step] += 1
            nth = self.times[when, step]
            line = {"step": step, "when": when, "nth": nth, **told}
            due = [f for f in self.faults if (f.step, f.when, f.nth) == (step, when, nth)]
            if due:
                line["fault"] = due[0].what
            os.write(self.trace, json.dumps(line).encode() + b"\n")
        return not due or _break(due[0])

    def named(self, path: Any, dir_fd: int | None = None) -> str | None:
        """The path as steps are called; None outside the home."""
        whole = Path(_real(path) if dir_fd is None else f"{_real(dir_fd)}/{os.fsdecode(path)}")
        if not whole.is_relative_to(self.home):
            return None
        return without_ids(str(whole.relative_to(self.home)))


def _break(fault: Fault) -> bool:
    """Do what the fault says; whether the call is to be made after all."""
    if fault.what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    if fault.what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        return True
    if fault.what == "skip":
        return False
    number = getattr(errno, fault.what)
    raise OSError(number, os.strerror(number), fault.step)


def without_ids(place: str) -> str:
    """The same name in every run."""
    place = re.sub(r"\d{8}T\d{9}-[0-9a-f]{4}", "ID", place)
    place = re.sub(r"\.building-\d+-ID", ".building", place)
    place = re.sub(r"CURRENT\.\d+\.new", "CURRENT.new", place)
    place = re.sub(r"^images/[0-9a-f]{2}\b", "images/..", place)
    return re.sub(
        r"\.?[0-9a-f]{64}\.(?:jpg|(\d+\.webp))(-\d+-\d+)?",
        lambda m: ("thumbnail" if m[1] else "copy") + (".new" if m[2] else ""),
        place,
    )


def install(home: Path, trace: Path, faults: Sequence[Fault]) -> None:
    """Wrap all steps in this process. Paths outside `home` are no steps."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    driver = _Driver(home.resolve(), os.open(trace, flags), faults)
    for step, (module, method) in STEPS.items():
        owner_name, _, name = method.partition(".")
        owner = getattr(importlib.import_module(module), owner_name)
        setattr(owner, name, _step(driver, step, getattr(owner, name)))
    _wrap_files(driver)
    _wrap_commits(driver)


def _step(driver: _Driver, step: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(inner)
    def wrapped(*given: Any, **named: Any) -> Any:
        driver.note("before", step)
        outer = getattr(driver.within, "step", "")
        driver.within.step = step
        try:
            result = inner(*given, **named)
        finally:
            driver.within.step = outer
        driver.note("after", step, **_acknowledged(step, given, result))
        return result

    return wrapped


def _acknowledged(step: str, given: tuple[Any, ...], result: Any) -> dict[str, Any]:
    """What the caller of a step may rely on from here."""
    if step == "store upsert":
        return {"upserted": [record.product.product_id for record in given[1]]}
    return {"removed": list(result)} if step == "store remove" else {}


def _wrap_files(driver: _Driver) -> None:
    import faiss

    def on_path(kind: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(inner)
        def wrapped(path: Any, *others: Any, **named: Any) -> Any:
            place = driver.named(path, named.get("src_dir_fd") or named.get("dir_fd"))
            if place is None:
                return inner(path, *others, **named)
            told: dict[str, Any] = {"path": _real(path)}
            if kind in ("rename", "replace"):
                told["to"] = _real(others[0])
            if kind == "rename" and Path(path).is_dir():
                told["files"] = sorted(one.name for one in Path(path).iterdir())
            if driver.note("before", f"{kind} {place}", **told):
                result = inner(path, *others, **named)
                driver.note("after", f"{kind} {place}", **told)
                return result
            return None

        return wrapped

    os.fsync = on_path("fsync", os.fsync)
    os.rename = on_path("rename", os.rename)
    os.replace = on_path("replace", os.replace)
    os.mkdir = on_path("mkdir", os.mkdir)
    shutil.rmtree = on_path("rmtree", shutil.rmtree)  # type: ignore[assignment]
    write_index = faiss.write_index

    def write(index: Any, target: Any) -> None:
        """Into a path; a writer of Python's is opened as every file is, and seen there."""
        told = {"path": _real(target)} if isinstance(target, str) else {}
        place = f"write {driver.named(target) if told else 'vectors'}"
        driver.note("before", place, **told)
        write_index(index, target)
        driver.note("after", place, **told)

    faiss.write_index = write
    reads = any(fault.step.startswith("read ") for fault in driver.faults)

    def opened(event: str, given: tuple[Any, ...]) -> None:
        """An audit hook: called before every open, whoever calls it."""
        if event != "open" or not isinstance(given[0], (str, Path)):
            return
        place = driver.named(given[0])
        kind = "open" if (given[2] or 0) & _WRITING else "read"
        if place is None or place.endswith((".lock", ".owner")):
            return
        if kind == "open" or reads:
            driver.note("before", f"{kind} {place}", path=_real(given[0]))

    sys.addaudithook(opened)


def _real(path: Any) -> str:
    """The whole path of a path or of a file descriptor."""
    if isinstance(path, int):
        return str(Path(f"/proc/self/fd/{path}").readlink())
    return str(Path(os.fsdecode(path)).absolute())


def _wrap_commits(driver: _Driver) -> None:
    from sqlalchemy import Connection, Engine, event

    from shopsearch.store.sqlite import WRITES

    @event.listens_for(Engine, "commit")
    def commits(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES, False):
            within = getattr(driver.within, "step", "") or "another write"
            driver.note("before", f"commit in {within}")
