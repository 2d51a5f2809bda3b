"""A learned fusion in use: a trained module behind the `Fusion` port, and its file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from shopsearch.domain import ModalityEmbeddings
from shopsearch.errors import FusionUnavailable
from shopsearch.fusion.card import (
    ABOUT,
    FORMAT,
    REMEDY,
    FusionCard,
    check_dimension,
    read_card,
    weights_id,
)
from shopsearch.fusion.methods import new_module
from shopsearch.fusion.module import FusionModule, Items, Sizes

_ROWS_AT_ONCE = 4096
_SMALL = 4096  # tensors of fewer weights stay in full precision


class LearnedFusion:
    """Fuses with a trained module."""

    def __init__(self, module: FusionModule, fusion_id: str) -> None:
        self._module = module.eval().requires_grad_(False)
        self._fusion_id = fusion_id

    @classmethod
    def load(cls, path: Path) -> Self:
        """The fusion of a file. Raises `FusionUnavailable`."""
        return cls(load_module(path), weights_id(path))

    @property
    def fusion_id(self) -> str:
        """See `Fusion.fusion_id`."""
        return self._fusion_id

    def output_dimension(self, input_dimension: int) -> int:
        """See `Fusion.output_dimension`. Raises `FusionMismatch`."""
        check_dimension(self._fusion_id, self._module.dimension, input_dimension)
        return self._module.output_dimension

    @torch.inference_mode()
    def fuse(
        self, embeddings: ModalityEmbeddings, text_weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Fusion.fuse`. Raises `FusionMismatch`."""
        if not np.all(embeddings.has_image | embeddings.has_text):
            raise ValueError("an item with neither image nor text cannot be fused")
        n_items = len(text_weight)
        if n_items:
            width = embeddings.image.shape[1]
            check_dimension(self._fusion_id, self._module.dimension, width)
        rows = np.zeros((n_items, self._module.output_dimension), dtype=np.float32)
        for start in range(0, n_items, _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            weight = torch.tensor(text_weight[some], dtype=torch.float32)
            rows[some] = self._module(as_items(embeddings, some), weight).numpy()
        return rows


def as_items(embeddings: ModalityEmbeddings, some: slice = slice(None)) -> Items:
    """Embeddings as tensors of their own."""
    return Items(
        image=torch.tensor(embeddings.image[some]),
        text=torch.tensor(embeddings.text[some]),
        has_image=_column(embeddings.has_image[some]),
        has_text=_column(embeddings.has_text[some]),
    )


def save_module(module: FusionModule, encoder_id: str, path: Path) -> None:
    """Write weights and card; whoever reads sees the old file or the new one."""
    card = FusionCard(
        method=module.method,
        dimension=module.dimension,
        encoder_id=encoder_id,
        sizes=asdict(module.sizes),
    )
    write_weights(module.state_dict(), card, path)


def write_weights(weights: Mapping[str, Tensor], card: FusionCard, path: Path) -> None:
    """Write tensors with their card; whoever reads sees the old file or the new one."""
    tensors = {name: _at_rest(weight) for name, weight in weights.items()}
    # one entry: safetensors writes several in any order, and the same weights have one hash
    about = json.dumps({"format": FORMAT, **asdict(card)})
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(safetensors.torch.save(tensors, {ABOUT: about}))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load_module(path: Path) -> FusionModule:
    """A module as it was saved. Raises `FusionUnavailable`."""
    card = read_card(path)
    try:
        module = new_module(card.method, card.dimension, Sizes(**card.sizes))
        weights = safetensors.torch.load_file(path)
        module.load_state_dict({name: weight.float() for name, weight in weights.items()})
        if not all(bool(torch.isfinite(weight).all()) for weight in weights.values()):
            raise ValueError("it holds weights that are no numbers")
    except (OSError, TypeError, KeyError, ValueError, RuntimeError) as error:
        raise FusionUnavailable(f"{path} holds no fusion weights ({error}); {REMEDY}") from error
    except safetensors.SafetensorError as error:
        raise FusionUnavailable(f"{path} holds no fusion weights ({error}); {REMEDY}") from error
    return module


def _at_rest(weight: Tensor) -> Tensor:
    """Half the precision is enough for large matrices, and half the size."""
    weight = weight.detach().contiguous()
    return weight if weight.numel() < _SMALL else weight.half()


def _column(flags: NDArray[np.bool_]) -> Tensor:
    return torch.tensor(flags, dtype=torch.float32)[:, None]  # (B, 1)
