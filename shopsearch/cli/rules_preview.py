"""`rules test`: what rules would do to a search, before they are live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.rule_options import RuleSpelling, rule_options
from shopsearch.cli.search import count_option

if TYPE_CHECKING:
    from datetime import datetime

    from shopsearch.bootstrap import Services
    from shopsearch.domain import Hit, Query, SearchPage
    from shopsearch.rules import KeptRule

PROPOSED = "proposed"  # the name of the rule that the options spell
N_LOOKED_THROUGH = 200  # how far down the place of a product before the change is looked for


@dataclass(frozen=True, slots=True)
class Preview:
    """A page without a change of rules, or of signals, and with it."""

    before: SearchPage
    after: SearchPage
    named: tuple[str, ...]  # the rules or signals that the search meets afterwards
    places: dict[str, int]  # of the products before, by id; deeper ones are not known

    @property
    def gone(self) -> list[Hit]:
        """The hits of the page before that are not on the page after."""
        shown = {hit.product.product_id for hit in self.after.hits}
        return [hit for hit in self.before.hits if hit.product.product_id not in shown]

    def as_json(self) -> dict[str, Any]:
        """Both pages, and every product whose place differs; null for one that is not known."""
        from shopsearch.wire import page_json

        after = {hit.product.product_id: hit.rank for hit in self.after.hits}
        moved = [*after, *(hit.product.product_id for hit in self.gone)]
        return {
            "before": page_json(self.before, _main_picture),
            "after": page_json(self.after, _main_picture),
            "moves": [
                {"product_id": id_, "before": self.places.get(id_), "after": after.get(id_)}
                for id_ in moved
                if self.places.get(id_) != after.get(id_)
            ],
        }


@click.command()
@click.argument("text", required=False, default="", metavar="QUERY")
@click.option(
    "--filter", "filters", multiple=True, metavar="F=V", help="The shopper's filter; repeatable."
)
@rule_options
@click.option("--include-paused", is_flag=True, help="As if no rule were paused.")
@click.option(
    "--at", metavar="MOMENT", help="As if it were then: 2026-12-01T00:00+01:00, for instance."
)
@count_option
@json_option
@click.pass_obj
def test(
    options: GlobalOptions,
    /,
    *,
    text: str,
    filters: tuple[str, ...],
    include_paused: bool,
    at: str | None,
    k: int,
    as_json: bool,
    **spelt: Any,
) -> None:
    """Show what rules do to a search by QUERY, and change nothing.

    With a rule in the options, the page as it is now and as this rule would make it. Else, the page
    without rules and with those that are kept. Without QUERY, what a filter alone lists.
    """
    from shopsearch.cli.filters import parse_filters
    from shopsearch.domain import Query
    from shopsearch.rules_json import moment

    spelling = RuleSpelling(**spelt)
    _check_spelling(spelling)
    query = Query(text=text, where=parse_filters(filters).canonical(), k=k)
    then = None if at is None else moment(at)
    with options.services() as services:
        kept = services.rules.rules()
        after = _as_if(kept, spelling, include_paused=include_paused)
        before = kept if spelling.does_something else ()
        shown = _preview(services, query, before, after, then)
    if as_json:
        _print_json(shown)
    else:
        _show(shown)


def _check_spelling(spelling: RuleSpelling) -> None:
    says_when = (spelling.query_is, spelling.words, spelling.pattern, spelling.category)
    if any(says_when) and not spelling.does_something:
        message = "the rule does nothing; add --pin, --hide, --hide-filter, --boost or --bury"
        raise click.UsageError(message)


def _as_if(
    kept: Sequence[KeptRule], spelling: RuleSpelling, *, include_paused: bool
) -> list[KeptRule]:
    from datetime import UTC, datetime

    from shopsearch.rules import KeptRule

    rules = list(kept)
    if include_paused:
        rules = [replace(one, rule=replace(one.rule, paused=False)) for one in rules]
    if spelling.does_something:
        newest = 1 + max((one.number for one in kept), default=0)
        rules.append(KeptRule(spelling.rule(PROPOSED), 0, newest, datetime.now(UTC)))
    return rules


def _preview(
    services: Services,
    query: Query,
    before: Sequence[KeptRule],
    after: Sequence[KeptRule],
    at: datetime | None,
) -> Preview:
    from datetime import UTC, datetime

    from shopsearch.merchandising import FixedRules

    under_new = FixedRules(after)
    deep = replace(query, k=max(query.k, N_LOOKED_THROUGH))
    old = services.search_under(FixedRules(before)).search(deep)
    new = services.search_under(under_new, at).search(replace(query, explain=True))
    met = under_new.book().met_by(query, at or datetime.now(UTC))
    return Preview(
        before=replace(old, hits=old.hits[: query.k]),
        after=new,
        named=tuple(rule.name for rule in met),
        places={hit.product.product_id: hit.rank for hit in old.hits},
    )


def _print_json(shown: Preview) -> None:
    from shopsearch.cli import console

    console.print_json({"rules": list(shown.named), **shown.as_json()})


def _main_picture(hit: Hit) -> str | None:
    return next(iter(hit.product.images), None)


def _show(shown: Preview) -> None:
    from shopsearch.cli.why import effect_text

    show_moves(shown, "rules", lambda hit: "; ".join(map(effect_text, hit.rules)))


def show_moves(shown: Preview, what: str, touched: Callable[[Hit], str]) -> None:
    """The page afterwards as a table: where each hit stood before, and what has touched it."""
    from rich.table import Table
    from rich.text import Text

    from shopsearch.cli import console

    screen = console.out()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("#", "before", "", "id", "title", what):
        table.add_column(title, overflow="fold", justify="right" if title == "#" else "left")
    for hit in shown.after.hits:
        was = shown.places.get(hit.product.product_id)
        cells = (str(hit.rank), _place(was), _move(was, hit.rank), hit.product.product_id)
        table.add_row(*map(Text, (*cells, hit.product.title, touched(hit))))
    screen.print(table)
    for hit in shown.gone:
        line = f"no longer on this page: {hit.rank} {hit.product.product_id} {hit.product.title}"
        screen.print(line, style="dim", markup=False)
    totals = f"{shown.before.total} products before, {shown.after.total} after"
    screen.print(f"{totals}; {what}: {', '.join(shown.named) or 'none'}", style="dim", markup=False)


def _place(was: int | None) -> str:
    return f"after {N_LOOKED_THROUGH}" if was is None else str(was)


def _move(was: int | None, rank: int) -> str:
    if was == rank:
        return ""
    if was is None or was > rank:
        return "up" if was is None else f"up {was - rank}"
    return f"down {rank - was}"
