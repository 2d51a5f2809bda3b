"""What is said, what it meets, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from shopsearch.domain import Product, Query, UnderstoodPart
from shopsearch.understanding.values import CatalogValues, Meaning


class ChangeKind(StrEnum):
    """What part of a query a change is about."""

    WORDS = "words"  # more words are searched for
    TOPIC = "topic"  # other words are searched for, and all else is gone
    FILTER = "filter"
    EXCLUDE = "exclude"
    PRICE = "price"
    UNWANTED = "not"
    WISH = "wish"
    LIKE = "like"
    SORT = "sort"
    REMOVED = "removed"
    RESTART = "restart"  # everything is gone
    UNDO = "undo"  # asked for; whoever keeps the searches before each turn goes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a turn did to the query."""

    kind: ChangeKind
    text: str  # the part of the query by name: "color: blue"
    told: str  # the same as a sentence
    field: str = ""  # of a product, where it is about one


@dataclass(frozen=True, slots=True)
class Missed:
    """Some words that changed nothing, and why."""

    text: str
    why: str  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is said about a search."""

    said: str
    query: Query  # values of filters may be spelled in any case
    parts: tuple[UnderstoodPart, ...] = ()  # of the words of the query
    shown: tuple[Product | None, ...] = ()  # in order; None: it is gone meanwhile
    pictured: bool = False  # a picture that the query does not hold is searched by, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the rules know of the catalog."""

    values: CatalogValues = field(default_factory=CatalogValues)
    availabilities: tuple[str, ...] = ()  # case-folded, as all values
    genders: tuple[str, ...] = ()
    is_usual: Callable[[str, Meaning], bool] = lambda words, meaning: True  # noqa: ARG005
    spelled: Callable[[str, str], str] = lambda field, value: value  # noqa: ARG005


@dataclass(frozen=True, slots=True, kw_only=True)
class Refined:
    """The query after a turn, and what was done."""

    query: Query
    changes: tuple[Change, ...] = ()
    missed: tuple[Missed, ...] = ()
    read_as: str = ""  # the turn as it was read, where a word of it was corrected

    @property
    def reply(self) -> str:
        """What was done and what was not, in plain sentences."""
        read = [f"Read as “{self.read_as}”."] if self.read_as else []
        done = [change.told for change in self.changes]
        return " ".join([*read, *done, *(one.why for one in self.missed)])
