"""From a network's last map to the regions of a picture."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
import torch
from PIL import Image

from shopsearch.encoders.compact_inputs import fit_to_square
from shopsearch.encoders.compact_towers import view_of
from shopsearch.encoders.openclip_regions import last_map, seen_of
from shopsearch.encoders.regions import WHOLE, View, over_picture, positive_evidence
from shopsearch.errors import RegionsUnavailable


def test_of_an_average_and_a_linear_layer_the_evidence_is_what_each_place_adds() -> None:
    activation = torch.randn(1, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.randn(5, generator=torch.Generator().manual_seed(1))
    leaf = activation.clone().requires_grad_()
    score = leaf.mean(dim=(2, 3))[0] @ weights

    evidence = positive_evidence(score, leaf)

    added = np.einsum("chw,c->hw", activation[0].numpy(), weights.numpy()) / 12
    assert (added < 0).any()
    np.testing.assert_allclose(evidence, added.clip(min=0), atol=1e-6)


def test_a_map_of_the_whole_picture_is_only_scaled() -> None:
    evidence = np.array([[0.0, 2.0], [4.0, 1.0]], dtype=np.float32)

    np.testing.assert_allclose(over_picture(evidence, WHOLE), evidence / 4)


def test_without_evidence_there_is_no_relevance() -> None:
    assert not over_picture(np.zeros((7, 7), dtype=np.float32), WHOLE).any()


def test_evidence_in_the_margins_alone_is_none() -> None:
    evidence = np.zeros((8, 8), dtype=np.float32)
    evidence[0], evidence[-1] = 5.0, 3.0

    relevance = over_picture(evidence, View.centred(1.0, 2.0))

    assert relevance.shape == (4, 8)
    assert not relevance.any()


def test_what_was_cropped_off_has_no_relevance() -> None:
    relevance = over_picture(np.ones((6, 6), dtype=np.float32), View.centred(0.5, 1.0))

    assert relevance.shape == (6, 12)
    np.testing.assert_array_equal(relevance[:, 3:9], 1.0)
    assert relevance.sum() == 36


@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 9), (5, 3)])
def test_a_place_stays_where_it_is_in_a_padded_view(row: int, column: int) -> None:
    evidence = np.zeros((10, 10), dtype=np.float32)
    evidence[row + 2, column] = 1.0  # two rows of margin above, two below

    relevance = over_picture(evidence, View.centred(1.0, 10 / 6))

    assert np.unravel_index(relevance.argmax(), relevance.shape) == (row, column)


@pytest.mark.parametrize("size", [(300, 300), (400, 300), (300, 450), (600, 200), (100, 512)])
def test_the_view_of_the_compact_tower_is_where_it_puts_the_picture(size: tuple[int, int]) -> None:
    square = np.asarray(fit_to_square(Image.new("RGB", size, "black")).convert("L"))
    dark = np.argwhere(square < 128)
    top, left = dark.min(axis=0) / len(square)
    bottom, right = (dark.max(axis=0) + 1) / len(square)

    view = view_of(Image.new("RGB", size))

    seen = [(0 - view.left) / (view.right - view.left), (1 - view.left) / (view.right - view.left)]
    np.testing.assert_allclose(seen, [left, right], atol=0.01)
    seen = [(0 - view.top) / (view.bottom - view.top), (1 - view.top) / (view.bottom - view.top)]
    np.testing.assert_allclose(seen, [top, bottom], atol=0.01)


def test_a_tower_that_crops_sees_the_middle_and_one_that_pads_sees_all() -> None:
    cropped = seen_of((400, 200), (224, 224), is_cropped=True)
    padded = seen_of((400, 200), (224, 224), is_cropped=False)

    assert astuple(cropped) == pytest.approx((0.25, 0.0, 0.75, 1.0))
    assert astuple(padded) == pytest.approx((0.0, -0.5, 1.0, 1.5))


def test_a_tower_of_an_unknown_kind_is_told() -> None:
    tower = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4))

    with last_map(tower, 1.0) as last:
        tower(torch.zeros(1, 3, 2, 2))
    with pytest.raises(RegionsUnavailable, match="no last map of a known kind"):
        _ = last.taken


def test_watching_a_tower_leaves_no_hook_behind() -> None:
    tower = torch.nn.Module()
    tower.layer4 = torch.nn.Conv2d(3, 2, 1)

    with last_map(tower, 1.0) as last:
        tower.layer4(torch.zeros(1, 3, 2, 2))
        first = last.taken
    tower.layer4(torch.zeros(1, 3, 2, 2))

    assert last.taken is first
    assert not tower.layer4._forward_hooks
