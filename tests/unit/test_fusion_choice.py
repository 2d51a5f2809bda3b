"""Which fusion a setting means, and that it is not loaded before it is used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from shopsearch.bootstrap import Services
from shopsearch.domain import Query
from shopsearch.errors import FusionMismatch, FusionUnavailable
from shopsearch.fusion import card
from shopsearch.fusion.card import weights_id
from shopsearch.fusion.learned import save_module
from shopsearch.fusion.methods import new_module
from shopsearch.fusion.module import Sizes
from shopsearch.settings import Settings

from .conftest import listed

HASHING, N = "hashing-128-v1", 128


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    save_module(new_module("late", N, Sizes()), HASHING, path)
    return path


def services(settings: Settings, fusion: object) -> Services:
    return Services(settings.model_copy(update={"fusion": str(fusion)}))


def test_a_path_names_weights_of_ones_own(settings: Settings, trained: Path):
    chosen = services(settings, trained)
    assert chosen.embedder.fusion_id == weights_id(trained)
    assert chosen.fusion.output_dimension(N) == 2 * N


def test_the_average_needs_no_weights(settings: Settings):
    assert services(settings, "average").embedder.fusion_id == "average"


def test_auto_is_the_average_where_the_shipped_weights_are_for_another_encoder(settings: Settings):
    assert services(settings, "auto").embedder.fusion_id == "average"


def test_auto_is_the_shipped_method_where_it_fits(
    settings: Settings, trained: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(card, "SHIPPED", trained.parent)
    monkeypatch.setattr(card, "DEFAULT_METHOD", "mine")
    assert services(settings, "auto").embedder.fusion_id == weights_id(trained)
    assert services(settings, "mine").embedder.fusion_id == weights_id(trained)


def test_auto_is_the_average_where_nothing_ships(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(card, "SHIPPED", tmp_path)
    assert services(settings, "auto").embedder.fusion_id == "average"


def test_weights_that_were_asked_for_must_fit_the_encoder(settings: Settings, tmp_path: Path):
    path = tmp_path / "other.safetensors"
    save_module(new_module("late", N, Sizes()), "compact-224-00000000", path)
    with pytest.raises(FusionMismatch, match="compact-224-00000000"):
        _ = services(settings, path).embedder


def test_a_name_of_nothing_is_an_error(settings: Settings):
    with pytest.raises(FusionUnavailable, match="magic"):
        _ = services(settings, "magic").embedder


def test_products_are_indexed_and_found_with_weights_of_ones_own(
    settings: Settings, trained: Path, mugs
):
    with Services.open(settings.model_copy(update={"fusion": str(trained)})) as opened:
        opened.indexer.run(listed(*mugs), feed_name="mugs")
        hits = opened.search.search(Query(text="red mug", k=2)).hits
    assert hits[0].product.product_id == "red"
