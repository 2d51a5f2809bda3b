"""What every training run leaves behind: its files, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shopsearch.training.effort import Effort


@dataclass(frozen=True, slots=True)
class RunFiles:
    """Where a run writes: the weights, and beside them, under their name, what tells of them."""

    weights: Path

    @property
    def curves(self) -> Path:
        """Loss and the figure that counts by epoch, PNG."""
        return self.weights.with_suffix(".png")

    @property
    def card(self) -> Path:
        """The model card, Markdown."""
        return self.weights.with_suffix(".md")

    @property
    def state(self) -> Path:
        """The run after its last epoch, where it can be resumed; gone when it is over."""
        return self.weights.with_suffix(".state")

    @property
    def cache(self) -> Path:
        """Features and embeddings, so that another run starts at once."""
        return self.weights.parent / "feature-cache"

    def as_json(self) -> dict[str, str]:
        """What is there after a run, as `--json` prints it."""
        return {
            "weights": str(self.weights),
            "curves": str(self.curves),
            "card": str(self.card),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What a run came to, whatever it trained."""

    files: RunFiles
    epochs: Sequence[Any]  # dataclasses, in their order
    best_epoch: int  # whose weights were kept
    interrupted: bool
    effort: Effort

    def figures(self) -> dict[str, Any]:
        """What this kind of training measured, as `--json` prints it."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        """Everything, as `--json` prints it."""
        return {
            **self.files.as_json(),
            **self.figures(),
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "best_epoch": self.best_epoch,
            "interrupted": self.interrupted,
            **self.effort.as_json(),
        }
