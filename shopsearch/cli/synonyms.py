"""`synonyms`: what a shop says will do as well as the word that was asked for."""

from __future__ import annotations

import click

from shopsearch.cli.options import GlobalOptions, json_option


@click.group()
def synonyms() -> None:
    """Keep the synonyms that the search knows.

    Two-way synonyms are written `sofa, couch`: a search for either finds both. A one-way synonym is
    written `iphone => smartphone`: a search for the first finds the second too, but not the other
    way round. A synonym counts less than the word itself. Changes hold from the next search on.
    """


@synonyms.command("list")
@json_option
@click.pass_obj
def list_rules(options: GlobalOptions, *, as_json: bool) -> None:
    """List the synonyms."""
    from shopsearch.cli import console

    with options.services() as services:
        rules, revision = services.synonyms.rules(), services.synonyms.revision()
    if as_json:
        console.print_json({"synonyms": list(rules), "revision": revision})
    elif not rules:
        console.out().print('There are none yet: shopsearch synonyms add "sofa, couch"')
    else:
        for rule in rules:
            console.out().print(rule, markup=False, highlight=False)


@synonyms.command()
@click.argument("rule")
@json_option
@click.pass_obj
def add(options: GlobalOptions, *, rule: str, as_json: bool) -> None:
    """Add a RULE, such as "sofa, couch" or "iphone => smartphone"."""
    from shopsearch.ranking.synonyms import SynonymRule

    spelled = str(SynonymRule.of(rule))
    with options.services() as services:
        is_new = services.synonyms.add(spelled)
    _tell(spelled, "added" if is_new else "unchanged", as_json=as_json)


@synonyms.command()
@click.argument("rule")
@json_option
@click.pass_obj
def remove(options: GlobalOptions, *, rule: str, as_json: bool) -> None:
    """Remove a RULE, written as `shopsearch synonyms list` shows it or as it was added."""
    from shopsearch.errors import SynonymRejected
    from shopsearch.ranking.synonyms import SynonymRule

    spelled = str(SynonymRule.of(rule))
    with options.services() as services:
        was_there = services.synonyms.remove(spelled)
    if not was_there:
        raise SynonymRejected(
            f"there is no rule {spelled!r} to remove; `shopsearch synonyms list` shows them all"
        )
    _tell(spelled, "removed", as_json=as_json)


def _tell(rule: str, outcome: str, *, as_json: bool) -> None:
    from shopsearch.cli import console

    if as_json:
        console.print_json({"rule": rule, "outcome": outcome})
    else:
        console.out().print(f"{outcome}: {rule}", markup=False, highlight=False)
