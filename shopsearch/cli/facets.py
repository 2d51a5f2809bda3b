"""Facets on a terminal: a line for each value, what the filter chooses marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from shopsearch.cli import console
from shopsearch.domain import CATEGORY_SEPARATOR, Facet, FacetValue, PriceBand


def show_facets(facets: Iterable[Facet]) -> None:
    """Print each facet with its counts."""
    screen = console.out()
    for facet in facets:
        screen.print()
        for line in facet_lines(facet):
            screen.print(line)


def facet_lines(facet: Facet) -> Iterator[Text]:
    """A heading, then a line for each value or price band."""
    yield Text(facet.name, style="bold").append(_heading_rest(facet), style="dim")
    for value in facet.values:
        yield from _value_lines(value, depth=0)
    for band in facet.bands:
        yield _line(_band_words(band), band.count, chosen=band.chosen, depth=0)


def _heading_rest(facet: Facet) -> str:
    rest = f"{facet.n_missing:,} without" if facet.n_missing else ""
    unlisted = facet.n_values - _n_listed(facet.values)
    more = f"{unlisted:,} more values" if unlisted > 0 else ""
    said = ", ".join(filter(None, (rest, more)))
    return f"  {said}" if said else ""


def _n_listed(values: Iterable[FacetValue]) -> int:
    return sum((value.count > 0) + _n_listed(value.children) for value in values)


def _value_lines(value: FacetValue, depth: int) -> Iterator[Text]:
    name = value.value.rpartition(CATEGORY_SEPARATOR)[2] if depth else value.value
    yield _line(name, value.count, chosen=value.chosen, depth=depth)
    for child in value.children:
        yield from _value_lines(child, depth + 1)


def _line(words: str, count: int, *, chosen: bool, depth: int) -> Text:
    mark = "x" if chosen else " "
    line = Text(f"{count:>9,} {mark} ", style="cyan").append("  " * depth)
    return line.append(words, style="bold" if chosen else "default")


def _band_words(band: PriceBand) -> str:
    if band.low is None and band.high is None:
        return f"any {band.currency}"
    if band.low is None:
        return f"up to {band.high:,.12g} {band.currency}"
    if band.high is None:
        return f"from {band.low:,.12g} {band.currency}"
    return f"{band.low:,.12g} to {band.high:,.12g} {band.currency}"
