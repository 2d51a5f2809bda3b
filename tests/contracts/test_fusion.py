"""What every fusion promises, over all of them."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsearch.domain import ModalityEmbeddings
from shopsearch.fusion import Fusion
from shopsearch.fusion.average import AverageFusion
from shopsearch.fusion.card import FusionCard
from shopsearch.fusion.gated_rows import GatedRows
from shopsearch.fusion.learned import LearnedFusion, as_items
from shopsearch.fusion.methods import METHODS, new_module
from shopsearch.fusion.module import FusionModule, Sizes

D = 16
SIZES = {name: Sizes(rank=8, groups=4) for name in METHODS} | {
    "weighted-sum-per-dimension": Sizes(per_dimension=True)
}


def module(name: str) -> FusionModule:
    torch.manual_seed(7)
    return new_module(name.removesuffix("-per-dimension"), D, SIZES[name])


def fresh(name: str) -> Fusion:
    """A method before any training."""
    return LearnedFusion(module(name), f"{name}-fresh")


def shaken(name: str) -> Fusion:
    """A method whose every weight has moved, as training moves it."""
    moved = module(name)
    with torch.no_grad():
        for weight in moved.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    return LearnedFusion(moved, f"{name}-shaken")


def in_numpy(name: str) -> Fusion:
    """The shaken weights of a method, in use without torch."""
    moved = shaken(name)._module
    card = FusionCard(
        method=name, dimension=D, encoder_id="any", sizes=dataclasses.asdict(moved.sizes)
    )
    weights = {key: weight.numpy() for key, weight in moved.state_dict().items()}
    return GatedRows(card, weights, f"{name}-numpy")


def maker(make: Callable[[str], Fusion], name: str) -> Callable[[], Fusion]:
    return lambda: make(name)


FUSIONS: dict[str, Callable[[], Fusion]] = {
    "average": AverageFusion,
    **{f"{name} fresh": maker(fresh, name) for name in SIZES},
    **{f"{name} shaken": maker(shaken, name) for name in SIZES},
    "gated in numpy": maker(in_numpy, "gated"),
}


@pytest.fixture(params=FUSIONS)
def fusion(request) -> Fusion:
    return FUSIONS[request.param]()


def unit_rows(n: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, D))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def embeddings(has_image: list[bool], has_text: list[bool], seed: int = 0) -> ModalityEmbeddings:
    """Random unit rows; zero where the modality is missing."""
    image, text = np.array(has_image, dtype=bool), np.array(has_text, dtype=bool)
    return ModalityEmbeddings(
        image=unit_rows(len(image), seed) * image[:, None],
        text=unit_rows(len(text), seed + 1) * text[:, None],
        has_image=image,
        has_text=text,
    )


def weights(n: int, weight: float = 0.5) -> np.ndarray:
    return np.full(n, weight, dtype=np.float32)


KINDS = embeddings([True, True, False], [True, False, True])  # both, image alone, text alone


def test_every_kind_of_item_becomes_a_unit_row_of_the_promised_length(fusion: Fusion):
    rows = fusion.fuse(KINDS, weights(3))
    assert rows.dtype == np.float32
    assert rows.shape == (3, fusion.output_dimension(D))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_no_items_become_no_rows(fusion: Fusion):
    rows = fusion.fuse(embeddings([], []), weights(0))
    assert rows.shape == (0, fusion.output_dimension(D))
    assert rows.dtype == np.float32


def test_each_row_depends_on_its_own_item_alone(fusion: Fusion):
    mixed = embeddings([True, False, True, True], [True, True, False, True])
    shares = np.array([0.2, 0.5, 0.9, 0.7], dtype=np.float32)
    together = fusion.fuse(mixed, shares)
    for n in range(4):
        alone = ModalityEmbeddings(
            *(
                part[n : n + 1]
                for part in (mixed.image, mixed.text, mixed.has_image, mixed.has_text)
            )
        )
        np.testing.assert_allclose(fusion.fuse(alone, shares[n : n + 1])[0], together[n], atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_an_item_of_one_modality_does_not_care_for_the_weight(fusion: Fusion, weight: float):
    lone = embeddings([True, False], [False, True])
    np.testing.assert_allclose(
        fusion.fuse(lone, weights(2, weight)), fusion.fuse(lone, weights(2)), atol=1e-6
    )


def test_more_weight_of_the_text_moves_the_vector_towards_the_text(fusion: Fusion):
    both = embeddings([True], [True])
    words = ModalityEmbeddings(
        np.zeros_like(both.image), both.text, np.array([False]), np.array([True])
    )
    alone = fusion.fuse(words, weights(1))[0]
    nearness = [
        float(fusion.fuse(both, weights(1, w))[0] @ alone) for w in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert nearness == sorted(nearness)
    assert nearness[-1] > nearness[0] + 0.1


def test_all_the_weight_on_one_modality_gives_that_modality_alone(fusion: Fusion):
    both = embeddings([True], [True])
    nothing, no, yes = np.zeros_like(both.image), np.array([False]), np.array([True])
    image = ModalityEmbeddings(both.image, nothing, yes, no)
    text = ModalityEmbeddings(nothing, both.text, no, yes)
    for weight, alone in ((0.0, image), (1.0, text)):
        np.testing.assert_allclose(
            fusion.fuse(both, weights(1, weight)), fusion.fuse(alone, weights(1)), atol=1e-5
        )


def test_image_and_text_that_cancel_out_still_give_a_unit_row(fusion: Fusion):
    image = unit_rows(1, 3)
    opposed = ModalityEmbeddings(image, -image, np.array([True]), np.array([True]))
    rows = fusion.fuse(opposed, weights(1))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)


def test_an_item_of_neither_modality_is_refused(fusion: Fusion):
    with pytest.raises(ValueError, match="neither image nor text"):
        fusion.fuse(embeddings([True, False], [True, False]), weights(2))


def test_nothing_given_is_changed(fusion: Fusion):
    given_to = embeddings([True, True, False], [True, False, True])
    before = [given_to.image.copy(), given_to.text.copy()]
    shares = weights(3, 0.4)
    fusion.fuse(given_to, shares)[:] = 0.0
    np.testing.assert_array_equal(given_to.image, before[0])
    np.testing.assert_array_equal(given_to.text, before[1])
    np.testing.assert_array_equal(shares, weights(3, 0.4))


def test_each_has_an_id_of_its_own():
    ids = [make().fusion_id for make in FUSIONS.values()]
    assert all(ids)
    assert len(set(ids)) == len(ids)


def as_average(name: str, items: ModalityEmbeddings, weight: np.ndarray) -> np.ndarray:
    """What the simple baseline makes of items: the average; for late, the scores side by side."""
    if name != "late":
        return AverageFusion().fuse(items, weight)
    w = weight[:, None]
    image, text = items.image, items.text
    first = np.where(items.has_image[:, None], image, text)
    second = np.where(items.has_text[:, None], text, image)
    both = (items.has_image & items.has_text)[:, None]
    lean, share = np.where(w < 0.5, image, text), np.abs(2 * w - 1) * both
    rows = np.concatenate([(1 - share) * part + 2 * share * lean for part in (first, second)], 1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_every_learned_method_starts_equal_to_its_simple_baseline(name: str, weight: float):
    items = embeddings([True, True, False, True], [True, False, True, True])
    started = fresh(name).fuse(items, weights(4, weight))
    np.testing.assert_allclose(started, as_average(name, items, weights(4, weight)), atol=1e-6)


@pytest.mark.parametrize("name", SIZES)
def test_the_same_item_gives_the_same_row_each_time(name: str):
    fusion = shaken(name)
    np.testing.assert_array_equal(fusion.fuse(KINDS, weights(3)), fusion.fuse(KINDS, weights(3)))


@pytest.mark.parametrize("name", SIZES)
def test_what_a_missing_modality_counts_for_is_learned(name: str):
    """Training reaches weights that only items of one modality use, or that know of them."""
    learner = module(name).train()
    lone = as_items(embeddings([True, False], [False, True]))
    with torch.no_grad():  # zero-initialised parts pass no gradient on before they have moved
        for weight in learner.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.05)
    rows = learner(lone, torch.full((2,), 0.5))
    (rows * torch.randn_like(rows)).sum().backward()
    reached = [n for n, w in learner.named_parameters() if w.grad is not None and w.grad.any()]
    own = {"gated": "log_scales", "late": "weights", "attention": "kinds"}.get(name, "no_text")
    assert own in reached


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1, width=32))
def test_average_is_the_weighted_mean_made_unit_long(seed: int, weight: float):
    both = embeddings([True], [True], seed)
    (image,), (text,) = both.image.astype(float), both.text.astype(float)
    mean = [weight * t + (1 - weight) * i for t, i in zip(text, image, strict=True)]
    length = sum(x * x for x in mean) ** 0.5
    fused = AverageFusion().fuse(both, weights(1, weight))[0]
    np.testing.assert_allclose(fused, [x / length for x in mean], atol=1e-5)
