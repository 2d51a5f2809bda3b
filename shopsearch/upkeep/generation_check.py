"""The files of index generations against their manifests, CURRENT, and what was left behind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shopsearch.errors import GenerationDamaged, IndexFault
from shopsearch.index.generations import Generations
from shopsearch.index.manifest import MANIFEST_FILE, Manifest, sha256
from shopsearch.upkeep.faults import REPAIR, Count, Cure, Fault, Faults, Severity

RESTORING = ".restoring-"  # a restore under way; what it holds is also in the backup
BEFORE_RESTORE = ".before-restore"  # the catalog that a restore replaces: kept until it is done


def generation_faults(generations: Generations, count: Count) -> Faults:
    """Each file of each generation that is not as its manifest says, and a damaged CURRENT."""
    live: str | None = None
    ids = generations.ids()
    try:
        live = generations.current_id()
    except GenerationDamaged as error:
        yield _current_fault(generations, str(error))
    else:
        if live is None and ids:
            yield _current_fault(generations, "it is gone, though there are generations")
    if live is not None and live not in ids:
        yield _current_fault(generations, f"it names {live}, which is not there")
    seen: dict[tuple[int, int], str] = {}  # files that several generations share are read once
    for generation_id in ids:
        yield from damage(generations, generation_id, count, seen, is_live=generation_id == live)


def damage(
    generations: Generations,
    generation_id: str,
    count: Count,
    seen: dict[tuple[int, int], str],
    *,
    is_live: bool,
) -> Faults:
    """What is wrong with the files of one generation; nothing where it was removed meanwhile."""
    try:
        folder = generations.folder(generation_id)
    except IndexFault:
        return
    cure = Cure.REINDEX if is_live else Cure.DROP_GENERATION
    remedy = (
        f"{REPAIR} or `shopsearch reindex` builds it anew; `shopsearch rollback` goes back"
        if is_live
        else f"{REPAIR} deletes this generation, which is not live"
    )

    def fault(path: Path, what: str) -> Fault:
        return Fault(
            subject=str(path), what=what, remedy=remedy, cure=cure, generation_id=generation_id
        )

    count.add()
    try:
        manifest = Manifest.read(folder)
    except IndexFault as error:
        if folder.exists():
            told = str(error).removeprefix(f"{folder / MANIFEST_FILE} ").split(":")[0]
            yield fault(folder / MANIFEST_FILE, told)
        return
    for name, expected in manifest.files.items():
        count.add()
        if what := _difference(folder, name, expected, seen):
            if not folder.exists():
                return
            yield fault(folder / name, what)
    for path in sorted(set(folder.iterdir()) - {folder / name for name in manifest.files}):
        if path.name != MANIFEST_FILE:
            yield Fault(
                subject=str(path),
                what="the manifest does not name this file",
                remedy=f"{REPAIR} deletes it",
                cure=Cure.REMOVE,
                path=path,
            )


def is_whole(
    generations: Generations, generation_id: str, seen: dict[tuple[int, int], str]
) -> Fault | None:
    """The first thing that is wrong with a generation's files; None where all are whole."""
    faults = damage(generations, generation_id, Count(), seen, is_live=False)
    return next((fault for fault in faults if fault.cure is not Cure.REMOVE), None)


def leftover_faults(home: Path, generations: Generations, count: Count) -> Faults:
    """What killed processes left in the home folder."""
    yield from _removable(generations.leftovers(), "a killed build or removal left it", count)
    restoring = sorted(home.glob(f"{RESTORING}*"))
    yield from _removable(restoring, "a restore is under way, or was killed", count)
    kept = home / BEFORE_RESTORE
    if kept.exists():
        yield Fault(
            subject=str(kept),
            what="a restore was killed halfway; this is the catalog from before it",
            remedy="restore again, or, to go back: stop the servers, put its catalog.db in place "
            "of the one in the home folder, and run `shopsearch reindex`; then delete it",
        )


def _removable(paths: Iterable[Path], what: str, count: Count) -> Faults:
    for path in paths:
        count.add()
        yield Fault(
            subject=str(path),
            what=what,
            remedy=f"{REPAIR} deletes it",
            cure=Cure.REMOVE,
            severity=Severity.NOTE,
            path=path,
        )


def _difference(
    folder: Path, name: str, expected: str, seen: dict[tuple[int, int], str]
) -> str | None:
    """How a file differs from what the manifest says; None where it does not."""
    path = folder / name
    if path.parent != folder:
        return "the manifest names a file elsewhere"
    try:
        status = path.stat()
        inode = (status.st_dev, status.st_ino)
        found = seen.get(inode) or seen.setdefault(inode, sha256(path))
    except FileNotFoundError:
        return "the file is missing"
    except OSError as error:
        return f"the file cannot be read ({error.strerror})"
    if found == expected:
        return None
    return f"has SHA-256 {found[:12]}..., its manifest says {expected[:12]}..."


def _current_fault(generations: Generations, what: str) -> Fault:
    return Fault(
        subject=str(generations.current),
        what=what,
        remedy=f"{REPAIR} or `shopsearch reindex` builds the index anew; `shopsearch rollback` "
        "makes the newest generation live",
        cure=Cure.REINDEX,
    )
