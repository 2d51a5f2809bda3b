"""The model card of a trained ranking: what it was made from, reaches and cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shopsearch.preprocessing.atomic import write_atomically
from shopsearch.training.effort import Effort
from shopsearch.training.ranking import Learned, Recipe

_LIMITS = """\
- It weighs what one catalog's words and vectors say for the queries that were judged; other queries
  may want other weights.
- Some dozens of queries carry a dozen weights: see how wide the interval is before you trust it."""


@dataclass(frozen=True, slots=True)
class RankingRun:
    """What the card tells of a run."""

    weights: Path
    learned: Learned
    recipe: Recipe
    story: Mapping[str, object]  # where the weights come from
    effort: Effort

    @property
    def card(self) -> Path:
        """The model card, Markdown, beside the weights."""
        return self.weights.with_suffix(".md")


def write_ranking_card(run: RankingRun) -> None:
    """Write the card beside the weights, whole or not at all."""
    write_atomically(run.card, render_ranking_card(run).encode())


def render_ranking_card(run: RankingRun) -> str:
    """The card as Markdown."""
    parts = [
        f"# Model card: {run.weights.name}",
        "Weights of the second stage of shopsearch: they rank what words and vectors found. Made "
        "by `shopsearch train ranking`.",
        "## Learned from",
        f"{run.story['trained_on']}; encoder `{run.story['encoder']}`, fusion "
        f"`{run.story['fusion']}`.",
        "## How",
        f"- Seed {run.recipe.seed}; {run.recipe.repeats} cross-validations of "
        f"{run.recipe.folds} folds over queries measured.\n- It took {run.effort}.",
        "## Figures",
        _figures(run.learned),
        "## Weights",
        _weights(run.learned),
        "## Limits",
        _LIMITS,
    ]
    return "\n\n".join(parts) + "\n"


def _figures(learned: Learned) -> str:
    return "\n".join(
        [
            "nDCG@10, each query ranked by weights that have not seen it:",
            "",
            "| order | nDCG@10 | 95 % interval |",
            "|---|---|---|",
            f"| trained | {learned.ndcg:.4f} | {learned.interval.low:.4f} to "
            f"{learned.interval.high:.4f} |",
            f"| vectors alone | {learned.ndcg_by_cosine:.4f} | |",
            f"| difference | {learned.ndcg - learned.ndcg_by_cosine:+.4f} | "
            f"{learned.gain.low:+.4f} to {learned.gain.high:+.4f} |",
        ]
    )


def _weights(learned: Learned) -> str:
    rows = ["| feature | weight, in units of the cosine's |", "|---|---|"]
    ordered = sorted(learned.ranker.weights.items(), key=lambda pair: -abs(pair[1]))
    return "\n".join([*rows, *(f"| {name} | {weight:+.3f} |" for name, weight in ordered)])
