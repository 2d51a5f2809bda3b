"""What many ask for is encoded once; what a server remembers changes no result."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from shopsearch.bootstrap import ServerServices, Services
from shopsearch.domain import PreparedItem
from shopsearch.encoders.batching import BatchingEncoder
from shopsearch.preprocessing.pictures import HeldPicture
from shopsearch.settings import Settings


def held(name: str, colour: str) -> HeldPicture:
    encoded = io.BytesIO()
    Image.new("RGB", (30, 20), colour).save(encoded, "JPEG")
    return HeldPicture(name * 64, encoded.getvalue())


def items() -> list[PreparedItem]:
    return [
        PreparedItem("red mug"),
        PreparedItem(picture=held("a", "red")),
        PreparedItem("red mug", held("b", "blue")),
    ]


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(home=tmp_path, encoder="hashing", query_cache=16)


def test_a_server_gives_the_vectors_that_a_command_gives(settings: Settings) -> None:
    with Services.open(settings) as alone, ServerServices.open(settings) as serving:
        for item in items() * 2:
            expected = alone.embedder.embed_query(item, text_weight=0.4)
            given = serving.embedder.embed_query(item, text_weight=0.4)
            np.testing.assert_allclose(given, expected, atol=1e-6)
        memory = serving.query_memory
        assert (memory.texts.misses, memory.pictures.misses) == (1, 2)
        assert (memory.texts.hits, memory.pictures.hits) == (3, 2)


def test_settings_turn_joining_and_remembering_off(settings: Settings) -> None:
    off = settings.model_copy(update={"micro_batch": "off", "query_cache": 0})
    with ServerServices.open(settings) as usual, ServerServices.open(off) as plain:
        assert isinstance(usual.encoder, BatchingEncoder)
        assert not isinstance(plain.encoder, BatchingEncoder)
        for _ in range(3):
            plain.embedder.encode_query(PreparedItem("red mug"))
        assert len(plain.query_memory.texts) == 0


def test_nothing_of_an_item_that_is_indexed_is_remembered_as_a_query(settings: Settings) -> None:
    with ServerServices.open(settings) as services:
        services.embedder.embed(items())
        assert services.query_memory.texts.misses == 0
