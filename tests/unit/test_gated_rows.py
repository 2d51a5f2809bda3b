"""The gated fusion without torch: the vectors that torch makes of the same weights."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from shopsearch.domain import ModalityEmbeddings
from shopsearch.errors import FusionMismatch, FusionUnavailable
from shopsearch.fusion.card import FusionCard, default_weights, read_card
from shopsearch.fusion.gated_rows import GatedRows
from shopsearch.fusion.learned import LearnedFusion, save_module, write_weights
from shopsearch.fusion.methods import new_module
from shopsearch.fusion.module import Sizes

SMALL = Sizes(rank=8, groups=5, image_landmarks=3, text_landmarks=2)  # 5 groups of 18: one smaller


def items(dimension: int, n: int, like: np.ndarray | None = None) -> ModalityEmbeddings:
    """Random items of all kinds; every second one lies near a landmark."""
    chance = np.random.default_rng(5)
    image, text = chance.standard_normal((2, n, dimension)).astype(np.float32)
    if like is not None:
        image[::2] = like[0] + 0.02 * image[::2]
        text[::2] = like[0] + 0.02 * text[::2]
    kinds = np.arange(n) % 3
    has_image, has_text = kinds != 1, kinds != 2
    return ModalityEmbeddings(
        unit(image) * has_image[:, None], unit(text) * has_text[:, None], has_image, has_text
    )


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def small_weights(path: Path) -> Path:
    """A module whose every weight has moved, landmarks included."""
    torch.manual_seed(3)
    module = new_module("gated", 18, SMALL)
    with torch.no_grad():
        for weight in module.state_dict().values():
            weight.add_(torch.randn_like(weight), alpha=0.3)
        for landmarks in (module.familiarity.image_landmarks, module.familiarity.text_landmarks):
            landmarks.copy_(torch.nn.functional.normalize(torch.randn_like(landmarks), dim=1))
    save_module(module, "any", path)
    return path


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_small_weights_give_the_vectors_of_torch(tmp_path: Path, weight: float):
    path = small_weights(tmp_path / "gated.safetensors")
    ours, theirs = GatedRows.load(path), LearnedFusion.load(path)
    given = items(18, 30, theirs._module.familiarity.image_landmarks.numpy())
    share = np.full(30, weight, dtype=np.float32)
    np.testing.assert_allclose(ours.fuse(given, share), theirs.fuse(given, share), atol=1e-6)
    assert ours.fusion_id == theirs.fusion_id


def test_the_shipped_weights_give_the_vectors_of_torch():
    path = default_weights()
    assert path is not None
    ours, theirs = GatedRows.load(path), LearnedFusion.load(path)
    given = items(read_card(path).dimension, 60, theirs._module.familiarity.image_landmarks.numpy())
    share = np.linspace(0, 1, 60, dtype=np.float32)
    np.testing.assert_allclose(ours.fuse(given, share), theirs.fuse(given, share), atol=1e-6)


def test_a_file_without_all_its_weights_is_refused(tmp_path: Path):
    card = FusionCard(method="gated", dimension=18, encoder_id="any", sizes=asdict(SMALL))
    write_weights({"no_image": torch.zeros(18)}, card, tmp_path / "gated.safetensors")
    with pytest.raises(FusionUnavailable, match=r"other names or shapes.*train fusion"):
        GatedRows.load(tmp_path / "gated.safetensors")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path):
    module = new_module("gated", 18, SMALL)
    with torch.no_grad():
        module.no_text[0] = torch.nan
    save_module(module, "any", tmp_path / "gated.safetensors")
    with pytest.raises(FusionUnavailable, match="no numbers"):
        GatedRows.load(tmp_path / "gated.safetensors")


def test_embeddings_of_another_encoder_are_refused(tmp_path: Path):
    fusion = GatedRows.load(small_weights(tmp_path / "gated.safetensors"))
    with pytest.raises(FusionMismatch, match="takes embeddings of 18"):
        fusion.output_dimension(20)
    with pytest.raises(FusionMismatch, match="was given 20"):
        fusion.fuse(items(20, 3), np.full(3, 0.5, dtype=np.float32))


def test_fusing_with_the_shipped_weights_loads_no_torch():
    code = (
        "import sys; from shopsearch.adapters import fusion_of;"
        "from shopsearch.fusion.card import default_weights, read_card;"
        "encoder_id = read_card(default_weights()).encoder_id;"
        "fusion = fusion_of('auto', encoder_id);"
        "assert fusion.output_dimension(read_card(default_weights()).dimension);"
        "assert fusion.fusion_id.startswith('gated-');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
