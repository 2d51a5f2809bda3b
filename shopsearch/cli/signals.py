"""`signals`: what a shop wants its products to be weighed by, whatever is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.signals_preview import SignalSpelling, half_life_option, preview

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.domain import Signal
    from shopsearch.index.generations import Generation


@click.group()
def signals() -> None:
    """Weigh products by popularity, margin, stock, freshness and other numbers.

    A weight of 1 doubles the odds of a score at best and halves them at worst; 0.3 is gentle, a
    negative weight turns a signal round. Known are popularity, margin, stock, freshness, and every
    field of the feed with numbers in it. Exact titles and model numbers stay first. Running servers
    follow a change within two seconds.
    """


signals.add_command(preview)


@signals.command("set")
@click.argument("spelt", nargs=-1, required=True, metavar="NAME=WEIGHT...")
@half_life_option
@json_option
@click.pass_obj
def set_signals(
    options: GlobalOptions, *, spelt: tuple[str, ...], half_life: float | None, as_json: bool
) -> None:
    """Give weights to signals; they are live from now on."""
    spelling = SignalSpelling(spelt, half_life)
    with options.services() as services:
        changed = spelling.signals(services.signals.signals())
        services.signals.put(changed)
        rows = _rows(services, changed)
    _tell_unknown(rows)
    _print(rows, as_json=as_json, document={"signals": rows})


@signals.command("list")
@json_option
@click.pass_obj
def list_signals(options: GlobalOptions, *, as_json: bool) -> None:
    """List the signals, and of how many products each is known."""
    from shopsearch.cli import console

    with options.services() as services:
        kept, revision = services.signals.signals(), services.signals.revision()
        rows = _rows(services, kept)
    if not rows and not as_json:
        console.out().print("There is no signal yet: `shopsearch signals set popularity=0.5`")
        return
    _print(rows, as_json=as_json, document={"revision": revision, "signals": rows})


@signals.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@json_option
@click.pass_obj
def remove(options: GlobalOptions, *, names: tuple[str, ...], as_json: bool) -> None:
    """Weigh by these signals no longer."""
    from shopsearch.cli import console
    from shopsearch.errors import SignalError

    with options.services() as services:
        known = {one.name for one in services.signals.signals()}
        for name in names:
            if name not in known:
                raise SignalError(
                    f"there is no signal {name!r}: `shopsearch signals list` names those that are "
                    "there; nothing was changed"
                )
        removed = services.signals.remove(names)
    if as_json:
        console.print_json({"removed": list(removed)})
    else:
        console.out().print(f"removed: {', '.join(removed)}", markup=False)


def _rows(services: Services, some: Sequence[Signal]) -> list[dict[str, Any]]:
    """As JSON; what is known of the products is null where nothing is indexed yet."""
    from shopsearch.errors import GenerationMissing
    from shopsearch.signals import FixedSignals

    generation: Generation | None = None
    with suppress(GenerationMissing):  # signals can be kept before the first product comes
        generation = services.live.get()
    service = services.signals_of(FixedSignals(some))
    return [
        {
            "name": one.name,
            "weight": one.weight,
            **({"half_life_days": one.half_life_days} if one.has_half_life else {}),
            "fields": None if generation is None else list(service.fields(one, generation)),
            "known": None if generation is None else service.n_known(one, generation),
            "products": None if generation is None else len(generation.index),
        }
        for one in some
    ]


def _tell_unknown(rows: Sequence[dict[str, Any]]) -> None:
    from shopsearch.cli import console

    for row in rows:
        if row["known"] == 0 and row["products"]:
            warning = f"warning: {row['name']}: no product of this catalog has such a number yet"
            console.err().print(warning, style="yellow", markup=False)


def _print(rows: Sequence[dict[str, Any]], *, as_json: bool, document: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from shopsearch.cli import console

    if as_json:
        console.print_json(document)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("signal", "weight", "at best", "known", "from"):
        table.add_column(title, overflow="fold")
    for row in rows:
        known = "" if row["known"] is None else f"{row['known']:,} of {row['products']:,}"
        best = f"\N{MULTIPLICATION SIGN}{2.0 ** abs(row['weight']):.2f}"
        cells = (row["name"], f"{row['weight']:g}", best, known, _origin(row))
        table.add_row(*map(Text, cells))
    console.out().print(table)


def _origin(row: dict[str, Any]) -> str:
    if "half_life_days" in row:
        return f"when products came; half-life {row['half_life_days']:g} days"
    return ", ".join(row["fields"] or ())
