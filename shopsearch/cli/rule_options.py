"""The options that spell a merchandising rule on the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from shopsearch.domain import ProductFilter
    from shopsearch.rules import Lift, Pin, Rule

Command = TypeVar("Command", bound=Callable[..., Any])

_MOMENT = "ISO 8601 with a time zone, such as 2026-12-01T00:00+01:00"
_OPTIONS = (
    click.option("--query", "query_is", metavar="WORDS", help="For searches by just these words."),
    click.option("--words", metavar="WORDS", help="For searches that have all of these words."),
    click.option(
        "--pattern",
        metavar="PATTERN",
        help="For searches like this; * stands for any characters: red*shoes.",
    ),
    click.option(
        "--category",
        metavar="PATH",
        help="For searches filtered by this category, or by one below it.",
    ),
    click.option(
        "--pin",
        "pins",
        multiple=True,
        metavar="POSITION=ID",
        help="Put product ID there; 1 is the first place; repeatable.",
    ),
    click.option(
        "--hide", multiple=True, metavar="ID", help="Never show this product; repeatable."
    ),
    click.option(
        "--hide-filter",
        multiple=True,
        metavar="F=V",
        help="Never show what fulfils all of these filters; repeatable.",
    ),
    click.option(
        "--boost",
        multiple=True,
        metavar="F=V",
        help="Raise what fulfils all of these filters; repeatable.",
    ),
    click.option(
        "--boost-by", type=float, default=2.0, show_default=True, metavar="N", help="How much."
    ),
    click.option(
        "--bury",
        multiple=True,
        metavar="F=V",
        help="Lower what fulfils all of these filters; repeatable.",
    ),
    click.option(
        "--bury-by", type=float, default=2.0, show_default=True, metavar="N", help="How much."
    ),
)
_SCHEDULE = (
    click.option("--from", "start", metavar="MOMENT", help=f"Only from then on: {_MOMENT}."),
    click.option("--until", metavar="MOMENT", help="Only before then."),
    click.option("--paused", is_flag=True, help="Keep it, but let it do nothing yet."),
)


def rule_options(command: Command) -> Command:
    """Add the options that say which searches a rule is for, and what it does."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def schedule_options(command: Command) -> Command:
    """Add the options that say when a rule does it."""
    return reduce(lambda made, option: option(made), reversed(_SCHEDULE), command)


class RuleSpelling(NamedTuple):
    """A rule as the options spell it."""

    query_is: str | None
    words: str | None
    pattern: str | None
    category: str | None
    pins: tuple[str, ...]
    hide: tuple[str, ...]
    hide_filter: tuple[str, ...]
    boost: tuple[str, ...]
    boost_by: float
    bury: tuple[str, ...]
    bury_by: float
    start: str | None = None
    until: str | None = None
    paused: bool = False

    @property
    def does_something(self) -> bool:
        """Whether any action is spelt."""
        return bool(self.pins or self.hide or self.hide_filter or self.boost or self.bury)

    def rule(self, name: str) -> Rule:
        """The rule itself. Raises `click.BadParameter`."""
        from shopsearch.errors import RuleError
        from shopsearch.rules import Rule, When
        from shopsearch.rules_json import moment

        try:
            return Rule(
                name=name,
                when=When(
                    query_is=self.query_is or "",
                    words=self.words or "",
                    pattern=self.pattern or "",
                    category=self.category or "",
                ),
                pins=tuple(map(_pin, self.pins)),
                hide=tuple(dict.fromkeys(self.hide)),
                hide_where=_filter("--hide-filter", self.hide_filter),
                boost=_lift("--boost", self.boost, self.boost_by),
                bury=_lift("--bury", self.bury, self.bury_by),
                start=moment(self.start) if self.start else None,
                until=moment(self.until) if self.until else None,
                paused=self.paused,
            )
        except RuleError as error:
            raise click.UsageError(str(error)) from None


def _pin(text: str) -> Pin:
    from shopsearch.rules import Pin

    position, sign, product_id = text.partition("=")
    if not sign or not position.strip().isdecimal():
        message = f"{text!r} is no pin: write POSITION=ID, such as 1=A123"
        raise click.BadParameter(message, param_hint="'--pin'")
    return Pin(int(position), product_id)


def _lift(option: str, filters: tuple[str, ...], factor: float) -> Lift | None:
    from shopsearch.rules import Lift

    return Lift(_filter(option, filters), factor) if filters else None


def _filter(option: str, filters: tuple[str, ...]) -> ProductFilter:
    from shopsearch.cli.filters import parse_filters

    try:
        return parse_filters(filters).canonical()
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint=f"'{option}'") from None
