"""What is said to those who ask for Ray where it cannot be had, or wrongly."""

from __future__ import annotations

import socket

import pytest

from shopsearch.distributed import cluster
from shopsearch.errors import SettingsError, WorkersUnavailable
from shopsearch.settings import load_settings


def test_an_address_where_nothing_answers_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with (
        pytest.raises(WorkersUnavailable, match=f"nothing answers at 127.0.0.1:{port}"),
        cluster.connected(f"127.0.0.1:{port}"),
    ):
        pass


@pytest.mark.parametrize("address", ["auto", "10.0.0.5:6379", "head.ray.svc:6379", "[::1]:6379"])
def test_a_cluster_is_named_by_its_head(address: str) -> None:
    assert load_settings(ray_address=address).ray_address == address


@pytest.mark.parametrize("address", ["ray://10.0.0.5:10001", "10.0.0.5", "local", "http://a:1"])
def test_another_address_is_refused_with_what_may_be_written(address: str) -> None:
    with pytest.raises(SettingsError, match="write auto, or HOST:PORT"):
        load_settings(ray_address=address)
