"""What the epochs of a fusion came to, as a picture and as TensorBoard events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shopsearch.training.curves import draw_loss_and


@dataclass(frozen=True, slots=True)
class FusionEpoch:
    """What one pass over the products came to; epoch 0 is the untrained baseline."""

    number: int
    loss: float | None  # None of the baseline
    ndcg_at_10: float | None  # of the held-out products; None where there are none
    seconds: float


def draw_fusion_curves(epochs: Sequence[FusionEpoch], path: Path) -> None:
    """Write the curves as PNG. Raises `TrainingError` where matplotlib is not installed."""
    draw_loss_and(
        "nDCG@10, held out",
        [epoch.number for epoch in epochs],
        [epoch.loss for epoch in epochs],
        [epoch.ndcg_at_10 for epoch in epochs],
        path,
    )


@contextmanager
def event_writer(folder: Path) -> Iterator[Callable[[FusionEpoch], None]]:
    """What writes an epoch as TensorBoard events; nothing where tensorboard is not installed."""
    if find_spec("tensorboard") is None:
        yield lambda epoch: None  # noqa: ARG005 - nobody looks at it
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(folder) as events:

        def write(epoch: FusionEpoch) -> None:
            for name, value in (("loss", epoch.loss), ("ndcg@10", epoch.ndcg_at_10)):
                if value is not None:
                    events.add_scalar(name, value, epoch.number)
            events.flush()

        yield write
