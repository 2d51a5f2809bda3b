"""The head of the compact encoder: rows, files, ids. No towers are needed here."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from shopsearch.encoders.compact_head import CompactHead, HeadShape, Mix, Trust
from shopsearch.encoders.compact_id import SHIPPED_HEAD, compact_id
from shopsearch.encoders.compact_towers import N_CLASSES, N_FEATURES, TEXT_DIM
from shopsearch.errors import EncoderUnavailable

SMALL = HeadShape(components=12, hidden=16, learned=8, looks=6, landmarks=2)


@pytest.fixture
def head() -> CompactHead:
    """A head of random weights."""
    torch.manual_seed(0)
    head = CompactHead(SMALL, Mix())
    head.feature_scale.fill_(1.0)
    head.basis.copy_(torch.randn(N_FEATURES, 12) / 50)
    head.class_words.copy_(normalize(torch.randn(N_CLASSES, TEXT_DIM), dim=1))
    head.looks_basis.copy_(torch.eye(12)[:, :6])
    head.landmarks.copy_(torch.eye(TEXT_DIM)[:2])
    return head.eval().requires_grad_(False)


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Features and logits of five pictures."""
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(5, N_FEATURES, generator=generator)
    return features, 3 * torch.randn(5, N_CLASSES, generator=generator)


def unit_texts(n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return normalize(torch.randn(n, TEXT_DIM, generator=generator), dim=1)


def test_rows_have_length_one_and_the_head_s_dimension(head, pictures):
    rows = torch.cat([head.image_rows(*pictures), head.text_rows(unit_texts(4))])
    assert rows.shape == (9, head.dimension)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(9))


def test_words_have_no_looks(head):
    assert not head.text_rows(unit_texts(3))[:, -SMALL.looks :].any()


def test_looks_do_not_change_the_order_of_pictures_for_words(head, pictures):
    words = head.text_rows(unit_texts(3))
    order = (words @ head.image_rows(*pictures).T).argsort(dim=1)
    head.mix = Mix(looks_share=0.95)
    assert torch.equal((words @ head.image_rows(*pictures).T).argsort(dim=1), order)


def test_without_trust_words_find_pictures_by_the_prior_alone(head, pictures):
    head.mix = Mix(trust=Trust(least=0.0, most=0.0, strange=0.45, familiar=0.65))
    texts = unit_texts(3)
    scores = head.text_rows(texts) @ head.image_rows(*pictures).T
    expected = texts @ head.prior(pictures[1]).T
    torch.testing.assert_close(scores / scores.norm(), expected / expected.norm())


@pytest.mark.parametrize(("likeness", "share"), [(0.2, 0.0), (0.55, 0.5), (0.9, 1.0)])
def test_a_text_near_what_training_has_read_trusts_the_learned_part_more(head, likeness, share):
    text = torch.zeros(1, TEXT_DIM)
    text[0, 1], text[0, 5] = likeness, (1 - likeness**2) ** 0.5  # the second landmark is axis 1
    trust = head.mix.trust
    assert head.trust(text).item() == pytest.approx(
        trust.least + share * (trust.most - trust.least), abs=1e-5
    )


def test_the_prior_of_a_sure_picture_is_the_name_of_its_class(head):
    logits = torch.zeros(1, N_CLASSES)
    logits[0, 7] = 100.0
    torch.testing.assert_close(head.prior(logits)[0], head.class_words[7])


def test_a_score_is_the_prior_s_plus_trust_times_the_learned_part_s(head, pictures):
    features, logits = pictures
    texts = unit_texts(3)
    prior = texts @ head.prior(logits).T
    learned = head.learned_words(texts) @ head.learned(head.compress(features)).T
    expected = prior + head.trust(texts) * learned
    scores = head.text_rows(texts) @ head.image_rows(features, logits).T
    torch.testing.assert_close(  # each text has a scale of its own
        normalize(scores, dim=1), normalize(expected, dim=1)
    )


def test_a_saved_head_gives_the_same_rows(head, pictures, tmp_path: Path):
    head.save(tmp_path / "new folder" / "head.safetensors")
    again = CompactHead.load(tmp_path / "new folder" / "head.safetensors")
    assert again.shape == head.shape
    assert again.mix == head.mix
    torch.testing.assert_close(
        again.image_rows(*pictures), head.image_rows(*pictures), atol=5e-3, rtol=0
    )  # half precision


def test_saving_leaves_nothing_but_the_file(head, tmp_path: Path):
    head.save(tmp_path / "head.safetensors")
    head.save(tmp_path / "head.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["head.safetensors"]


@pytest.mark.parametrize("content", [b"", b"not weights", b"\x10\0\0\0\0\0\0\0{}"])
def test_a_file_that_is_no_head_is_named_with_a_remedy(tmp_path: Path, content: bytes):
    path = tmp_path / "head.safetensors"
    path.write_bytes(content)
    with pytest.raises(EncoderUnavailable, match=r"head\.safetensors.*train head"):
        CompactHead.load(path)


def test_weights_of_something_else_are_refused(tmp_path: Path):
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(EncoderUnavailable, match="format"):
        CompactHead.load(tmp_path / "other.safetensors")


def test_the_id_changes_with_the_weights(head, tmp_path: Path):
    head.save(tmp_path / "a.safetensors")
    head.words.weight[0, 0] += 1
    head.save(tmp_path / "b.safetensors")
    assert compact_id(tmp_path / "a.safetensors") != compact_id(tmp_path / "b.safetensors")


def test_a_head_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path):
    with pytest.raises(EncoderUnavailable, match="SHOPSEARCH_HEAD"):
        compact_id(tmp_path / "nowhere.safetensors")


def test_the_shipped_head_loads_and_is_small():
    assert CompactHead.load(SHIPPED_HEAD).dimension <= 1024
    assert SHIPPED_HEAD.stat().st_size < 10_000_000
