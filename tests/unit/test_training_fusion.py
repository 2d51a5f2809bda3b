"""The training loop of fusions, on a small world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from shopsearch.errors import TrainingError
from shopsearch.fusion.methods import METHODS, new_module
from shopsearch.fusion.module import FusionModule, Items, Sizes
from shopsearch.training.fusion_asking import Way
from shopsearch.training.fusion_curves import FusionEpoch
from shopsearch.training.fusion_judged import Judged
from shopsearch.training.fusion_learning import FusionRecipe, Objective
from shopsearch.training.fusion_lessons import FusionLessons
from shopsearch.training.fusion_measure import measure_module, measured
from shopsearch.training.fusion_run import FusionLearned, learn
from shopsearch.training.fusion_state import FusionState

from .fusion_world import D, world

SMALL = Sizes(rank=8, groups=4)
QUICK = FusionRecipe(epochs=3, batch_size=64, learning_rate=1e-2, patience=3, noise=0.05)


def module(method: str = "gated", seed: int = 0) -> FusionModule:
    torch.manual_seed(seed)
    return new_module(method, D, SMALL)


def taught(
    learner: FusionModule,
    lessons: FusionLessons,
    recipe: FusionRecipe,
    folder: Path,
    *,
    measure=None,
    watch=lambda epoch: None,
    judged: Judged | None = None,
    resume: bool = False,
) -> FusionLearned:
    held_out = world(96, seed=5)
    return learn(
        learner,
        lessons,
        recipe,
        FusionState(folder / "run.state", recipe, "test"),
        measure=measure or (lambda m: measured(m, held_out)),
        watch=watch,
        judged=judged,
        resume=resume,
    )


def flat(learner: FusionModule) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in learner.parameters()])


@pytest.mark.parametrize("method", METHODS)
def test_no_method_ends_up_worse_than_its_baseline(method: str, tmp_path: Path):
    learner, held_out = module(method), world(96, seed=5)
    before = measured(learner, held_out)
    learned = taught(learner, world(), QUICK, tmp_path)
    assert learned.epochs[0].ndcg_at_10 == pytest.approx(before)
    assert measured(learner.eval(), held_out) == pytest.approx(learned.best)
    assert learned.best >= before


@pytest.mark.parametrize("objective", [Objective.SUPERVISED, Objective.SEMI])
def test_a_gated_fusion_learns_what_is_seen_and_what_is_said(objective: Objective, tmp_path: Path):
    recipe = replace(
        QUICK, objective=objective, epochs=25, patience=25, batch_size=32, own_first=0.0
    )
    learner, held_out = module(), world(96, seed=5)
    before = by_both_on_full(learner, held_out)
    taught(learner, world(), recipe, tmp_path)
    assert by_both_on_full(learner, held_out) > before + 0.05


def by_both_on_full(learner: FusionModule, lessons: FusionLessons) -> float:
    """The nDCG of queries by picture and words, on products that have both."""
    cells = measure_module(learner, lessons)
    return next(c.ndcg_at_10 for c in cells if (c.way, c.state) == (Way.BOTH, "full"))


def test_learning_from_products_themselves_brings_them_near_their_own_queries(tmp_path: Path):
    recipe = replace(QUICK, objective=Objective.CONTRASTIVE, epochs=6)
    learned = taught(module(), world(), recipe, tmp_path, measure=lambda _: None)
    losses = [epoch.loss for epoch in learned.epochs[1:]]
    assert losses[-1] < losses[0]
    assert learned.best is None
    assert learned.best_epoch == 6


def test_the_same_seed_gives_the_same_weights_bit_for_bit(tmp_path: Path):
    first, second = module(), module()
    taught(first, world(), QUICK, tmp_path)
    taught(second, world(), QUICK, tmp_path)
    assert torch.equal(flat(first), flat(second))


def test_another_seed_gives_other_weights(tmp_path: Path):
    first, second = module(), module()
    taught(first, world(), QUICK, tmp_path, measure=lambda _: None)
    taught(second, world(), replace(QUICK, seed=1), tmp_path, measure=lambda _: None)
    assert not torch.equal(flat(first), flat(second))


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path):
    recipe = replace(QUICK, epochs=4, patience=4)
    whole, stopped = module(), module()
    taught(whole, world(), recipe, tmp_path / "whole", measure=lambda _: None)

    def stop(epoch: FusionEpoch) -> None:
        if epoch.number == 2:
            raise KeyboardInterrupt

    (tmp_path / "stopped").mkdir()
    half = taught(
        stopped, world(), recipe, tmp_path / "stopped", measure=lambda _: None, watch=stop
    )
    assert half.interrupted
    again = module()
    rest = taught(again, world(), recipe, tmp_path / "stopped", measure=lambda _: None, resume=True)
    assert [epoch.number for epoch in rest.epochs] == [0, 1, 2, 3, 4]
    assert torch.equal(flat(again), flat(whole))


def test_there_must_be_a_run_to_resume(tmp_path: Path):
    with pytest.raises(TrainingError, match="no run to resume"):
        taught(module(), world(), QUICK, tmp_path, resume=True)


def test_a_run_is_not_resumed_with_other_options(tmp_path: Path):
    taught(module(), world(), QUICK, tmp_path)
    with pytest.raises(TrainingError, match="other catalogs or options"):
        taught(module(), world(), replace(QUICK, seed=4), tmp_path, resume=True)


def test_a_damaged_state_is_told(tmp_path: Path):
    (tmp_path / "run.state").write_bytes(b"half of it")
    with pytest.raises(TrainingError, match="cannot be read"):
        taught(module(), world(), QUICK, tmp_path, resume=True)


def test_ctrl_c_keeps_the_best_weights_so_far(tmp_path: Path):
    figures = iter([0.1, 0.5, 0.4])
    kept = []

    def measure(learner: FusionModule) -> float:
        kept.append(flat(learner).clone())
        figure = next(figures, None)
        if figure is None:
            raise KeyboardInterrupt
        return figure

    learner = module()
    learned = taught(learner, world(), replace(QUICK, epochs=9), tmp_path, measure=measure)
    assert learned.interrupted
    assert (learned.best_epoch, learned.best) == (1, 0.5)
    assert torch.equal(flat(learner), kept[1])


def test_ctrl_c_before_the_first_epoch_is_passed_on(tmp_path: Path):
    def stop(_: FusionModule) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taught(module(), world(), QUICK, tmp_path, measure=stop)


def test_a_run_stops_early_and_may_keep_the_baseline(tmp_path: Path):
    figures = iter([0.9, 0.5, 0.4, 0.3, 0.2])
    learner = module()
    before = flat(learner).clone()
    recipe = replace(QUICK, epochs=9, patience=2)
    learned = taught(learner, world(), recipe, tmp_path, measure=lambda _: next(figures))
    assert [epoch.number for epoch in learned.epochs] == [0, 1, 2]
    assert learned.best_epoch == 0
    assert torch.equal(flat(learner), before)


def test_a_run_that_diverges_says_so(tmp_path: Path):
    recipe = replace(QUICK, learning_rate=float("inf"))
    with pytest.raises(TrainingError, match=r"no number any more.*--rate"):
        taught(module(), world(), recipe, tmp_path, measure=lambda _: None)


def test_judgments_teach_beside_the_labels(tmp_path: Path):
    """Somebody judged that the words that ask for products 0 to 7 mean products 8 to 15."""
    lessons, n = world(), 8
    words = lessons.texts[lessons.told[:n, 0]]
    judged = Judged(
        items=Items(torch.zeros(n, D), words, torch.zeros(n, 1), torch.ones(n, 1)),
        text_weight=torch.full((n,), 0.5),
        query=torch.arange(n),
        product=torch.arange(n) + n,
        gain=torch.full((n,), 3.0),
    )

    def nearness(learner: FusionModule) -> float:
        full = Items(
            lessons.images[n : 2 * n],
            lessons.texts[lessons.told[n : 2 * n, 0]],
            torch.ones(n, 1),
            torch.ones(n, 1),
        )
        half = torch.full((n,), 0.5)
        return float((learner(judged.items, half) * learner(full, half)).sum(dim=1).mean())

    without, with_them = module(), module()
    recipe = replace(QUICK, epochs=8)
    taught(without, lessons, recipe, tmp_path, measure=lambda _: None)
    taught(with_them, lessons, recipe, tmp_path, measure=lambda _: None, judged=judged)
    assert nearness(with_them) > nearness(without) + 0.02


def test_every_way_of_asking_is_measured_on_full_and_on_lacking_products():
    cells = measure_module(module(), world(96, seed=5))
    assert {cell.way.value for cell in cells} == {"text", "image", "text+image", "but in"}
    assert {cell.state for cell in cells} == {"full", "image missing", "text missing"}
    assert all(0 <= cell.ndcg_at_10 <= 1 for cell in cells)
