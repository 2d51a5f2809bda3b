"""`generations` and `rollback`: the index as it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.index.manifest import Manifest
    from shopsearch.upkeep.shelf import Pruned, ShelvedGeneration

BYTES_PER_MB = 1e6


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def generations(ctx: click.Context, *, as_json: bool) -> None:
    """List the index generations on disk.

    The same as `generations list`. Every file is checked, so that a damaged generation is told.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx.ensure_object(GlobalOptions), as_json=as_json)


@generations.command("list")
@json_option
@click.pass_obj
def list_generations(options: GlobalOptions, *, as_json: bool) -> None:
    """List them, newest first: which is live, which rollback goes to, which are damaged."""
    _list(options, as_json=as_json)


@generations.command()
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many of the newest stay [default: SHOPSEARCH_KEEP_GENERATIONS].",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@json_option
@click.pass_obj
def prune(options: GlobalOptions, *, keep: int | None, dry_run: bool, as_json: bool) -> None:
    """Delete old generations, never the live one.

    Files that a kept generation shares with a deleted one stay, and do not count as freed.
    """
    from shopsearch.cli import console

    with options.services() as services, services.home_locks():
        n_kept = services.settings.keep_generations if keep is None else keep
        pruned = services.shelf.prune(n_kept, dry_run=dry_run)
    if as_json:
        console.print_json(_pruned_json(pruned, dry_run=dry_run))
        return
    done = "would be deleted" if dry_run else "deleted"
    for generation_id in pruned.generation_ids:
        click.echo(f"{generation_id} {done}")
    n, size = len(pruned.generation_ids), pruned.freed_bytes / BYTES_PER_MB
    click.echo(f"{n} generations {done}, {size:.1f} MB; {len(pruned.kept)} stay")


@click.command()
@click.argument("generation", required=False)
@json_option
@click.pass_obj
def rollback(options: GlobalOptions, *, generation: str | None, as_json: bool) -> None:
    """Go back to an earlier index generation.

    Without a GENERATION, to the one before the live one; `shopsearch generations` lists them. The
    stored products stay as they are: the next `shopsearch index` or `reindex` catches up with them.
    """
    from shopsearch.cli import console

    with options.services() as services, services.home_locks():
        manifest = services.generations.rollback(generation)
    row = _manifest_row(manifest, is_live=True)
    if as_json:
        console.print_json(row)
    else:
        message = f"generation {row['generation']} is live: {row['products']} products"
        console.out().print(message)


def _list(options: GlobalOptions, *, as_json: bool) -> None:
    from shopsearch.cli import console

    with options.services() as services:
        shelved, total = services.shelf.generations(), services.shelf.total_bytes()
    rows = [_row(one) for one in shelved]
    if as_json:
        console.print_json({"generations": rows})
    elif not rows:
        console.out().print("There is no index yet: run `shopsearch index FEED`.")
    else:
        _show(rows, total)


def _manifest_row(manifest: Manifest, *, is_live: bool) -> dict[str, Any]:
    return {
        "generation": manifest.generation_id,
        "live": is_live,
        "created_at": manifest.created_at,
        "products": manifest.count,
        "encoder": manifest.encoder_id,
        "fusion": manifest.fusion_id,
        "index": manifest.index_kind,
    }


def _row(one: ShelvedGeneration) -> dict[str, Any]:
    if one.manifest is not None:
        row = _manifest_row(one.manifest, is_live=one.is_live)
    else:
        unknown = dict.fromkeys(("created_at", "products", "encoder", "fusion", "index"))
        row = {"generation": one.generation_id, "live": one.is_live, **unknown}
    return row | {
        "rollback_target": one.is_rollback_target,
        "bytes": one.n_bytes,
        "own_bytes": one.own_bytes,
        "damage": one.damage,
    }


def _pruned_json(pruned: Pruned, *, dry_run: bool) -> dict[str, Any]:
    return {
        "deleted": list(pruned.generation_ids),
        "kept": list(pruned.kept),
        "freed_mb": round(pruned.freed_bytes / BYTES_PER_MB, 3),
        "dry_run": dry_run,
    }


def _show(rows: list[dict[str, Any]], total: int) -> None:
    from rich.table import Table

    from shopsearch.cli import console

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "generation", "made", "products", "MB", "index", "encoder", "fusion"):
        is_number = title in ("products", "MB")
        table.add_column(title, overflow="fold", justify="right" if is_number else "left")
    for row in rows:
        table.add_row(
            _mark(row),
            row["generation"],
            (row["created_at"] or "")[:16].replace("T", " "),
            "" if row["products"] is None else str(row["products"]),
            f"{row['bytes'] / BYTES_PER_MB:.1f}",
            row["index"],
            row["encoder"],
            row["fusion"],
            style="red" if row["damage"] else "bold" if row["live"] else None,
        )
    screen = console.out()
    screen.print(table)
    screen.print(f"{total / BYTES_PER_MB:.1f} MB on disk, shared files counted once", style="dim")
    for row in rows:
        if row["damage"]:
            click.echo(f"{row['generation']} is damaged: {row['damage']}")


def _mark(row: dict[str, Any]) -> str:
    marks = ("live" if row["live"] else "", "damaged" if row["damage"] else "")
    return ", ".join(filter(None, marks)) or ("rollback" if row["rollback_target"] else "")
