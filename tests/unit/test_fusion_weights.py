"""The files of learned fusions: what they tell, and what happens when one does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from shopsearch.domain import ModalityEmbeddings
from shopsearch.errors import FusionMismatch, FusionUnavailable
from shopsearch.fusion import LazyFusion
from shopsearch.fusion.attention import Attention
from shopsearch.fusion.average import AverageFusion
from shopsearch.fusion.card import read_card, weights_file, weights_id
from shopsearch.fusion.learned import LearnedFusion, load_module, save_module
from shopsearch.fusion.methods import METHODS, new_module
from shopsearch.fusion.module import Sizes

D = 12
SMALL = Sizes(rank=4, groups=3)


def items(n: int = 5, dimension: int = D) -> ModalityEmbeddings:
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((2, n, dimension)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    yes = np.ones(n, dtype=bool)
    return ModalityEmbeddings(rows[0], rows[1], yes, yes)


def half(n: int = 5) -> np.ndarray:
    return np.full(n, 0.5, dtype=np.float32)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    module = new_module("gated", D, SMALL)
    with torch.no_grad():
        module.get_parameter("residual.out.weight").normal_()
    save_module(module, "compact-1", tmp_path / "gated.safetensors")
    return tmp_path / "gated.safetensors"


@pytest.mark.parametrize("method", METHODS)
def test_what_is_saved_is_loaded_again(method: str, tmp_path: Path):
    torch.manual_seed(2)
    module = new_module(method, D, SMALL)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    path = tmp_path / "fusion.safetensors"
    save_module(module, "compact-1", path)
    before = LearnedFusion(module, "before").fuse(items(), half())
    np.testing.assert_allclose(LearnedFusion.load(path).fuse(items(), half()), before, atol=1e-6)
    assert read_card(path).method == method


def test_the_same_weights_have_the_same_id_and_others_another(saved: Path, tmp_path: Path):
    save_module(load_module(saved), "compact-1", tmp_path / "again.safetensors")
    assert weights_id(tmp_path / "again.safetensors") == weights_id(saved)
    assert weights_id(saved).startswith("gated-")
    module = load_module(saved)
    with torch.no_grad():
        module.no_text += 1
    save_module(module, "compact-1", tmp_path / "other.safetensors")
    assert weights_id(tmp_path / "other.safetensors") != weights_id(saved)


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path: Path):
    with pytest.raises(FusionUnavailable, match=r"no fusion weights at .*shopsearch train fusion"):
        read_card(tmp_path / "nowhere.safetensors")


def test_a_name_that_nothing_ships_under_is_told_with_the_names_there_are():
    with pytest.raises(FusionUnavailable, match=r"'magic' is no file.*choose from auto, average"):
        weights_file("magic")


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\x10" + b"\0" * 40])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes):
    path = tmp_path / "fusion.safetensors"
    path.write_bytes(content)
    with pytest.raises(FusionUnavailable, match="holds no fusion weights"):
        LearnedFusion.load(path)


def test_weights_of_another_kind_are_refused(tmp_path: Path):
    path = tmp_path / "head.safetensors"
    safetensors.torch.save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(FusionUnavailable, match="its format is not"):
        read_card(path)


def test_weights_that_are_no_numbers_are_refused(saved: Path):
    module = load_module(saved)
    with torch.no_grad():
        module.no_image[0] = torch.nan
    save_module(module, "compact-1", saved)
    with pytest.raises(FusionUnavailable, match="no numbers"):
        load_module(saved)


def test_weights_for_another_encoder_are_told_with_both_ids(saved: Path):
    with pytest.raises(FusionMismatch, match=r"'compact-1'.*'compact-2'.*train fusion"):
        read_card(saved).check("compact-2", saved)
    read_card(saved).check("compact-1", saved)


def test_embeddings_of_another_length_are_told(saved: Path):
    fusion = LearnedFusion.load(saved)
    with pytest.raises(FusionMismatch, match="takes embeddings of 12 dimensions, but was given 8"):
        fusion.fuse(items(dimension=8), half())
    with pytest.raises(FusionMismatch, match="given 8"):
        fusion.output_dimension(8)


def test_many_rows_are_fused_as_few_are(saved: Path):
    fusion = LearnedFusion.load(saved)
    many = items(5000)
    rows = fusion.fuse(many, half(5000))
    last = ModalityEmbeddings(
        many.image[-1:], many.text[-1:], many.has_image[-1:], many.has_text[-1:]
    )
    np.testing.assert_allclose(rows[-1:], fusion.fuse(last, half(1)), atol=1e-6)


def test_a_lazy_fusion_is_built_once_and_by_its_first_use():
    built = []

    def build() -> AverageFusion:
        built.append(1)
        return AverageFusion()

    lazy = LazyFusion("average", build)
    assert lazy.fusion_id == "average"
    assert not built
    assert lazy.output_dimension(D) == D
    lazy.fuse(items(), half())
    assert built == [1]


def test_several_images_of_a_product_weigh_as_one():
    torch.manual_seed(0)
    attention = Attention(D, Sizes(rank=8))
    image, text = torch.randn(2, D)
    kinds = torch.tensor([0, 0, 0, 1])
    tokens = torch.stack([image, image, image, text])[None]
    several = attention.pooled(tokens, torch.ones(1, 4, dtype=torch.bool), kinds)
    torch.testing.assert_close(several[0], 0.5 * (image + text))


def test_a_masked_image_of_a_product_changes_nothing():
    torch.manual_seed(0)
    attention = Attention(D, Sizes(rank=8))
    with torch.no_grad():
        attention.out.weight.normal_()
        attention.weigh.weight.normal_()
    tokens = torch.randn(1, 3, D)
    other = tokens.clone()
    other[0, 1] = torch.randn(D)
    kinds, present = torch.tensor([0, 0, 1]), torch.tensor([[True, False, True]])
    torch.testing.assert_close(
        attention.pooled(tokens, present, kinds), attention.pooled(other, present, kinds)
    )
