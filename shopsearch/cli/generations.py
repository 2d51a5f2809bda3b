"""`generations` and `rollback`: the index as it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.index.manifest import Manifest


@click.command()
@json_option
@click.pass_obj
def generations(options: GlobalOptions, *, as_json: bool) -> None:
    """List the index generations on disk."""
    from shopsearch.cli import console

    with options.services() as services:
        live = services.generations.current_id()
        rows = [_row(manifest, live) for manifest in services.generations.manifests()]
    if as_json:
        console.print_json({"generations": rows})
    elif not rows:
        console.out().print("There is no index yet: run `shopsearch index FEED`.")
    else:
        _show(rows)


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

    with options.services() as services:
        manifest = services.generations.rollback(generation)
    row = _row(manifest, manifest.generation_id)
    if as_json:
        console.print_json(row)
    else:
        message = f"generation {row['generation']} is live: {row['products']} products"
        console.out().print(message)


def _row(manifest: Manifest, live: str | None) -> dict[str, Any]:
    return {
        "generation": manifest.generation_id,
        "live": manifest.generation_id == live,
        "created_at": manifest.created_at,
        "products": manifest.count,
        "encoder": manifest.encoder_id,
        "fusion": manifest.fusion_id,
        "index": manifest.index_kind,
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from shopsearch.cli import console

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "generation", "made", "products", "index", "encoder", "fusion"):
        table.add_column(title, overflow="fold", justify="right" if title == "products" else "left")
    for row in rows:
        table.add_row(
            "live" if row["live"] else "",
            row["generation"],
            row["created_at"][:16].replace("T", " "),
            str(row["products"]),
            row["index"],
            row["encoder"],
            row["fusion"],
            style="bold" if row["live"] else None,
        )
    console.out().print(table)
