"""Combined queries: the learned combiner, its file, and what it is taught by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.errors import FusionMismatch, FusionUnavailable
from shopsearch.fusion.replacing_combiner import (
    CombinerSizes,
    LearnedCombiner,
    ReplacingCombiner,
    save_combiner,
)
from shopsearch.settings import load_settings
from shopsearch.training.combiner import CombinerLessons, CombinerRecipe, learn_to_combine
from shopsearch.training.variants import triples_of

D = 24
SMALL = CombinerSizes(rank=4, groups=3)


def unit_rows(n: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(n, D, generator=torch.Generator().manual_seed(seed)), dim=1)


def shaken(seed: int = 3) -> ReplacingCombiner:
    """A combiner whose weights are all other than at the start."""
    torch.manual_seed(seed)
    module = ReplacingCombiner(D, SMALL)
    for weight in module.parameters():
        weight.data += 0.3 * torch.randn(weight.shape)
    return module.eval().requires_grad_(False)


def test_before_training_it_is_the_weighted_sum():
    reference, words = unit_rows(5, 0), unit_rows(5, 1)
    weight = torch.linspace(0, 1, 5)
    expected = normalize((1 - weight)[:, None] * reference + weight[:, None] * words, dim=1)
    combined = ReplacingCombiner(D, SMALL).eval()(reference, words, weight)
    torch.testing.assert_close(combined, expected)


@pytest.mark.parametrize(("weight", "which"), [(0.0, 0), (1.0, 1)])
def test_the_ends_of_the_text_weight_are_one_side_alone_however_it_was_trained(weight, which):
    sides = unit_rows(4, 0), unit_rows(4, 1)
    torch.testing.assert_close(shaken()(*sides, torch.full((4,), weight)), sides[which])


def test_one_query_is_combined_as_in_a_batch():
    combiner = LearnedCombiner(shaken())
    reference, words = unit_rows(6, 0).numpy(), unit_rows(6, 1).numpy()
    weight = np.linspace(0.1, 0.9, 6, dtype=np.float32)
    batch = combiner.combine(reference, words, weight)
    single = [
        combiner.combine(reference[n : n + 1], words[n : n + 1], weight[n : n + 1])[0]
        for n in range(6)
    ]
    np.testing.assert_allclose(batch, np.stack(single), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(batch, axis=1), 1.0, atol=1e-5)


def test_a_saved_combiner_gives_the_same_rows(tmp_path: Path):
    module = shaken()
    save_combiner(module, "an-encoder", "a-fusion", tmp_path / "new" / "combiner.safetensors")
    again = LearnedCombiner.load(tmp_path / "new" / "combiner.safetensors")
    sides = unit_rows(3, 0), unit_rows(3, 1), torch.full((3,), 0.4)
    rows = again.combine(*(side.numpy() for side in sides))
    np.testing.assert_allclose(rows, module(*sides).numpy(), atol=1e-6)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_a_file_that_is_no_combiner_is_an_error(tmp_path: Path, content: bytes):
    path = tmp_path / "combiner.safetensors"
    path.write_bytes(content)
    with pytest.raises(FusionUnavailable, match=r"combiner\.safetensors"):
        LearnedCombiner.load(path)


def test_a_combiner_of_another_encoder_is_refused_with_a_remedy(tmp_path: Path):
    path = tmp_path / "combiner.safetensors"
    save_combiner(shaken(), "another-encoder", "average", path)
    settings = load_settings(home=tmp_path, encoder="hashing", combiner=str(path))
    with pytest.raises(FusionMismatch, match=r"another-encoder.*train combiner"):
        _ = Services(settings).combiner


def test_a_combiner_that_fits_is_used_and_no_weights_stand_for_the_sum(tmp_path: Path):
    path = tmp_path / "combiner.safetensors"
    save_combiner(ReplacingCombiner(D, SMALL), "hashing-128-v1", "average", path)
    given = {"home": tmp_path, "encoder": "hashing"}
    combiner = Services(load_settings(**given, combiner=str(path))).combiner
    assert combiner is not None
    reference, words = unit_rows(1, 0).numpy(), unit_rows(1, 1).numpy()
    expected = (reference + words) / np.linalg.norm(reference + words)
    weight = np.array([0.5], dtype=np.float32)
    np.testing.assert_allclose(combiner.combine(reference, words, weight), expected, atol=1e-6)
    assert Services(load_settings(**given, combiner="weighted-sum")).combiner is None


def test_weights_that_are_not_there_are_an_error_that_names_the_setting(tmp_path: Path):
    settings = load_settings(home=tmp_path, encoder="hashing", combiner=str(tmp_path / "no.file"))
    with pytest.raises(FusionUnavailable, match="SHOPSEARCH_COMBINER"):
        _ = Services(settings).combiner


def test_without_fitting_weights_words_and_picture_are_fused(tmp_path: Path):
    assert Services(load_settings(home=tmp_path, encoder="hashing")).combiner is None


def product(number: int, title: str, color: str, gender: str = "Men") -> Product:
    return Product(
        product_id=str(number), title=title, color=color, gender=gender, product_type="Shirts"
    )


CATALOG = [
    product(0, "Acme Men Red Oxford", "Red"),
    product(1, "Acme Men Blue Oxford", "Blue"),
    product(2, "Acme Women Blue Oxford", "Blue", "Women"),
    product(3, "Other Men Green Polo", "Green"),
]


def test_products_of_one_title_but_for_the_colour_are_variants():
    asked = {(t.reference, t.targets) for t in triples_of(CATALOG, 0) if t.asks_for == "color"}
    assert asked == {(0, (1,)), (1, (0,))}


def test_the_words_of_a_variant_name_its_value():
    triples = triples_of(CATALOG, 0)
    by_reference = {t.reference: t.words for t in triples if t.asks_for == "color"}
    assert "blue" in by_reference[0]
    assert "red" in by_reference[1]
    assert {(t.reference, t.targets) for t in triples if t.asks_for == "gender"} == {
        (1, (2,)),
        (2, (1,)),
    }


def test_each_product_is_taught_to_be_found_by_itself_and_what_it_is():
    own = [t for t in triples_of(CATALOG, 0) if not t.asks_for]
    assert [(t.reference, t.targets) for t in own] == [(n, (n,)) for n in range(4)]
    assert all(t.words for t in own)


def world() -> CombinerLessons:
    """40 shapes x 4 colours: a product is its shape beside its colour, a phrase a colour alone."""
    shapes, colors = unit_rows(40, 5), unit_rows(4, 6)
    vectors = normalize(shapes[:, None, :] + 1.5 * colors[None, :, :], dim=2).reshape(160, D)
    places = [
        (s * 4 + a, b, s * 4 + b) for s in range(40) for a in range(4) for b in range(4) if a != b
    ]
    references, words, targets = torch.tensor(places).T
    return CombinerLessons(vectors, colors, references, words, targets[:, None])


def found(combiner: ReplacingCombiner, lessons: CombinerLessons) -> float:
    weight = torch.full((len(lessons.references),), 0.5)
    with torch.no_grad():
        queries = combiner.eval()(
            lessons.vectors[lessons.references], lessons.phrases[lessons.words], weight
        )
    first = (queries @ lessons.vectors.T).argmax(dim=1)
    return float((first == lessons.targets[:, 0]).float().mean())


def test_training_learns_to_take_a_colour_out_and_the_same_seed_gives_the_same_weights():
    lessons = world()
    recipe = CombinerRecipe(epochs=12, batch_size=96, n_others=64, learning_rate=1e-2)
    before = found(ReplacingCombiner(D), lessons)
    runs = [
        learn_to_combine(lessons, recipe, measure=lambda c: found(c, lessons), watch=lambda e: None)
        for _ in range(2)
    ]
    after = found(runs[0][0], lessons)
    assert before < 0.8
    assert after > 0.9
    for one, other in zip(runs[0][0].parameters(), runs[1][0].parameters(), strict=True):
        assert torch.equal(one, other)
