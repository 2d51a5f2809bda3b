"""`keys`: who may use the API, and who wrote through it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.domain import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopsearch.access.issuing import Issued
    from shopsearch.domain import ApiKey, AuditEntry

MAX_NAME_CHARS = 100
MAX_AUDIT_ROWS = 1_000_000
_SHOWN_ONCE = "this is shown once: keep it where secrets are kept"


@click.group()
def keys() -> None:
    """Make, list and revoke the keys of the API.

    A key carries scopes: search, recommend, events, catalog (write and remove products) and admin
    (all of them, and metrics). Running servers follow a change within seconds. What needs no key is
    said by SHOPSEARCH_PUBLIC_SCOPES.
    """


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice([scope.value for scope in Scope]),
    multiple=True,
    required=True,
    help="What the key may do; repeatable.",
)
@click.option(
    "--expires-days",
    type=click.IntRange(1, 36_500),
    metavar="DAYS",
    help="Let it expire after so many days [default: never].",
)
@json_option
@click.pass_obj
def make(
    options: GlobalOptions,
    *,
    name: str,
    scopes: tuple[str, ...],
    expires_days: int | None,
    as_json: bool,
) -> None:
    """Make a key, and show it this once.

    NAME says who will use it, such as "till 3" or "website".
    """
    shown = " ".join(name.split())
    if not shown or len(shown) > MAX_NAME_CHARS:
        raise click.BadParameter(f"write 1 to {MAX_NAME_CHARS} characters", param_hint="NAME")
    with options.services() as services:
        issued = services.key_issuer.make(shown, map(Scope, scopes), expires_days)
    _tell(issued, as_json=as_json)


@keys.command("list")
@json_option
@click.pass_obj
def list_keys(options: GlobalOptions, *, as_json: bool) -> None:
    """List all keys, without their secrets."""
    from shopsearch.cli import console

    with options.services() as services:
        kept = services.keys.kept()
    if as_json:
        console.print_json({"keys": [_document(key) for key in kept]})
    elif not kept:
        console.out().print("There is no key yet: `shopsearch keys make NAME --scope search`")
    else:
        _print_keys(kept)


@keys.command()
@click.argument("key_id", metavar="ID")
@json_option
@click.pass_obj
def revoke(options: GlobalOptions, *, key_id: str, as_json: bool) -> None:
    """Revoke a key, for good."""
    from shopsearch.cli import console

    asked = _id_of(key_id)
    with options.services() as services:
        services.key_issuer.revoke(asked)
    if as_json:
        console.print_json({"revoked": asked})
    else:
        console.out().print(f"revoked: {asked}", markup=False)


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--grace-hours",
    type=click.IntRange(0, 24 * 365),
    metavar="HOURS",
    default=24,
    show_default=True,
    help="So long the secret before is good too; 0 ends it at once.",
)
@json_option
@click.pass_obj
def rotate(options: GlobalOptions, *, key_id: str, grace_hours: int, as_json: bool) -> None:
    """Give a key another secret, and show it this once."""
    with options.services() as services:
        issued = services.key_issuer.rotate(_id_of(key_id), grace_hours)
    _tell(issued, as_json=as_json)


@keys.command()
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Go so far back.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_AUDIT_ROWS),
    default=1000,
    show_default=True,
    metavar="N",
    help="Show at most so many, the newest.",
)
@json_option
@click.pass_obj
def audit(options: GlobalOptions, *, days: int, limit: int, as_json: bool) -> None:
    """Show who wrote through the API, or was refused, the newest first."""
    from shopsearch.cli import console

    since = datetime.now(UTC) - timedelta(days=days)
    with options.services() as services:
        services.audit_trail.forget_old()
        entries = services.audit_log.read(since, limit=limit)
    if as_json:
        console.print_json({"entries": [_entry_document(entry) for entry in entries]})
    elif not entries:
        console.out().print(f"Nobody wrote in the last {days} days.")
    else:
        _print_entries(entries)


def _id_of(given: str) -> str:
    """People paste the whole key; what goes on is its id."""
    from shopsearch.access.spelling import read_key

    spelt = read_key(given.strip())
    return given.strip() if spelt is None else spelt.key_id


def _tell(issued: Issued, *, as_json: bool) -> None:
    from shopsearch.cli import console

    if as_json:
        console.print_json({**_document(issued.key), "key": str(issued.spelt)})
        return
    if (until := issued.key.previous_until) is not None and until > datetime.now(UTC):
        console.err().print(f"the secret before is good until {_shown_time(until)}")
    console.err().print(_SHOWN_ONCE, style="yellow")
    click.echo(str(issued.spelt))


def _document(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "name": key.name,
        "scopes": [scope.value for scope in Scope if scope in key.scopes],
        "state": key.state(datetime.now(UTC)).value,
        "created_at": _written_time(key.created_at),
        "expires_at": _written_time(key.expires_at),
        "revoked_at": _written_time(key.revoked_at),
        "last_used_at": _written_time(key.last_used_at),
        "previous_until": _written_time(key.previous_until),
    }


def _entry_document(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": _written_time(entry.at),
        "actor": entry.actor,
        "operation": entry.operation,
        "target": entry.target,
        "status": entry.status,
        "request_id": entry.request_id,
    }


def _print_keys(kept: Sequence[ApiKey]) -> None:
    now = datetime.now(UTC)
    _print_table(
        ("id", "name", "scopes", "state", "made", "expires", "last used"),
        [
            (
                key.key_id,
                key.name,
                ", ".join(scope for scope in Scope if scope in key.scopes),
                key.state(now).value,
                _shown_time(key.created_at),
                _shown_time(key.expires_at),
                _shown_time(key.last_used_at),
            )
            for key in kept
        ],
    )


def _print_entries(entries: Sequence[AuditEntry]) -> None:
    _print_table(
        ("at", "who", "what", "on", "status", "request"),
        [
            (
                _shown_time(entry.at),
                entry.actor,
                entry.operation,
                entry.target,
                "" if entry.status is None else str(entry.status),
                entry.request_id,
            )
            for entry in entries
        ],
    )


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from shopsearch.cli import console

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.out().print(table)


def _written_time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def _shown_time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"
