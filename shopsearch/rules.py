"""The nouns of merchandising: what a shop's people say about searches.

A rule that exists is one that can be followed: its constructor refuses everything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    EVERYTHING,
    MAX_PRODUCT_ID_CHARS,
    ProductFilter,
)
from shopsearch.errors import RuleError

MAX_TEXT_CHARS = 200
MAX_POSITION = 1000
MAX_FACTOR = 100.0
MAX_PINS = 100
MAX_HIDDEN = 1000

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LEVELS = re.compile(r"\s*>\s*")


@dataclass(frozen=True, slots=True)
class When:
    """Which searches a rule is for: all that it says must hold; what is "" says nothing.

    Words are compared as the search compares them: without case, accents and the s of a plural.
    """

    query_is: str = ""  # the words of the query are these, in this order
    words: str = ""  # the query has all of these words
    pattern: str = ""  # the words of the query look like this; `*` stands for any characters
    category: str = ""  # the search is filtered by this category, or by one below it

    @property
    def asks_for_words(self) -> bool:
        """Whether a query without words can never fulfil it."""
        return bool(self.query_is or self.words or self.pattern)


@dataclass(frozen=True, slots=True)
class Pin:
    """A product that shall stand at a position; 1 is the first of the first page."""

    position: int
    product_id: str


@dataclass(frozen=True, slots=True)
class Lift:
    """Products whose scores shall rise (boost) or fall (bury) by a factor of above 1."""

    where: ProductFilter
    factor: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What shall happen to which searches, and while it holds. Raises `RuleError`."""

    name: str
    when: When = When()
    pins: tuple[Pin, ...] = ()
    hide: tuple[str, ...] = ()  # product ids
    hide_where: ProductFilter = EVERYTHING  # and whatever fulfils this; EVERYTHING: nothing more
    boost: Lift | None = None
    bury: Lift | None = None
    start: datetime | None = None  # from this moment on
    until: datetime | None = None  # and before this one
    paused: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RuleError(
                f"name: {self.name[:80]!r} is no name; use up to 64 of a-z, 0-9, `-`, `_` and `.`"
            )
        _check_when(self.when)
        _check_pins(self.pins)
        _check_hidden(self)
        _check_lifts(self.boost, self.bury)
        _check_schedule(self.start, self.until)
        if not (self.pins or self.hide or self.hide_where or self.boost or self.bury):
            raise RuleError("the rule does nothing; let it pin, hide, boost or bury something")

    def holds_at(self, now: datetime) -> bool:
        """Whether it is neither paused nor outside its schedule."""
        has_begun = self.start is None or self.start <= now
        return not self.paused and has_begun and (self.until is None or now < self.until)

    @property
    def product_ids(self) -> tuple[str, ...]:
        """The products that it names."""
        return tuple(dict.fromkeys([*(pin.product_id for pin in self.pins), *self.hide]))


class Change(StrEnum):
    """What a version of a rule did."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule as the store has it."""

    rule: Rule
    version: int  # of this name: 1 is the first, every change makes another
    number: int  # older rules have lower ones
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """What a rule was from a moment on; None where it was removed."""

    version: int
    change: Change
    changed_at: datetime
    rule: Rule | None


def category_path(text: str) -> str:
    """A category as it is compared: `Women>Tops ` is `women > tops`."""
    return CATEGORY_SEPARATOR.join(_LEVELS.split(text.strip().casefold()))


def _check_when(when: When) -> None:
    for name, text in asdict(when).items():
        if len(text) > MAX_TEXT_CHARS:
            raise RuleError(f"{name}: has {len(text)} characters; the limit is {MAX_TEXT_CHARS}")
        if text and not any(map(str.isalnum, text)):
            raise RuleError(f"{name}: {text!r} has neither letter nor digit")


def _check_pins(pins: tuple[Pin, ...]) -> None:
    if len(pins) > MAX_PINS:
        raise RuleError(f"pins: there are {len(pins)}; the limit is {MAX_PINS}")
    for pin in pins:
        if not 1 <= pin.position <= MAX_POSITION:
            raise RuleError(
                f"pins: the position {pin.position} of {pin.product_id!r} must be from 1, the "
                f"first of the first page, to {MAX_POSITION}"
            )
        _check_id("pins", pin.product_id)
    _check_once("position", [pin.position for pin in pins])
    _check_once("product", [pin.product_id for pin in pins])


def _check_once(what: str, values: Sequence[str | int]) -> None:
    if twice := [value for value in dict.fromkeys(values) if values.count(value) > 1]:
        raise RuleError(f"pins: the {what} {twice[0]!r} is there twice")


def _check_hidden(rule: Rule) -> None:
    if len(rule.hide) > MAX_HIDDEN:
        raise RuleError(f"hide: there are {len(rule.hide)} ids; the limit is {MAX_HIDDEN}")
    for product_id in rule.hide:
        _check_id("hide", product_id)
    if both := sorted({pin.product_id for pin in rule.pins}.intersection(rule.hide)):
        raise RuleError(f"hide: {both[0]!r} is pinned by the same rule; do one of both")


def _check_id(field: str, product_id: str) -> None:
    if not 1 <= len(product_id) <= MAX_PRODUCT_ID_CHARS:
        raise RuleError(
            f"{field}: a product id has from 1 to {MAX_PRODUCT_ID_CHARS} characters, "
            f"not {len(product_id)}"
        )


def _check_lifts(boost: Lift | None, bury: Lift | None) -> None:
    for name, lift in (("boost", boost), ("bury", bury)):
        if lift is None:
            continue
        if not lift.where:
            raise RuleError(f"{name}: say which products by a filter, such as brand=Acme")
        if not 1.0 < lift.factor <= MAX_FACTOR:
            raise RuleError(
                f"{name}: the factor is {lift.factor:g}, but must be above 1 and at most "
                f"{MAX_FACTOR:g}; 1.2 is gentle, 2 is strong"
            )
    if boost and bury and boost.where == bury.where:
        raise RuleError("bury: the same products are boosted by the same rule; do one of both")


def _check_schedule(start: datetime | None, until: datetime | None) -> None:
    for name, at in (("from", start), ("until", until)):
        if at is not None and at.tzinfo is None:
            raise RuleError(f"{name}: {at} names no time zone")
    if start and until and until <= start:
        raise RuleError(f"until: {until.isoformat()} is not after from, {start.isoformat()}")
