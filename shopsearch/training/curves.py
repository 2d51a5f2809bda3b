"""Loss and recall over the epochs, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shopsearch.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the pairs came to."""

    number: int  # 1 is the first
    loss: float
    recall_at_10: float | None  # of the held-out pairs; None where there are none
    seconds: float


def draw_curves(epochs: Sequence[Epoch], path: Path) -> None:
    """Write the curves as PNG. Raises `TrainingError` where matplotlib is not installed."""
    draw_loss_and(
        "recall@10, held out",
        [epoch.number for epoch in epochs],
        [epoch.loss for epoch in epochs],
        [epoch.recall_at_10 for epoch in epochs],
        path,
    )


def check_drawing() -> None:
    """Raises `TrainingError` where matplotlib is not installed; to ask before a run begins."""
    if find_spec("matplotlib") is None:
        raise TrainingError(
            "the curves of the training need matplotlib; run: pip install 'shopsearch[train]'"
        )


def draw_loss_and(
    figure_name: str,
    numbers: Sequence[int],
    losses: Sequence[float | None],
    figures: Sequence[float | None],
    path: Path,
) -> None:
    """Losses and another figure by epoch, as PNG; what is None is left out.

    Raises `TrainingError` where matplotlib is not installed.
    """
    check_drawing()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    left.plot(numbers, _drawable(losses), color="tab:blue", label="loss")
    left.set_xlabel("epoch")
    left.set_ylabel("loss (InfoNCE)", color="tab:blue")
    if any(value is not None for value in figures):
        right = left.twinx()
        right.plot(numbers, _drawable(figures), "tab:orange")
        right.set_ylabel(figure_name, color="tab:orange")
    figure.savefig(path, dpi=120)


def _drawable(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
