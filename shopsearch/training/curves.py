"""Loss and recall over the epochs, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TrainingError(
            "the curves of the training need matplotlib; run: pip install 'shopsearch[train]'"
        ) from error
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    numbers = [epoch.number for epoch in epochs]
    left.plot(numbers, [epoch.loss for epoch in epochs], color="tab:blue", label="loss")
    left.set_xlabel("epoch")
    left.set_ylabel("loss (InfoNCE)", color="tab:blue")
    recalls = [epoch.recall_at_10 for epoch in epochs]
    if any(recall is not None for recall in recalls):
        right = left.twinx()
        right.plot(numbers, [r if r is not None else float("nan") for r in recalls], "tab:orange")
        right.set_ylabel("recall@10, held out", color="tab:orange")
    figure.savefig(path, dpi=120)
