"""`export`: the catalog as a feed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.upkeep.export import OpenFormat

STANDARD_OUTPUT = Path("-")


class _FileOrOutput(WrittenFile):
    """A file that will be written, or `-` for standard output."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        is_output = str(value) == str(STANDARD_OUTPUT)
        return STANDARD_OUTPUT if is_output else super().convert(value, param, ctx)


@click.command()
@click.argument("file", type=_FileOrOutput(makes_folder=False))
@click.option(
    "--format",
    "chosen",
    type=click.Choice(["auto", "jsonl", "parquet"]),
    default="auto",
    show_default=True,
    help="Format of the file; auto goes by its ending.",
)
@click.option(
    "--embeddings",
    is_flag=True,
    help="Also write the kept embeddings of picture and words, and the fused vector.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only products like this; repeatable. The same as for `shopsearch search`.",
)
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    *,
    file: Path,
    chosen: str,
    embeddings: bool,
    filters: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the catalog into FILE as a feed that `shopsearch index` reads back.

    JSON lines, or Parquet, which needs `pip install 'shopsearch[parquet]'`. FILE may be - for JSON
    lines on standard output. Pictures are told by where the shop has them.
    """
    from shopsearch.cli import console, progress
    from shopsearch.cli.filters import parse_filters
    from shopsearch.errors import ExportError

    kind = _kind(file, chosen)
    if file == STANDARD_OUTPUT and (as_json or kind == "parquet"):
        raise click.UsageError("standard output takes JSON lines alone: name a file instead")
    where = parse_filters(filters).canonical()
    options = ctx.ensure_object(GlobalOptions)
    try:
        with (
            options.services() as services,
            progress.steps("exporting") as step,
            _opened(file) as output,
        ):
            total = services.store.count()
            report = services.exporter.write(
                output,
                _format(services, kind, embeddings=embeddings),
                where=where,
                embeddings=embeddings,
                report=lambda done: step(done, total, ""),
            )
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ExportError(
            f"{file} cannot be written: {error}; make room, or name another"
        ) from error
    if as_json:
        document = {"file": str(file), "format": kind, "products": report.products}
        if embeddings:
            document["without_vector"] = report.without_vector
        console.print_json(document)
        return
    click.echo(f"{report.products} products written to {file}", err=file == STANDARD_OUTPUT)
    if report.without_vector:
        click.echo(
            f"{report.without_vector} of them have no kept embeddings: `shopsearch reindex` makes "
            "them",
            err=True,
        )


def _kind(file: Path, chosen: str) -> str:
    if chosen != "auto":
        return chosen
    return "parquet" if file.suffix.lower() in (".parquet", ".pq") else "jsonl"


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if file == STANDARD_OUTPUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        return
    from shopsearch.upkeep.archive import whole_file

    with whole_file(file) as output:
        yield output


def _format(services: Services, kind: str, *, embeddings: bool) -> OpenFormat:
    if kind == "jsonl":
        from shopsearch.upkeep.export import JsonlFormat

        return JsonlFormat
    from shopsearch.upkeep.parquet import parquet_format

    if not embeddings:
        return parquet_format()
    embedder = services.embedder
    return parquet_format(encoder_id=embedder.encoder_id, fusion_id=embedder.fusion_id)
