"""The training loop, on a small world whose words can be seen in its pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import normalize

from shopsearch.encoders.compact_head import CompactHead, HeadShape, Mix
from shopsearch.encoders.compact_towers import N_CLASSES, TEXT_DIM
from shopsearch.errors import TrainingError
from shopsearch.training.imagined import Imagination
from shopsearch.training.learning import Lessons, Recipe, learn
from shopsearch.training.recall import recall_at

K, N = 24, 256
SMALL = HeadShape(components=K, hidden=32, learned=16, looks=8)
QUICK = Recipe(epochs=4, batch_size=64, n_imagined=16, learning_rate=5e-3, patience=4)


def world() -> tuple[Lessons, Imagination]:
    """Pictures are a fixed turn of their words, plus noise."""
    generator = torch.Generator().manual_seed(0)
    captions = normalize(torch.randn(N, TEXT_DIM, generator=generator), dim=1)
    turn = torch.randn(TEXT_DIM, K, generator=generator)
    components = captions @ turn + 0.05 * torch.randn(N, K, generator=generator)
    logits = torch.randn(N, N_CLASSES, generator=generator)
    names = normalize(torch.randn(2, N_CLASSES, TEXT_DIM, generator=generator), dim=2)
    lessons = Lessons(
        components=components,
        priors=torch.zeros(N, TEXT_DIM),
        caption_ids=torch.arange(N)[:, None].expand(N, 6),
        captions=captions,
        pair_weights=torch.ones(N),
        class_names=names,
    )
    return lessons, Imagination(components, logits, torch.Generator().manual_seed(1))


def small_head(seed: int = 0) -> CompactHead:
    torch.manual_seed(seed)
    return CompactHead(SMALL, Mix())


def recall_of(head: CompactHead, lessons: Lessons) -> float:
    with torch.no_grad():
        scores = head.learned_words(lessons.captions) @ head.learned(lessons.components).T
    return recall_at(scores, torch.arange(N), torch.arange(N), k=10)


def ignore(epoch: object) -> None:
    """Nobody watches."""


def test_a_head_learns_what_its_words_look_like():
    lessons, imagination = world()
    head = small_head()
    before = recall_of(head.eval(), lessons)
    many = Recipe(epochs=30, batch_size=64, n_imagined=16, learning_rate=5e-3, patience=30)
    learn(head, lessons, imagination, many, measure=lambda h: recall_of(h, lessons), watch=ignore)
    assert recall_of(head, lessons) > max(0.5, 4 * before)


def test_the_same_seed_gives_the_same_weights():
    weights = []
    for _ in range(2):
        lessons, imagination = world()
        head = small_head()
        torch.manual_seed(5)
        learn(head, lessons, imagination, QUICK, measure=lambda _: None, watch=ignore)
        weights.append(torch.cat([w.flatten() for w in head.parameters()]))
    assert torch.equal(*weights)


def test_a_run_stops_early_and_keeps_the_best_epoch():
    lessons, imagination = world()
    recalls = iter([0.2, 0.6, 0.5, 0.4, 0.3, 0.2])
    recipe = Recipe(epochs=6, batch_size=64, n_imagined=16, patience=2)
    learned = learn(
        small_head(), lessons, imagination, recipe, measure=lambda _: next(recalls), watch=ignore
    )
    assert [epoch.recall_at_10 for epoch in learned.epochs] == [0.2, 0.6, 0.5, 0.4]
    assert learned.best_epoch == 2
    assert not learned.interrupted


def test_without_held_out_pairs_the_last_epoch_is_kept():
    lessons, imagination = world()
    learned = learn(small_head(), lessons, imagination, QUICK, measure=lambda _: None, watch=ignore)
    assert learned.best_epoch == QUICK.epochs


def test_ctrl_c_keeps_the_best_weights_so_far():
    lessons, imagination = world()
    head, kept = small_head(), []

    def stop_in_the_third(_: CompactHead) -> float:
        if len(kept) == 2:
            raise KeyboardInterrupt
        kept.append(_.words.weight.detach().clone())
        return [0.5, 0.4][len(kept) - 1]

    learned = learn(head, lessons, imagination, QUICK, measure=stop_in_the_third, watch=ignore)
    assert learned.interrupted
    assert learned.best_epoch == 1
    assert torch.equal(head.words.weight, kept[0])


def test_ctrl_c_before_the_first_epoch_is_passed_on():
    def stop(_: CompactHead) -> float:
        raise KeyboardInterrupt

    lessons, imagination = world()
    with pytest.raises(KeyboardInterrupt):
        learn(small_head(), lessons, imagination, QUICK, measure=stop, watch=ignore)


def test_an_imagined_picture_raises_the_logit_of_its_class():
    generator = torch.Generator().manual_seed(3)
    components = torch.randn(4000, K, generator=generator)
    classifier = torch.randn(K, 10, generator=generator)
    imagination = Imagination(components, components @ classifier, generator)
    imagined, classes = imagination.draw(200)
    logits = imagined @ classifier
    own = logits.gather(1, classes[:, None]).squeeze(1)
    assert (own > logits.mean(dim=1) + 3).float().mean() > 0.9


def test_what_was_drawn_at_random_before_and_between_the_epochs_changes_no_weight():
    def draw(epoch: object) -> None:
        torch.rand(3)

    weights = []
    for before, watch in ((0, ignore), (7, ignore), (7, draw)):
        lessons, imagination = world()
        head = small_head()
        torch.rand(before)
        learn(head, lessons, imagination, QUICK, measure=lambda _: None, watch=watch)
        weights.append(torch.cat([w.flatten() for w in head.parameters()]))
    assert torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])


def test_another_seed_drops_other_parts():
    weights = []
    for seed in (0, 1):
        lessons, imagination = world()
        head, recipe = small_head(), replace(QUICK, seed=seed)
        learn(head, lessons, imagination, recipe, measure=lambda _: None, watch=ignore)
        weights.append(torch.cat([w.flatten() for w in head.parameters()]))
    assert not torch.equal(*weights)


def test_learning_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    lessons, imagination = world()
    head = small_head()
    torch.manual_seed(3)
    learn(head, lessons, imagination, QUICK, measure=lambda _: None, watch=ignore)
    assert torch.equal(torch.rand(2), expected)


def test_embeddings_that_are_no_numbers_end_the_run_with_clear_words():
    lessons, imagination = world()
    lessons.captions[3] = torch.nan
    with pytest.raises(TrainingError, match="the loss is no number any more"):
        learn(small_head(), lessons, imagination, QUICK, measure=lambda _: None, watch=ignore)
