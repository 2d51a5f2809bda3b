"""`signals preview`: what signals would do to a search, before they are live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.search import count_option

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.cli.rules_preview import Preview
    from shopsearch.domain import Query, Signal

half_life_option = click.option(
    "--half-life",
    type=float,
    metavar="DAYS",
    help="Of freshness: a product of this age is worth half of a new one [default: 30].",
)


class SignalSpelling(NamedTuple):
    """Signals as the command line spells them."""

    spelt: tuple[str, ...]
    half_life: float | None

    def signals(self, kept: Sequence[Signal]) -> list[Signal]:
        """The signals, each once. Raises `click.BadParameter`.

        Freshness keeps the half-life that it has where none is given.
        """
        weights = dict(map(_weight, self.spelt))
        if len(weights) < len(self.spelt):
            raise click.BadParameter("the same signal is there twice", param_hint="NAME=WEIGHT")
        made = [self._signal(name, weight, kept) for name, weight in weights.items()]
        if self.half_life is not None and not any(one.has_half_life for one in made):
            raise click.BadParameter(
                "freshness alone has one: add freshness=WEIGHT", param_hint="'--half-life'"
            )
        return made

    def _signal(self, name: str, weight: float, kept: Sequence[Signal]) -> Signal:
        from shopsearch.domain import Signal
        from shopsearch.errors import SignalError

        before = {one.name: one for one in kept}
        try:
            signal = replace(before.get(name) or Signal(name, 0.0), weight=weight)
            if signal.has_half_life and self.half_life is not None:
                return replace(signal, half_life_days=self.half_life)
        except SignalError as error:
            raise click.BadParameter(str(error), param_hint="NAME=WEIGHT") from None
        return signal


def _weight(spelt: str) -> tuple[str, float]:
    name, sign, number = spelt.rpartition("=")
    try:
        return name.strip(), float(number if sign else "")
    except ValueError:
        message = f"{spelt!r} is not NAME=WEIGHT, such as popularity=0.5"
        raise click.BadParameter(message, param_hint="NAME=WEIGHT") from None


@click.command()
@click.argument("text", required=False, default="", metavar="QUERY")
@click.option(
    "--set",
    "spelt",
    multiple=True,
    metavar="NAME=WEIGHT",
    help="As if this signal had this weight, 0 for none; repeatable.",
)
@half_life_option
@click.option(
    "--filter", "filters", multiple=True, metavar="F=V", help="The shopper's filter; repeatable."
)
@count_option
@json_option
@click.pass_obj
def preview(
    options: GlobalOptions,
    *,
    text: str,
    spelt: tuple[str, ...],
    half_life: float | None,
    filters: tuple[str, ...],
    k: int,
    as_json: bool,
) -> None:
    """Show what signals do to a search by QUERY, and change nothing.

    With --set, the page as it is now and as it would be with these weights. Else, the page without
    signals and with those that are kept. Without QUERY, what a filter alone lists.
    """
    from shopsearch.cli.filters import parse_filters
    from shopsearch.domain import Query

    query = Query(text=text, where=parse_filters(filters).canonical(), k=k)
    with options.services() as services:
        kept = services.signals.signals()
        changed = {one.name: one for one in SignalSpelling(spelt, half_life).signals(kept)}
        after = [*({one.name: one for one in kept} | changed).values()]
        shown = _preview(services, query, kept if changed else (), after)
    if as_json:
        _print_json(shown)
    else:
        _show(shown)


def _preview(
    services: Services, query: Query, before: Sequence[Signal], after: Sequence[Signal]
) -> Preview:
    from shopsearch.cli.rules_preview import N_LOOKED_THROUGH, Preview
    from shopsearch.merchandising import FixedRules
    from shopsearch.signals import FixedSignals

    rules = FixedRules(services.rules.rules())
    deep = replace(query, k=max(query.k, N_LOOKED_THROUGH))
    old = services.search_under(rules, signals=FixedSignals(before)).search(deep)
    explained = replace(query, explain=True)
    new = services.search_under(rules, signals=FixedSignals(after)).search(explained)
    return Preview(
        before=replace(old, hits=old.hits[: query.k]),
        after=new,
        named=tuple(f"{one.name}={one.weight:g}" for one in after if one.weight),
        places={hit.product.product_id: hit.rank for hit in old.hits},
    )


def _print_json(shown: Preview) -> None:
    from shopsearch.cli import console

    console.print_json({"signals": list(shown.named), **shown.as_json()})


def _show(shown: Preview) -> None:
    from shopsearch.cli.rules_preview import show_moves
    from shopsearch.cli.why import signals_text

    show_moves(shown, "signals", lambda hit: signals_text(hit.signals))
