"""The parts of the training of fusions, one by one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from PIL import Image

from shopsearch.domain import Product
from shopsearch.errors import TrainingError
from shopsearch.training.fusion_asking import Way, ask
from shopsearch.training.fusion_curves import FusionEpoch, event_writer
from shopsearch.training.fusion_guessing import with_guesses
from shopsearch.training.fusion_judged import Judged
from shopsearch.training.fusion_lessons import UNTOLD, check_lessons
from shopsearch.training.fusion_measure import ndcg_at_10
from shopsearch.training.fusion_objective import agreement, balanced, cannot_tell, ranking_loss
from shopsearch.training.fusion_split import Split, split_of
from shopsearch.training.fusion_views import other_views
from shopsearch.training.fusion_words import (
    COLOR,
    GENDER,
    KIND,
    USE,
    facets_of,
    queries_of,
    texts_of,
)

from .fusion_world import world

SHIRT = Product(
    product_id="1",
    title="Turtle Check Men Navy Blue Shirt",
    product_type="Apparel > Topwear > Shirts",
    gender="Men",
    attributes={"baseColour": "Navy Blue", "usage": "Casual"},
)


def test_the_facets_of_a_product_are_found_where_catalogs_tell_them():
    assert facets_of(SHIRT) == ("navy blue", "casual", "shirts", "men")
    in_the_category = replace(SHIRT, gender="", product_type="Women > Tops > Tanks", attributes={})
    assert facets_of(in_the_category) == ("", "", "tanks", "women")
    assert facets_of(replace(SHIRT, gender="female"))[GENDER] == "women"


def test_the_first_query_names_all_facets_as_a_shopper_would():
    asked = queries_of(SHIRT, random.Random(0))[0]
    assert asked.text == "navy blue casual shirts for men"
    assert asked.facets == {COLOR, USE, KIND, GENDER}


def test_queries_are_the_same_for_the_same_seed_and_come_with_typos():
    assert queries_of(SHIRT, random.Random(3)) == queries_of(SHIRT, random.Random(3))
    plain = {"navy", "blue", "casual", "shirts", "for", "men"}
    typos = [queries_of(SHIRT, random.Random(n))[2].text for n in range(20)]
    assert any(set(text.split()) - plain for text in typos)


def test_a_product_that_tells_no_facets_is_asked_for_by_its_title():
    bare = Product(product_id="2", title="Wonder thing deluxe")
    asked = queries_of(bare, random.Random(0))
    assert all(not one.facets and one.text for one in asked)
    assert len(asked) == len(queries_of(SHIRT, random.Random(0)))


def test_a_product_tells_of_itself_at_three_lengths():
    everything, less, title = texts_of(SHIRT)
    assert "Navy Blue" in everything
    assert "Casual" in everything
    assert "Casual" not in less
    assert title == SHIRT.title


def test_right_are_the_products_that_have_what_is_asked_for():
    facets = torch.tensor([[0, 0, 1, 1], [0, 5, 1, 1], [0, 0, 1, UNTOLD]])
    asked = torch.tensor([[True, False, True, True]] * 3)
    agree = agreement(asked, facets, facets)
    assert agree[0].tolist() == [True, True, False]
    assert cannot_tell(asked, facets, facets, UNTOLD)[0].tolist() == [False, False, True]


def test_a_query_that_finds_what_is_right_costs_less():
    rows = torch.eye(3)
    right, wrong = torch.eye(3), torch.eye(3).roll(1, dims=0)
    sharpness = torch.tensor(10.0)
    assert ranking_loss(rows, rows, right, sharpness) < ranking_loss(rows, rows, wrong, sharpness)


def test_higher_gains_pull_harder():
    rows = torch.eye(3)
    query = torch.tensor([[1.0, 1.0, 0.0]], requires_grad=True)
    ranking_loss(query, rows, torch.tensor([[3.0, 1.0, 0.0]]), torch.tensor(5.0)).backward()
    assert query.grad[0, 0] < query.grad[0, 1]


def test_what_is_left_out_makes_no_difference():
    rows = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    gains = torch.tensor([[1.0, 0.0, -1.0, 0.0]])
    moved = rows.clone()
    moved[2] *= -5
    sharpness = torch.tensor(3.0)
    torch.testing.assert_close(
        ranking_loss(rows[:1], rows, gains, sharpness),
        ranking_loss(rows[:1], moved, gains, sharpness),
    )


def test_queries_without_a_right_answer_teach_nothing():
    rows = torch.eye(3, requires_grad=True)
    loss = ranking_loss(rows, rows, torch.zeros(3, 3), torch.tensor(5.0))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not rows.grad.any()


def test_the_worst_way_of_asking_counts_most():
    losses = torch.tensor([1.0, 3.0], requires_grad=True)
    balanced(losses).backward()
    assert losses.grad[1] > 2 * losses.grad[0] > 0


@pytest.mark.parametrize("way", Way)
def test_every_way_of_asking_has_right_and_wrong_answers(way: Way):
    lessons = world()
    places = torch.arange(64)
    asked = ask(way, lessons, places, torch.Generator().manual_seed(0), by_label=True)
    assert (asked.gains > 0).any()
    assert (asked.gains == 0).any()


def test_but_in_another_colour_means_the_same_kind_in_that_colour():
    lessons = world()
    lessons = replace(lessons, facets=lessons.facets.clone())
    lessons.facets[:, GENDER] = 0
    places = torch.arange(64)
    asked = ask(Way.CHANGED, lessons, places, torch.Generator().manual_seed(0), by_label=True)
    facets = lessons.facets
    for query, row in enumerate(asked.gains):
        right = (row > 0).nonzero().squeeze(1)
        assert (facets[right, KIND] == facets[query, KIND]).all()
        assert (facets[right, COLOR] != facets[query, COLOR]).all()
        assert len(facets[right, COLOR].unique()) <= 1


def test_products_of_one_title_are_no_wrong_answers():
    lessons = world()
    lessons = replace(lessons, titles=torch.arange(len(lessons)) // 2)
    places = torch.arange(8)
    asked = ask(Way.PICTURE, lessons, places, torch.Generator().manual_seed(0), by_label=False)
    assert asked.gains[0, 0] == 1
    assert asked.gains[0, 1] < 0
    assert asked.gains[0, 2] == 0


def test_missing_labels_are_guessed_where_the_neighbours_agree_and_not_elsewhere():
    lessons = world(400)
    truth = lessons.facets[:, COLOR].clone()
    hidden = torch.arange(0, 400, 4)
    facets = lessons.facets.clone()
    facets[hidden, COLOR] = UNTOLD
    alien = replace(lessons, facets=facets, images=lessons.images.clone())
    alien.images[hidden[:10]] = torch.nn.functional.normalize(
        torch.randn(10, lessons.images.shape[1], generator=torch.Generator().manual_seed(1)), dim=1
    )
    filled, n_guessed = with_guesses(alien)
    guessed = hidden[filled.facets[hidden, COLOR] != UNTOLD]
    assert n_guessed == len(guessed) > 20
    assert (filled.facets[guessed, COLOR] == truth[guessed]).float().mean() > 0.9
    told = facets[:, COLOR] != UNTOLD
    assert torch.equal(filled.facets[told], facets[told])


def test_ndcg_is_one_where_all_that_is_right_comes_first():
    scores = torch.tensor([[0.9, 0.8, 0.1], [0.1, 0.8, 0.9]])
    gains = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = ndcg_at_10(scores, gains)
    assert float(found[0]) == pytest.approx(1.0)
    assert float(found[1]) == pytest.approx(0.5)  # 1 / log2(4)


def test_judged_gains_are_looked_up_for_some_queries_and_products():
    nothing = torch.zeros(2, 4)
    judged = Judged(
        items=(nothing,) * 4,
        text_weight=torch.zeros(2),
        query=torch.tensor([0, 0, 1]),
        product=torch.tensor([3, 5, 3]),
        gain=torch.tensor([1.0, 2.0, 4.0]),
    )
    table = judged.gains(torch.tensor([1, 0]), torch.tensor([3, 7, 5]))
    assert table.tolist() == [[4.0, 0.0, 0.0], [1.0, 0.0, 2.0]]


def test_products_of_one_title_are_in_one_part():
    titles = [f"Thing {n}" for n in range(400)]
    products = [Product(product_id=str(n), title=title) for n, title in enumerate(titles)]
    splits = [split_of(product, has_val=False) for product in products]
    assert {split: splits.count(split) > 15 for split in Split} == dict.fromkeys(Split, True)
    again = [split_of(replace(p, product_id="x" + p.product_id), has_val=False) for p in products]
    assert again == splits


def test_a_column_that_says_val_keeps_a_product_for_the_end():
    kept = Product(product_id="1", title="One", attributes={"split": "val"})
    assert split_of(kept, has_val=False) is Split.TEST
    assert split_of(kept, has_val=True) is Split.TEST


def test_views_are_cropped_or_mirrored_and_keep_their_colours():
    class Striped:
        content_hash = "0" * 64

        def load(self) -> Image.Image:
            stripes = Image.new("RGB", (90, 60), (200, 30, 40))
            stripes.paste((20, 60, 220), (0, 0, 45, 60))
            return stripes

    cropped, mirrored = other_views(Striped())
    assert len({cropped.content_hash, mirrored.content_hash, Striped.content_hash}) == 3
    for view in (cropped, mirrored):
        picture = view.load()
        assert picture.tobytes() == view.load().tobytes()
        assert picture.width < 90
        assert {color for _, color in picture.getcolors()} == {(200, 30, 40), (20, 60, 220)}
    assert cropped.load().getpixel((1, 1)) == (20, 60, 220)
    assert mirrored.load().getpixel((1, 1)) == (200, 30, 40)


def test_three_products_are_too_few_to_learn_from():
    with pytest.raises(TrainingError, match=r"3 products have both a picture and words.*at least"):
        check_lessons(world(3), "shop.csv")


def test_products_all_without_words_are_told():
    lessons = world()
    mute = replace(lessons, told=torch.full_like(lessons.told, UNTOLD))
    with pytest.raises(TrainingError, match="0 products have both a picture and words, of 192"):
        check_lessons(mute, "shop.csv")


def test_embeddings_that_are_no_numbers_are_told():
    lessons = world()
    lessons.images[5, 2] = torch.nan
    with pytest.raises(TrainingError, match="1 embeddings of pictures hold values that are no num"):
        check_lessons(lessons, "shop.csv")


def test_products_that_are_all_alike_are_told():
    lessons = world()
    with pytest.raises(TrainingError, match="all 192 products have the same title"):
        check_lessons(replace(lessons, titles=torch.zeros(192)), "shop.csv")


def test_no_events_are_written_where_tensorboard_is_not_installed(tmp_path, monkeypatch):
    from shopsearch.training import fusion_curves

    monkeypatch.setattr(fusion_curves, "find_spec", lambda name: None)
    with event_writer(tmp_path / "events") as write:
        write(fusion_curves.FusionEpoch(1, 0.5, 0.4, 1.0))
    assert not (tmp_path / "events").exists()


def test_events_can_be_read_by_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    epochs = [FusionEpoch(0, None, 0.25, 1.0), FusionEpoch(1, 0.5, 0.375, 1.0)]
    with event_writer(tmp_path) as write:
        for epoch in epochs:
            write(epoch)
            events = EventAccumulator(str(tmp_path)).Reload()
            assert [e.step for e in events.Scalars("ndcg@10")][-1] == epoch.number  # at once
    assert [(e.step, e.value) for e in events.Scalars("ndcg@10")] == [(0, 0.25), (1, 0.375)]
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 0.5)]
