"""All checks, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shopsearch.embedding import Embedder
from shopsearch.errors import GenerationMissing, IndexFault, ShopsearchError
from shopsearch.index.generations import Generations
from shopsearch.index.outside import Outside
from shopsearch.preprocessing.items import ItemPreparer
from shopsearch.preprocessing.pictures import PictureLibrary
from shopsearch.store import LexicalIndex, ProductStore, StoreUpkeep
from shopsearch.upkeep.embedding_check import embedding_faults
from shopsearch.upkeep.faults import Count, Fault, Faults, Severity
from shopsearch.upkeep.generation_check import generation_faults, leftover_faults
from shopsearch.upkeep.index_check import IndexCheck
from shopsearch.upkeep.picture_check import SETTLED_S, fetched_faults, picture_faults
from shopsearch.upkeep.shared_pictures import SharedPictures
from shopsearch.upkeep.source_check import source_faults

SHOWN = 100  # faults of one check that are told in full; all are counted


@dataclass(frozen=True, slots=True)
class Home:
    """What there is to look after."""

    folder: Path
    generations: Generations
    store: ProductStore
    upkeep: StoreUpkeep
    lexical: LexicalIndex
    embedder: Embedder
    preparer: ItemPreparer
    library: PictureLibrary
    max_pixels: int
    outside: Outside | None = None  # what generations keep on a server
    shared_pictures: SharedPictures | None = None  # where they are in a storage

    @property
    def images(self) -> Path:
        """The folder of the pictures."""
        return self.folder / "images"


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"  # nothing is wrong, but there is something to know
    FAULT = "fault"
    SKIPPED = "skipped"  # it could not be made, because of a fault that another one tells


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found; of many faults, the first."""

    name: str
    examined: int
    n_faults: int
    n_notes: int
    shown: tuple[Fault, ...]
    skipped: str = ""
    failed: bool = False  # it could not be made to its end

    @property
    def verdict(self) -> Verdict:
        """The worst of what it found."""
        if self.n_faults:
            return Verdict.FAULT
        if self.skipped:
            return Verdict.SKIPPED
        return Verdict.NOTE if self.n_notes else Verdict.OK


class Skipped(Exception):
    """A check that cannot be made, and why."""


Check = Callable[[Count], Faults]
Stage = Callable[[str], Callable[[int], None]]  # a check's name -> what it tells its progress to
Treat = Callable[[Fault], None]


def no_stage(_name: str) -> Callable[[int], None]:
    """Tells its progress to nobody."""
    return lambda _: None


class Verifier:
    """Looks at all that a home folder and its database hold; changes nothing."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def run(
        self,
        stage: Stage = no_stage,
        *,
        sources: bool = False,
        settled_s: float = SETTLED_S,
        treat: Treat = lambda _: None,
    ) -> list[CheckResult]:
        """Every check; each fault is given to `treat` as it is found.

        `settled_s` is the age from which a file of no product counts as left behind.
        """
        results: list[CheckResult] = []
        for name, check in self._checks(sources=sources, settled_s=settled_s):
            is_broken = any(r.name == "database" and r.failed for r in results)
            if is_broken and name not in ("generations", "leftovers"):
                results.append(CheckResult(name, 0, 0, 0, (), "the database is damaged"))
            else:
                results.append(_outcome(name, check, Count(stage(name)), treat))
        return results

    def _checks(self, *, sources: bool, settled_s: float) -> Iterator[tuple[str, Check]]:
        home = self._home
        yield "generations", lambda count: generation_faults(home.generations, count)
        yield "leftovers", lambda count: leftover_faults(home.folder, home.generations, count)
        yield "database", self._database
        yield "embeddings", lambda count: embedding_faults(home.upkeep, count)
        yield "index", self._index
        if home.outside is not None:
            yield "milvus", self._outside
        yield "pictures", lambda count: self._pictures(count, settled_s)
        yield (
            "fetched",
            lambda count: fetched_faults(home.images, home.upkeep, count, settled_s=settled_s),
        )
        if sources:
            yield (
                "sources",
                lambda count: source_faults(
                    home.images, home.library, home.upkeep, home.max_pixels, count
                ),
            )

    def _pictures(self, count: Count, settled_s: float) -> Faults:
        home = self._home
        if home.shared_pictures is not None:
            return home.shared_pictures.faults(home.upkeep, count, settled_s=settled_s)
        return picture_faults(home.images, home.upkeep, count, settled_s=settled_s)

    def _database(self, count: Count) -> Faults:
        for told in self._home.upkeep.faults():
            yield Fault(
                subject="database",
                what=told,
                remedy="restore a backup with `shopsearch restore FILE --force`, or move the "
                "database away and index the feeds again",
            )
        count.add(self._home.store.count())

    def _outside(self, count: Count) -> Faults:
        generations, outside = self._home.generations, self._home.outside
        current = generations.current_id()
        if current is None or outside is None:
            raise Skipped("there is no index to compare")
        for remark in outside.remarks(generations.folder(current), generations.kept()):
            severity = Severity.FAULT if remark.is_fault else Severity.NOTE
            yield Fault(subject="milvus", what=remark.what, remedy=remark.remedy, severity=severity)
        count.add(generations.manifest(current).count)

    def _index(self, count: Count) -> Faults:
        home = self._home
        try:
            generation = home.generations.load()
        except GenerationMissing as error:
            if home.generations.current_id() is not None or not home.store.count():
                raise Skipped("there is no index to compare") from error
            yield _no_index()
            return
        except IndexFault as error:
            raise Skipped("the live generation cannot be loaded: see generations") from error
        check = IndexCheck(
            generation,
            store=home.store,
            upkeep=home.upkeep,
            lexical=home.lexical,
            embedder=home.embedder,
        )
        yield from check.faults(count)


def _outcome(name: str, check: Check, count: Count, treat: Treat) -> CheckResult:
    found = {Severity.FAULT: 0, Severity.NOTE: 0}
    shown: list[Fault] = []
    skipped, failed = "", False

    def take(fault: Fault) -> None:
        found[fault.severity] += 1
        if len(shown) < SHOWN:
            shown.append(fault)
        treat(fault)

    try:
        for fault in check(count):
            take(fault)
    except Skipped as reason:
        skipped = str(reason)
    except (ShopsearchError, OSError) as error:
        failed = True
        take(Fault(subject=name, what=str(error)))
    n_faults, n_notes = found[Severity.FAULT], found[Severity.NOTE]
    return CheckResult(name, count.n, n_faults, n_notes, tuple(shown), skipped, failed)


def _no_index() -> Fault:
    return Fault(
        subject="index",
        what="the catalog has products, but nothing was indexed yet",
        remedy="run `shopsearch index FEED` or `shopsearch reindex`",
        severity=Severity.NOTE,
    )
