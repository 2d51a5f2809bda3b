"""The model card of a trained fusion: what it was made from, reaches and cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shopsearch.training.model_card import figures_table, run_lines, sources_table, write_card

if TYPE_CHECKING:
    from shopsearch.training.fusion_learning import FusionRecipe
    from shopsearch.training.fusion_run import FusionReport

_LIMITS = """\
- It fuses the embeddings of one encoder, and is worthless for another.
- What neither picture nor words tell the encoder, no fusion brings back.
- It learned from labels of colour, use, kind and gender. What shoppers ask for beyond these it
  knows only as far as the encoder does.
- Queries were made from the products by rules, in English; real shoppers' were not seen, unless
  judged queries were given."""


@dataclass(frozen=True, slots=True)
class FusionRun:
    """What the card tells of a run."""

    report: FusionReport
    recipe: FusionRecipe
    encoder_id: str
    catalogs: Sequence[tuple[Path, int]]  # and how many products of each taught


def write_fusion_card(run: FusionRun) -> None:
    """Write the card beside the weights."""
    write_card(run.report, render_fusion_card(run))


def render_fusion_card(run: FusionRun) -> str:
    """The card as Markdown."""
    parts = [
        f"# Model card: {run.report.files.weights.name}",
        f"A fusion of picture and text for shopsearch, method `{run.report.method}`, for the "
        f"embeddings of `{run.encoder_id}`. Made by `shopsearch train fusion`.",
        "## Learned from",
        sources_table(run.catalogs, "products"),
        "## How",
        _how(run),
        "## Epochs",
        figures_table(
            "nDCG@10",
            [(epoch.number, epoch.loss, epoch.ndcg_at_10) for epoch in run.report.epochs],
        ),
        "## Products that were looked at once",
        _cells(run.report),
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def _how(run: FusionRun) -> str:
    report, recipe = run.report, run.recipe
    lines = [
        f"- Objective {recipe.objective.value}, seed {recipe.seed}, {len(report.epochs) - 1} of "
        f"at most {recipe.epochs} epochs, the weights of epoch {report.best_epoch} kept.",
        f"- {report.n_held_out:,} products held out to know when to stop; titles are in one part "
        "only.",
        f"- {report.n_rejected:,} products of the feeds could not be used.",
    ]
    if report.n_guessed:
        lines.append(f"- {report.n_guessed:,} missing labels guessed from products like them.")
    if report.best_epoch == 0:
        lines.append("- No epoch was better than the untrained baseline: these weights are it.")
    return "\n".join([*lines, *run_lines(report)])


def _cells(report: FusionReport) -> str:
    if not report.test:
        return "There were none."
    rows = ["| queries | products | nDCG@10 | queries |", "|---|---|---|---|"]
    for cell in report.test:
        rows.append(
            f"| {cell.way.value} | {cell.state} | {cell.ndcg_at_10:.3f} | {cell.n_queries:,} |"
        )
    return "\n".join(rows)
