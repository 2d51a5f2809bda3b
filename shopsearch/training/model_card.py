"""The model card of a trained head, as Markdown: what it was made from, reaches and cannot do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shopsearch.preprocessing.atomic import write_atomically

if TYPE_CHECKING:
    from shopsearch.training.head import HeadReport
    from shopsearch.training.run_report import RunReport


@dataclass(frozen=True, slots=True)
class KnownSource:
    """A catalog whose origin and licence are known by the name of its folder."""

    what: str
    origin: str
    licence: str


_FASHION = "Fashion Product Images (Small)"
KNOWN_SOURCES = {
    "train-fashion-60x80": KnownSource(
        "fashion products, 60x80 px", _FASHION, "said to be MIT, unverified"
    ),
    "train-fashion-224": KnownSource(
        "some of the same, 224x224 px", _FASHION, "said to be MIT, unverified"
    ),
    "catalog-flipkart": KnownSource(
        "seven departments",
        "Flipkart sample catalog, by way of a public course repository",
        "said to be CC BY-SA 4.0, unverified",
    ),
    "catalog-luma": KnownSource(
        "sportswear and gear", "Magento 2 sample data", "OSL-3.0 / AFL-3.0"
    ),
    "catalog-tailwind": KnownSource("household and tools", "Tailwind Traders", "MIT"),
    "catalog-oro": KnownSource("a trade supplier", "OroCommerce demo data", "OSL-3.0"),
}
_UNKNOWN = KnownSource("a catalog", "given on the command line", "not known")

_LIMITS = """\
- It knows fashion best, everyday things by their ImageNet class, and little of what neither shows.
- Words are understood by MiniLM, which was trained on English.
- Text in a picture is not read; numbers, sizes and brands are matched by words alone.
- Pictures are seen at 224 x 224 px: fine print and small parts are lost.
- The catalogs that it learned from show mostly Indian and American goods, and mostly on white."""


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What the card tells of a run."""

    report: HeadReport
    catalogs: Sequence[tuple[Path, int]]  # and how many pairs each gave
    left_out: Sequence[str]
    seed: int


def write_model_card(run: TrainingRun) -> None:
    """Write the card beside the weights."""
    write_card(run.report, render_model_card(run))


def write_card(report: RunReport, card: str) -> None:
    """Write the card of any run, whole or not at all."""
    write_atomically(report.files.card, card.encode())


def render_model_card(run: TrainingRun) -> str:
    """The card as Markdown."""
    parts = [
        f"# Model card: {run.report.files.weights.name}",
        "A head for shopsearch's compact encoder: it joins EfficientNet-Lite2 (pictures) and "
        "all-MiniLM-L6-v2 (words), both frozen, in one space. Made by `shopsearch train head`.",
        "## Learned from",
        sources_table(run.catalogs, "pairs"),
        "## How",
        _how(run),
        "## Figures",
        figures_table(
            "recall@10",
            [(epoch.number, epoch.loss, epoch.recall_at_10) for epoch in run.report.epochs],
        ),
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def sources_table(catalogs: Sequence[tuple[Path, int]], unit: str) -> str:
    """The catalogs, how many of a unit each gave, and what is known of origin and licence."""
    rows = [f"| catalog | {unit} | what | from | licence |", "|---|---|---|---|---|"]
    for catalog, n in catalogs:
        name = catalog.name if catalog.is_dir() else catalog.parent.name
        known = KNOWN_SOURCES.get(name, _UNKNOWN)
        rows.append(f"| {name} | {n:,} | {known.what} | {known.origin} | {known.licence} |")
    return "\n".join(rows)


def figures_table(name: str, epochs: Iterable[tuple[int, float | None, float | None]]) -> str:
    """The number of each epoch, its loss, and the figure that counts, None where there is none."""
    rows = [f"| epoch | loss | {name}, held out |", "|---|---|---|"]
    for number, loss, figure in epochs:
        lost = "untrained" if loss is None else f"{loss:.3f}"
        reached = "not measured" if figure is None else f"{figure:.4f}"
        rows.append(f"| {number} | {lost} | {reached} |")
    return "\n".join(rows)


def run_lines(report: RunReport) -> list[str]:
    """What is told of every run, whatever it trained: what it took, and whether it was stopped."""
    lines = [f"- It took {report.effort}."]
    if report.interrupted:
        lines.append("- The run was stopped by hand before its last epoch.")
    return lines


def _how(run: TrainingRun) -> str:
    report = run.report
    lines = [
        f"- Seed {run.seed}, {len(report.epochs)} epochs, the weights of epoch "
        f"{report.best_epoch} kept.",
        f"- {report.n_held_out:,} pairs held out: they measured, and taught nothing.",
    ]
    if run.left_out:
        lines.append(f"- Left out of training: {', '.join(run.left_out)}.")
    return "\n".join([*lines, *run_lines(report)])
