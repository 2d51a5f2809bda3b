"""The parts of a training run, each against an obvious truth."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from shopsearch.errors import TrainingError
from shopsearch.training import frozen_parts, head
from shopsearch.training.curves import Epoch, draw_curves
from shopsearch.training.effort import Effort
from shopsearch.training.feature_cache import SHARD_ROWS, cached_rows, picture_key
from shopsearch.training.head import HeadReport
from shopsearch.training.model_card import TrainingRun, render_model_card
from shopsearch.training.objective import contrastive_loss
from shopsearch.training.recall import draw_gallery, recall_at
from shopsearch.training.run_report import RunFiles
from shopsearch.training.schedule import MovingAverage, rate_share


def test_recall_counts_any_picture_of_the_group():
    scores = torch.tensor([[0.9, 0.8, 0.1], [0.9, 0.8, 0.1], [0.9, 0.8, 0.1]])
    groups = torch.tensor([7, 8, 7])
    assert recall_at(scores, groups, groups, k=1) == pytest.approx(2 / 3)
    assert recall_at(scores, groups, groups, k=2) == 1.0


def test_a_query_without_a_picture_of_its_group_is_missed():
    assert recall_at(torch.ones(1, 3), torch.tensor([5]), torch.tensor([1, 2, 3]), k=3) == 0.0


def test_a_gallery_is_drawn_by_seed_without_repeats():
    drawn = draw_gallery(100, seed=3, size=40)
    assert len(set(drawn.tolist())) == 40
    assert torch.equal(drawn, draw_gallery(100, seed=3, size=40))
    assert not torch.equal(drawn, draw_gallery(100, seed=4, size=40))
    assert len(draw_gallery(10, seed=3, size=40)) == 10


def test_the_loss_of_pairs_that_fit_is_lower():
    generator = torch.Generator().manual_seed(0)
    words = normalize(torch.randn(16, 8, generator=generator), dim=1)
    ids, sharpness = torch.arange(16), torch.tensor(20.0)
    right = contrastive_loss(words, words, ids, sharpness)
    wrong = contrastive_loss(words.flip(0), words, ids, sharpness)
    assert right < 0.5 < wrong


def test_pairs_with_the_same_words_are_not_told_apart():
    pictures = torch.eye(4)
    words = torch.eye(4)[[0, 0, 2, 3]]
    confused = contrastive_loss(pictures, words, torch.arange(4), torch.tensor(20.0))
    told = contrastive_loss(
        pictures[[0, 0, 2, 3]], words, torch.tensor([0, 0, 2, 3]), torch.tensor(20.0)
    )
    assert told < confused


def test_the_learning_rate_warms_up_and_falls_to_nearly_nothing():
    shares = [rate_share(step, 400) for step in range(400)]
    assert shares[0] < 0.05
    assert max(shares) > 0.9
    assert shares[-1] < 0.03
    assert shares[60:] == sorted(shares[60:], reverse=True)


def test_the_moving_average_follows_but_lags():
    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = MovingAverage(model)
    with torch.no_grad():
        model.weight.fill_(1.0)
    seen = []
    for _ in range(500):
        average.follow(model)
        seen.append(float(average.model.weight.detach()))
    assert seen == sorted(seen)
    assert 0 < seen[0] < 1
    assert seen[-1] > 0.95


def test_cached_rows_are_computed_once(tmp_path: Path):
    calls, told = [], []

    def compute(numbers):
        calls.append(len(numbers))
        return torch.tensor([[float(n), 1.0] for n in numbers])

    n = SHARD_ROWS + 5
    numbers, keys = list(range(n)), [str(k) for k in range(n)]

    def rows():
        return cached_rows(
            tmp_path,
            "f",
            keys,
            numbers,
            compute,
            report=lambda done, total: told.append((done, total)),
        )

    first, second = rows(), rows()
    assert calls == [SHARD_ROWS, 5]
    assert torch.equal(first, second)
    assert first[:, 0].tolist() == [float(torch.tensor(k).half()) for k in range(n)]
    assert told[-1] == (n, n)


def test_a_damaged_shard_is_computed_again(tmp_path: Path):
    def compute(numbers):
        return torch.ones(len(numbers), 2)

    def rows():
        return cached_rows(tmp_path, "f", ["a"], [1], compute, report=lambda *_: None)

    rows()
    (shard,) = tmp_path.glob("*.npy")
    shard.write_bytes(shard.read_bytes()[:20])
    assert rows().tolist() == [[1.0, 1.0]]


def test_another_picture_under_the_same_name_has_another_key(tmp_path: Path):
    path = tmp_path / "p.jpg"
    path.write_bytes(b"one")
    before = picture_key(path)
    path.write_bytes(b"three")
    assert picture_key(path) != before


def test_curves_are_a_png(tmp_path: Path):
    draw_curves([Epoch(1, 3.0, None, 1.0), Epoch(2, 2.0, 0.5, 1.0)], tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_the_card_names_data_licences_figures_and_limits(tmp_path: Path):
    luma = tmp_path / "catalog-luma"
    luma.mkdir()
    report = HeadReport(
        files=RunFiles(Path("compact-head.safetensors")),
        n_pairs=523,
        n_held_out=12,
        epochs=[Epoch(1, 3.21, 0.5, 1.0), Epoch(2, 2.5, 0.625, 1.0)],
        best_epoch=2,
        recall_at_10=0.625,
        interrupted=True,
        effort=Effort(seconds=61.23, peak_memory_mb=1812.4),
    )
    catalogs = [(luma, 453), (tmp_path / "mine" / "feed.csv", 70)]
    card = render_model_card(TrainingRun(report, catalogs, left_out=["Ties"], seed=3))
    for told in ("OSL-3.0 / AFL-3.0", "mine | 70", "Ties", "Seed 3", "0.625", "stopped", "Limits"):
        assert told in card
    assert "61.2 s and at most 1,812 MB of memory" in card


def test_directions_that_single_precision_cannot_part_are_found_in_double(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(8, 20, generator=generator)
    scatter = rows.T @ rows / len(rows)  # most of its directions have no variance
    eigh = torch.linalg.eigh

    def fails_in_single_precision(matrix: torch.Tensor):
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("failed to converge")
        return eigh(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", fails_in_single_precision)
    variances, directions = frozen_parts._axes(scatter)
    assert variances.dtype == directions.dtype == torch.float32
    torch.testing.assert_close(
        directions @ torch.diag(variances) @ directions.T, scatter, atol=1e-5, rtol=1e-5
    )


def test_embeddings_of_pictures_that_are_no_numbers_are_told_with_the_remedy(tmp_path: Path):
    rows = torch.ones(5, 3)
    rows[2, 1] = torch.nan
    with pytest.raises(TrainingError, match=r"1 of 5 embeddings of pictures hold.*delete .*cache"):
        head._check(rows, "pictures", tmp_path / "cache")
