"""A training run on disk after each epoch, so that a run that was stopped can be taken up again.

The state is one safetensors file beside the weights; it is gone when the run is over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from shopsearch.errors import TrainingError
from shopsearch.training.fusion_curves import FusionEpoch
from shopsearch.training.fusion_learning import FusionCourse, FusionRecipe

_ABOUT = "shopsearch"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    epochs: Sequence[FusionEpoch]
    best_epoch: int
    best: float
    best_state: Mapping[str, Tensor]


class FusionState:
    """Keeps a run at a path, and takes it up again."""

    def __init__(self, path: Path, recipe: FusionRecipe, taught_by: str) -> None:
        self._path = path
        self._made_with = json.dumps([asdict(recipe), taught_by], sort_keys=True)

    @property
    def events(self) -> Path:
        """Where TensorBoard events go, beside it."""
        return self._path.with_suffix(".events")

    def keep(self, course: FusionCourse, progress: Progress) -> None:
        """Write the state of a run; whoever reads sees the old file or the new one."""
        about = {
            "made_with": self._made_with,
            "epochs": [asdict(epoch) for epoch in progress.epochs],
            "best_epoch": progress.best_epoch,
            "best": progress.best,
            "step": course.step,
        }
        tensors = {**_named(course), **_prefixed("best", progress.best_state)}
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(
            safetensors.torch.save(
                {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()},
                {_ABOUT: json.dumps(about)},
            )
        )
        beside.replace(self._path)

    def take_up(self, course: FusionCourse) -> Progress:
        """Bring a course to where the run was stopped. Raises `TrainingError`."""
        if not self._path.is_file():
            raise TrainingError(
                f"there is no run to resume at {self._path}; leave --resume out to begin one"
            )
        try:
            with safetensors.safe_open(self._path, framework="pt") as file:
                about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            tensors = safetensors.torch.load_file(self._path)
        except (OSError, ValueError, safetensors.SafetensorError) as error:
            raise TrainingError(
                f"{self._path} cannot be read ({error}); delete it, and begin without --resume"
            ) from error
        if about.get("made_with") != self._made_with:
            raise TrainingError(
                f"the run at {self._path} was begun with other catalogs or options; repeat those, "
                "or delete it, and begin without --resume"
            )
        _restore(course, tensors)
        course.step = about["step"]
        epochs = [FusionEpoch(**epoch) for epoch in about["epochs"]]
        return Progress(epochs, about["best_epoch"], about["best"], _under("best", tensors))

    def drop(self) -> None:
        """The run is over."""
        self._path.unlink(missing_ok=True)


def _named(course: FusionCourse) -> dict[str, Tensor]:
    moments = {
        f"{number}.{name}": value
        for number, state in course.optimizer.state_dict()["state"].items()
        for name, value in state.items()
    }
    return {
        **_prefixed("module", course.module.state_dict()),
        **_prefixed("average", course.average.model.state_dict()),
        **_prefixed("optimizer", moments),
        "sharpness": course.sharpness,
        "average_steps": torch.tensor(course.average.steps),
        "generator": course.generator.get_state(),
    }


def _restore(course: FusionCourse, tensors: Mapping[str, Tensor]) -> None:
    course.module.load_state_dict(_under("module", tensors))
    course.average.model.load_state_dict(_under("average", tensors))
    course.average.steps = int(tensors["average_steps"])
    state = course.optimizer.state_dict()
    for name, value in _under("optimizer", tensors).items():
        number, _, moment = name.partition(".")
        state["state"].setdefault(int(number), {})[moment] = value
    course.optimizer.load_state_dict(state)
    with torch.no_grad():
        course.sharpness.copy_(tensors["sharpness"])
    course.generator.set_state(tensors["generator"])


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}
