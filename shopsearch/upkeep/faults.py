"""What a check finds, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Severity(StrEnum):
    """How bad it is."""

    FAULT = "fault"  # something is not as it was written, or two parts disagree
    NOTE = "note"  # nothing is wrong: it takes room, or will be caught up with by itself


class Cure(StrEnum):
    """What `shopsearch verify --repair` does about a fault."""

    NOTHING = "nothing"  # only people can: the remedy says what
    REMOVE = "remove"  # delete the file or folder
    DROP_GENERATION = "drop generation"  # delete it, once another one is live
    REINDEX = "reindex"  # build the index anew
    FORGET = "forget"  # delete the row of the embedding cache, and encode again
    REMAKE = "remake"  # make the working copy again from the picture's source


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is not as it should be. `subject` is the file, row or product."""

    subject: str
    what: str
    remedy: str = ""
    cure: Cure = Cure.NOTHING
    severity: Severity = Severity.FAULT
    path: Path | None = None  # what REMOVE deletes and REMAKE makes again
    stored: str = ""  # the same in the storage that nodes share
    generation_id: str = ""  # what DROP_GENERATION drops
    product_id: str = ""  # whose picture is to be made again
    embeddings: tuple[tuple[str, str], ...] = ()  # encoder and content that FORGET forgets


class Count:
    """How many things a check has looked at so far."""

    def __init__(self, report: Callable[[int], None] = lambda _: None) -> None:
        self.n = 0
        self._report = report

    def add(self, n: int = 1) -> None:
        """Looked at n more."""
        self.n += n
        self._report(self.n)


Faults = Iterator[Fault]
REPAIR = "`shopsearch verify --repair`"
