"""Rows that processes share in a Redis, and what its absence costs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from shopsearch.encoders.remembering import RowMemory
from shopsearch.encoders.shared_rows import REST_S, SharedRows
from shopsearch.errors import SettingsError
from tests.server.redis_server import RedisServer, redis_server

__all__ = ["redis_server"]  # a fixture


class Maker:
    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> NDArray[np.float32]:
        self.made += 1
        return np.array([0.6, 0.8, 0.0], dtype=np.float32)


def memory(url: str, encoder: str = "one", clock: object = time.monotonic) -> RowMemory:
    return RowMemory(8, SharedRows(url, lambda: encoder, clock))  # type: ignore[arg-type]


def test_what_one_process_encoded_another_one_finds(redis_server: RedisServer) -> None:
    make = Maker()
    first = memory(redis_server.url).row("key", make)
    second = memory(redis_server.url).row("key", make)
    assert make.made == 1
    np.testing.assert_array_equal(first, second)


def test_another_encoder_has_rows_of_its_own(redis_server: RedisServer) -> None:
    make = Maker()
    memory(redis_server.url).row("key", make)
    memory(redis_server.url, "two").row("key", make)
    assert make.made == 2


@pytest.mark.parametrize("written", [b"", b"abc", b"\0" * 12, b"\xff" * 12])
def test_what_is_no_row_is_made_anew(redis_server: RedisServer, written: bytes) -> None:
    from redis import Redis

    make = Maker()
    memory(redis_server.url).row("key", make)
    with Redis.from_url(redis_server.url) as redis:
        (name,) = redis.keys("shopsearch:row:*")
        redis.set(name, written)
    np.testing.assert_array_equal(memory(redis_server.url).row("key", make), make())


def test_a_redis_that_is_down_costs_the_cache_and_one_short_wait(redis_server: RedisServer) -> None:
    now, make = [0.0], Maker()
    rows = memory(redis_server.url, clock=lambda: now[0])
    redis_server.stop()
    begun = time.perf_counter()
    for number in range(50):
        rows.row(f"key {number}", make)
    assert make.made == 50
    assert time.perf_counter() - begun < 2.0
    redis_server.start()
    rows.row("while it rests", make)
    now[0] += REST_S
    rows.row("afterwards", make)
    assert memory(redis_server.url).row("afterwards", make) is not None
    assert make.made == 52


def test_a_missing_client_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopsearch.encoders.shared_rows.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'shopsearch\[redis\]'"):
        SharedRows("redis://127.0.0.1:1/0", lambda: "one")
