"""What a search did with the words: corrected some, understood some as wishes, or found no product
that has them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shopsearch.domain import SearchPage, UnderstoodPart


def show_wording(page: SearchPage) -> None:
    """One line each, above the table; nothing where the words were taken as they came."""
    from rich.text import Text

    from shopsearch.cli import console

    screen = console.out()
    if page.degraded:
        screen.print(Text("the vectors are out of reach: found by words alone", style="yellow"))
    if page.did_you_mean is not None:
        remedy = " (as typed: --as-typed)"
        screen.print(Text.assemble("showing results for ", (page.did_you_mean, "bold"), remedy))
    if page.relaxed:
        words = ", ".join(page.relaxed)
        screen.print(Text(f"no product has all of these words; not counted on: {words}"))
    if page.understood:
        told = "; ".join(map(part_text, page.understood))
        screen.print(Text(f"understood: {told} (as words: --literal WORDS)"))


def part_text(part: UnderstoodPart) -> str:
    """What some words were taken for: `price under 50 (filter)`, `color red`."""
    if not part.is_filter:
        return f"{part.kind} {part.text}"
    effect = "filter" if part.applied else "no filter, as it would leave no product"
    return f"{part.kind} {part.text} ({effect})"
