"""The model card of a trained head, as Markdown: what it was made from, reaches and cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shopsearch.training.curves import Epoch


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

    head: Path
    catalogs: Sequence[tuple[Path, int]]  # and how many pairs each gave
    n_held_out: int
    left_out: Sequence[str]
    seed: int
    epochs: Sequence[Epoch]
    best_epoch: int
    interrupted: bool


def write_model_card(run: TrainingRun, path: Path) -> None:
    """Write the card."""
    path.write_text(render_model_card(run), encoding="utf-8")


def render_model_card(run: TrainingRun) -> str:
    """The card as Markdown."""
    parts = [
        f"# Model card: {run.head.name}",
        "A head for shopsearch's compact encoder: it joins EfficientNet-Lite2 (pictures) and "
        "all-MiniLM-L6-v2 (words), both frozen, in one space. Made by `shopsearch train head`.",
        "## Learned from",
        sources_table(run.catalogs, "pairs"),
        "## How",
        _how(run),
        "## Figures",
        _figures(run),
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


def _how(run: TrainingRun) -> str:
    done = len(run.epochs)
    lines = [
        f"- Seed {run.seed}, {done} epochs, the weights of epoch {run.best_epoch} kept.",
        f"- {run.n_held_out:,} pairs held out: they measured, and taught nothing.",
    ]
    if run.left_out:
        lines.append(f"- Left out of training: {', '.join(run.left_out)}.")
    if run.interrupted:
        lines.append("- The run was stopped by hand before its last epoch.")
    return "\n".join(lines)


def _figures(run: TrainingRun) -> str:
    rows = ["| epoch | loss | recall@10, held out |", "|---|---|---|"]
    for epoch in run.epochs:
        recall = "not measured" if epoch.recall_at_10 is None else f"{epoch.recall_at_10:.3f}"
        rows.append(f"| {epoch.number} | {epoch.loss:.3f} | {recall} |")
    return "\n".join(rows)
