"""`rules`: what a shop's people say about searches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option
from shopsearch.cli.rule_options import RuleSpelling, rule_options, schedule_options
from shopsearch.cli.rules_preview import test

if TYPE_CHECKING:
    from datetime import datetime

    from shopsearch.bootstrap import Services
    from shopsearch.domain import ProductFilter
    from shopsearch.rules import KeptRule, Rule, RuleVersion

names_argument = click.argument("names", nargs=-1, required=True, metavar="NAME...")


@click.group()
def rules() -> None:
    """Pin, boost, bury and hide products by rules.

    A rule is for all searches, or for those that fulfil every condition that it names. Running
    servers follow a change within two seconds.
    """


rules.add_command(test)


@rules.command()
@click.argument("name")
@rule_options
@schedule_options
@click.option("--replace", "replacing", is_flag=True, help="Replace the rule of this name.")
@json_option
@click.pass_obj
def add(
    options: GlobalOptions, /, *, name: str, replacing: bool, as_json: bool, **spelt: Any
) -> None:
    """Keep a rule under a NAME; it is live from now on."""
    rule = RuleSpelling(**spelt).rule(name)
    with options.services() as services:
        (kept,) = services.rules.put([rule], replace=replacing)
        unknown = _unknown(services, [rule])
    _tell([kept], unknown, as_json=as_json)


@rules.command("list")
@json_option
@click.pass_obj
def list_rules(options: GlobalOptions, *, as_json: bool) -> None:
    """List the rules, oldest first: of two that want one place, the older has it."""
    from shopsearch.cli import console

    with options.services() as services:
        kept, revision = services.rules.rules(), services.rules.revision()
    if as_json:
        console.print_json({"revision": revision, "rules": list(map(_row, kept))})
    elif kept:
        _show(kept)
    else:
        console.out().print("There is no rule yet: `shopsearch rules add --help` tells how.")


@rules.command()
@click.argument("name")
@json_option
@click.pass_obj
def history(options: GlobalOptions, *, name: str, as_json: bool) -> None:
    """List every version of the rule NAME, oldest first."""
    from shopsearch.cli import console
    from shopsearch.errors import RuleError

    with options.services() as services:
        versions = services.rules.history(name)
    if not versions:
        raise RuleError(f"there never was a rule {name!r}: `shopsearch rules list` names them")
    if as_json:
        rows = list(map(_version_row, versions))
        console.print_json({"name": name, "versions": rows})
        return
    for one in versions:
        said = json.dumps(_version_row(one).get("rule", {}), ensure_ascii=False)
        console.out().print(f"{one.version}  {one.changed_at:%Y-%m-%d %H:%M:%S}Z  {one.change}")
        console.out().print(f"   {said}", style="dim", markup=False)


@rules.command()
@names_argument
@json_option
@click.pass_obj
def remove(options: GlobalOptions, *, names: tuple[str, ...], as_json: bool) -> None:
    """Take rules out; their history stays."""
    from shopsearch.cli import console

    with options.services() as services:
        _check_known(services, names)
        removed = services.rules.remove(names)
    if as_json:
        console.print_json({"removed": list(removed)})
    else:
        console.out().print(f"removed: {', '.join(removed)}", markup=False)


@rules.command()
@names_argument
@json_option
@click.pass_obj
def pause(options: GlobalOptions, *, names: tuple[str, ...], as_json: bool) -> None:
    """Let rules do nothing until they are resumed."""
    _switch(options, names, paused=True, as_json=as_json)


@rules.command()
@names_argument
@json_option
@click.pass_obj
def resume(options: GlobalOptions, *, names: tuple[str, ...], as_json: bool) -> None:
    """Let paused rules go on, within their schedule."""
    _switch(options, names, paused=False, as_json=as_json)


@rules.command("export")
@click.argument("file", type=WrittenFile(makes_folder=False), metavar="FILE.json")
@click.pass_obj
def export_rules(options: GlobalOptions, *, file: Path) -> None:
    """Write all rules into a file that `shopsearch rules import` reads."""
    from shopsearch.cli import console
    from shopsearch.rules_json import rule_json

    with options.services() as services:
        kept = services.rules.rules()
    document = {"rules": [rule_json(one.rule) for one in kept]}
    file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    console.out().print(f"{len(kept)} rules written to {file}", markup=False)


@rules.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", "replacing", is_flag=True, help="Replace rules that are there already.")
@json_option
@click.pass_obj
def import_rules(options: GlobalOptions, *, file: Path, replacing: bool, as_json: bool) -> None:
    """Keep the rules of a FILE, all or none. Rules that it does not name stay."""
    read = _read_rules(file)
    with options.services() as services:
        kept = services.rules.put(read, replace=replacing)
        unknown = _unknown(services, read)
    _tell(kept, unknown, as_json=as_json)


def _read_rules(file: Path) -> list[Rule]:
    from shopsearch.errors import RuleError
    from shopsearch.rules_json import rule_of

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise RuleError(f"{file} is no JSON in UTF-8: {error}") from None
    listed = document.get("rules") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise RuleError(f'{file} holds no rules: write {{"rules": [...]}}, as export does')
    read: list[Rule] = []
    for row, one in enumerate(listed, start=1):
        try:
            read.append(rule_of(one))
        except RuleError as error:
            raise RuleError(f"rule {row} of {file}: {error}; nothing was imported") from None
    return read


def _switch(options: GlobalOptions, names: Sequence[str], *, paused: bool, as_json: bool) -> None:
    with options.services() as services:
        known = _check_known(services, names)
        switched = [replace(known[name].rule, paused=paused) for name in dict.fromkeys(names)]
        kept = services.rules.put(switched, replace=True)
    _tell(kept, [], as_json=as_json)


def _check_known(services: Services, names: Sequence[str]) -> dict[str, KeptRule]:
    """The rules by name. Raises `RuleError` where one of the names is unknown."""
    from shopsearch.errors import RuleError

    known = {one.rule.name: one for one in services.rules.rules()}
    for name in names:
        if name not in known:
            raise RuleError(
                f"there is no rule {name!r}: `shopsearch rules list` names those that are there; "
                "nothing was changed"
            )
    return known


def _unknown(services: Services, some: Sequence[Rule]) -> list[str]:
    """What rules name and the catalog does not hold: it may come later, so it is no fault."""
    ids = {product_id: rule.name for rule in some for product_id in rule.product_ids}
    found = services.store.fingerprints(list(ids))
    return [
        f"{name}: there is no product {id_!r} in this catalog yet"
        for id_, name in ids.items()
        if id_ not in found
    ]


def _tell(kept: Sequence[KeptRule], warnings: Sequence[str], *, as_json: bool) -> None:
    from shopsearch.cli import console

    for warning in warnings:
        console.err().print(f"warning: {warning}", style="yellow", markup=False)
    if as_json:
        console.print_json({"rules": list(map(_row, kept)), "warnings": list(warnings)})
        return
    for one in kept:
        line = f"{one.rule.name}: version {one.version}, {state_of(one.rule)}"
        console.out().print(line, markup=False)


def _row(kept: KeptRule) -> dict[str, Any]:
    from shopsearch.rules_json import rule_json

    return {
        **rule_json(kept.rule),
        "version": kept.version,
        "state": state_of(kept.rule),
        "changed_at": kept.changed_at.isoformat(),
    }


def _version_row(version: RuleVersion) -> dict[str, Any]:
    from shopsearch.rules_json import rule_json

    return {
        "version": version.version,
        "change": version.change,
        "changed_at": version.changed_at.isoformat(),
        **({"rule": rule_json(version.rule)} if version.rule else {}),
    }


def state_of(rule: Rule, now: datetime | None = None) -> str:
    """What a rule does now: live, paused, or outside its schedule."""
    from datetime import UTC, datetime

    now = now or datetime.now(UTC)
    if rule.paused:
        return "paused"
    if rule.start is not None and now < rule.start:
        return "waiting"
    return "live" if rule.holds_at(now) else "ended"


def _show(kept: Sequence[KeptRule]) -> None:
    from rich.table import Table
    from rich.text import Text

    from shopsearch.cli import console

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("rule", "version", "state", "for", "does", "schedule"):
        table.add_column(title, overflow="fold")
    for one in kept:
        rule = one.rule
        cells = (rule.name, str(one.version), state_of(rule), _for(rule), _does(rule), _span(rule))
        table.add_row(*map(Text, cells), style="dim" if state_of(rule) != "live" else None)
    console.out().print(table)


def _for(rule: Rule) -> str:
    when = rule.when
    said = (
        ("query", when.query_is),
        ("words", when.words),
        ("like", when.pattern),
        ("in", when.category),
    )
    return ", ".join(f"{name} {text!r}" for name, text in said if text) or "every search"


def _does(rule: Rule) -> str:
    parts = [f"pins {pin.product_id} to {pin.position}" for pin in rule.pins]
    if rule.hide or rule.hide_where:
        hidden = [*rule.hide, *([_filtered(rule.hide_where)] if rule.hide_where else [])]
        parts.append(f"hides {', '.join(hidden)}")
    if rule.boost:
        parts.append(f"boosts {_filtered(rule.boost.where)} by {rule.boost.factor:g}")
    if rule.bury:
        parts.append(f"buries {_filtered(rule.bury.where)} by {rule.bury.factor:g}")
    return "; ".join(parts)


def _filtered(where: ProductFilter) -> str:
    from shopsearch.rules_json import filter_text

    return filter_text(where)


def _span(rule: Rule) -> str:
    start = f"from {rule.start:%Y-%m-%d %H:%MZ}" if rule.start else ""
    until = f"until {rule.until:%Y-%m-%d %H:%MZ}" if rule.until else ""
    return " ".join(filter(None, (start, until)))
