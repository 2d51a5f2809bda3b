"""What the commands of `train` share: options, the nouns they become, and how a run is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import click

from shopsearch.cli.feed_options import read_mapping
from shopsearch.cli.options import Decorator, WrittenFile, packed

if TYPE_CHECKING:
    from shopsearch.catalog import FieldMapping
    from shopsearch.training.run_report import RunReport

Stage = Callable[[str], Callable[[int, int], None]]

BESIDE = (".png", ".md")  # the curves and the card
feed_path = click.Path(path_type=Path, exists=True)
seed_option = click.option("--seed", default=0, show_default=True, help="Same seed, same weights.")


class Feeds(NamedTuple):
    """The feeds that a run reads."""

    catalogs: tuple[Path, ...]
    columns: dict[str, str]
    val: Path | None = None

    def mapping(self, currency: str | None = None) -> FieldMapping:
        """Which columns are which fields of a product."""
        from shopsearch.catalog import FieldMapping

        return FieldMapping(self.columns, fallback_currency=currency)


class Pace(NamedTuple):
    """How long a run learns, and in what steps."""

    seed: int
    epochs: int
    patience: int
    batch_size: int


class Epoch(Protocol):
    """One pass over what is learned from."""

    @property
    def number(self) -> int:
        """1 is the first; 0 is what was there before learning."""

    @property
    def loss(self) -> float | None:
        """Its mean; None before learning."""

    @property
    def seconds(self) -> float:
        """How long it took."""


def feeds_options(val_help: str | None = None) -> Decorator:
    """Add `--catalog`, `--map` and, where it has a help, `--val`; the command takes `feeds`."""
    options = [
        click.option(
            "--catalog",
            "catalogs",
            required=True,
            multiple=True,
            type=feed_path,
            help="Feed, or folder with one, to learn from; repeatable.",
        ),
        click.option(
            "--map",
            "columns",
            multiple=True,
            metavar="FIELD=COLUMN",
            callback=read_mapping,
            help="Take a product field from this column of the feeds; repeatable.",
        ),
    ]
    if val_help:
        options.insert(1, click.option("--val", type=feed_path, help=val_help))
    return packed("feeds", Feeds, options)


def pace_options(*, epochs: int, batch_size: int, better: str, unit: str) -> Decorator:
    """Add `--seed`, `--epochs`, `--patience` and `--batch-size`; the command takes `pace`."""
    return packed(
        "pace",
        Pace,
        [
            seed_option,
            epochs_option(epochs, "At most so many."),
            click.option(
                "--patience",
                type=click.IntRange(1),
                default=4,
                show_default=True,
                help=f"Stop after so many epochs without a better {better}.",
            ),
            click.option(
                "--batch-size",
                type=click.IntRange(2),
                default=batch_size,
                show_default=True,
                help=f"{unit} a step.",
            ),
        ],
    )


def epochs_option(default: int, help: str) -> Decorator:
    """Add `--epochs`."""
    return click.option(
        "--epochs", type=click.IntRange(1), default=default, show_default=True, help=help
    )


def out_option(default: str, *, beside: str, endings: tuple[str, ...] = BESIDE) -> Decorator:
    """Add `--out`; `beside` says what goes next to the weights, `endings` by which endings."""
    return click.option(
        "--out",
        type=WrittenFile(beside=endings),
        default=Path(default),
        show_default=True,
        help=f"Where to write the weights; {beside} beside them.",
    )


@contextmanager
def stages() -> Iterator[Stage]:
    """Shows the stages of a run one after the other, until the block ends."""
    from shopsearch.cli import progress

    with ExitStack() as bars:
        yield lambda name: progress.stage(bars, name)


def tell_epoch(epoch: Epoch, name: str, figure: float | None) -> None:
    """One epoch on standard error, with the figure that counts where it was measured."""
    loss = "untrained" if epoch.loss is None else f"loss {epoch.loss:.3f}"
    reached = "" if figure is None else f", {name} {figure:.4f}"
    tell(f"epoch {epoch.number}: {loss}{reached}, {epoch.seconds:.1f} s")


def show(report: RunReport, *, as_json: bool) -> None:
    """What was written on standard output, or all of the report as JSON."""
    from shopsearch.cli import console

    if report.interrupted:
        tell(f"stopped by hand: the best weights so far, of epoch {report.best_epoch}, are kept")
    tell(f"took {report.effort}")
    if as_json:
        console.print_json(report.as_json())
        return
    for written in report.files.as_json().values():
        click.echo(written)


def tell(words: str) -> None:
    """Something about the run, on standard error."""
    click.echo(words, err=True)
