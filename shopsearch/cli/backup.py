"""`backup` and `restore`: all that a home holds, in one file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option
from shopsearch.cli.outcome import Exit

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.domain import IndexReport
    from shopsearch.upkeep.archive import BackupCard
    from shopsearch.upkeep.restore import Restored

PG_DUMP = "the database is a server's: back it up and restore it by pg_dump and pg_restore"


@click.command()
@click.argument("file", type=WrittenFile(makes_folder=False))
@click.option(
    "--no-pictures",
    is_flag=True,
    help="Leave out the working copies of the pictures; they are made again from their sources.",
)
@json_option
@click.pass_obj
def backup(options: GlobalOptions, *, file: Path, no_pictures: bool, as_json: bool) -> None:
    """Write database, live index and pictures into one FILE, a tar.

    Searches and indexing go on meanwhile. A database on a server is not in it: take a pg_dump after
    the backup. Thumbnails and fetched pictures are left out, since they are made again.
    """
    from shopsearch.cli import console, progress

    with options.services() as services, progress.steps("backing up pictures") as step:
        written = services.backup.write(
            file, pictures=not no_pictures, report=lambda done: step(done, None, "")
        )
    card = written.card
    size = file.stat().st_size
    if as_json:
        console.print_json(
            {
                "file": str(file),
                "bytes": size,
                "members": written.n_members,
                "database": card.schema is not None,
                **asdict(card),
            }
        )
        return
    click.echo(f"{file}: {card.products} products, {written.n_members} files, {size / 1e6:.1f} MB")
    if card.schema is None:
        click.echo(PG_DUMP, err=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace what the home folder holds.")
@json_option
@click.pass_context
def restore(ctx: click.Context, *, file: Path, force: bool, as_json: bool) -> None:
    """Put a backup FILE in place of what the home folder holds.

    Every checksum is checked before anything is touched, and after a failure all is as before.
    Running servers follow by themselves when the backup is of this very home; stop them before the
    backup of another catalog is restored. Products written after the index of the backup was made
    are caught up with at the end.
    """
    from shopsearch.cli import console, progress
    from shopsearch.cli.checkup import unopened

    with unopened(ctx.ensure_object(GlobalOptions).settings()) as services:
        with progress.steps("unpacking") as step:
            restored = services.restore.restore(
                file, force=force, report=lambda done: step(done, None, "")
            )
        mismatch = _mismatch(services, restored.card)
        report = None
        if not mismatch:
            # removing nothing is the smallest run: it catches up with the database, and no more
            report = services.indexer.catch_up()
    if as_json:
        console.print_json(_as_json(restored, report, mismatch))
    else:
        _show(restored, report, mismatch)
    ctx.exit(Exit.DONE)


def _mismatch(services: Services, card: BackupCard) -> str:
    """Why the restored index cannot answer under these settings; "" where it can."""
    in_use = (services.embedder.encoder_id, services.embedder.fusion_id)
    if (card.encoder_id, card.fusion_id) == in_use:
        return ""
    return (
        f"the index was made by {card.encoder_id!r} and {card.fusion_id!r}, but the settings name "
        f"{in_use[0]!r} and {in_use[1]!r}: run `shopsearch reindex`, or set the other ones again"
    )


def _as_json(restored: Restored, report: IndexReport | None, mismatch: str) -> dict[str, Any]:
    card = restored.card
    return {
        "generation": card.generation if report is None else report.generation,
        "products": card.products,
        "pictures": restored.n_pictures,
        "database": card.schema is not None,
        "created_at": card.created_at,
        "replaced": restored.replaced,
        "remedy": mismatch,
    }


def _show(restored: Restored, report: IndexReport | None, mismatch: str) -> None:
    card = restored.card
    generation = card.generation if report is None else report.generation
    click.echo(
        f"restored the catalog of {card.created_at}: {card.products} products, "
        f"{restored.n_pictures} pictures, generation {generation or 'none'}"
    )
    if card.schema is None:
        click.echo(PG_DUMP, err=True)
    if mismatch:
        click.echo(mismatch, err=True)
