"""benchmarks/queueing.py against results that are known in closed form."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "queueing.py"


@pytest.fixture(scope="module")
def queueing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("queueing", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["queueing"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("servers", "load", "waiting"),
    [(1, 0.7, 0.7), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (5, 0.0, 0.0), (100, 80.0, 0.01965)],
)
def test_the_share_that_waits_is_the_one_of_the_tables(
    queueing: ModuleType, servers: int, load: float, waiting: float
) -> None:
    assert queueing.erlang_c(servers, load) == pytest.approx(waiting, rel=1e-3)


def test_more_work_than_servers_can_do_is_refused(queueing: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"2 servers cannot carry a load of 2\.0"):
        queueing.erlang_c(2, 2.0)


def test_waits_of_one_server_are_those_of_the_textbook(queueing: ModuleType) -> None:
    # M/M/1 at half load waits as long as it serves, M/D/1 half of it
    assert queueing.mean_wait_ms(1, 50, 10) == pytest.approx(10)
    assert queueing.mean_wait_ms(1, 50, 10, variation=0) == pytest.approx(5)


@pytest.mark.parametrize(("servers", "rate"), [(1, 60.0), (4, 320.0)])
def test_simulated_waits_agree_with_the_formula(
    queueing: ModuleType, servers: int, rate: float
) -> None:
    rng = np.random.default_rng(1)
    come = queueing.arrivals(40_000, rate, rng)
    service = rng.exponential(10.0, len(come))
    waits = queueing.finished(come, service, servers) - come - service
    assert waits.min() >= -1e-6
    assert waits.mean() == pytest.approx(queueing.mean_wait_ms(servers, rate, 10), rel=0.1)


def test_the_slowest_of_many_is_slower_than_one(queueing: ModuleType) -> None:
    times = np.random.default_rng(0).exponential(1.0, 200_000)
    # the slowest of n exponential times is below t with (1 - exp(-t)) ** n
    for n in (1, 10, 100):
        known = -math.log(1 - 0.99 ** (1 / n))
        assert queueing.fan_out_quantile(times, n, 0.99) == pytest.approx(known, rel=0.1)


def test_a_service_has_the_median_and_the_percentile_that_it_was_made_of(
    queueing: ModuleType,
) -> None:
    service = queueing.Service(20.0, 70.0)
    times = service.drawn((200_000,), np.random.default_rng(0))
    assert np.quantile(times, [0.5, 0.99]) == pytest.approx([20, 70], rel=0.02)
    assert times.mean() == pytest.approx(service.mean_ms, rel=0.01)
    with pytest.raises(ValueError, match="below a median"):
        queueing.lognormal(5.0, 4.0)


def one_search(queueing: ModuleType, shards: int, known: float = 0.0) -> np.ndarray:
    """A fleet that is nearly idle, so that nothing waits."""
    service = queueing.Service
    work = queueing.Work(
        service(20, 20), service(10, 10), service(5, 5), service(1, 1), known=known
    )
    fleet = queueing.Fleet(fronts=50, shards=shards, replicas=20, shard_servers=8)
    times: np.ndarray = queueing.simulated(fleet, work, rate=0.5, n=400)
    return times


def test_an_idle_fleet_takes_the_sum_of_its_stages(queueing: ModuleType) -> None:
    assert one_search(queueing, shards=7) == pytest.approx(36)
    remembered = one_search(queueing, shards=7, known=1.0)
    assert remembered == pytest.approx(16)


def test_a_tail_grows_with_shards_and_a_wait_with_load(queueing: ModuleType) -> None:
    service = queueing.Service
    work = queueing.Work(service(5, 8), service(10, 60), service(5, 8), service(1, 2), known=0.5)

    def p99(shards: int, rate: float) -> float:
        fleet = queueing.Fleet(fronts=8, shards=shards, replicas=2, shard_servers=4)
        median, _, tail = queueing.quantiles(queueing.simulated(fleet, work, rate, 4000))
        assert median < tail
        return float(tail)

    assert p99(1, 20) < p99(8, 20) < p99(8, 400)


def test_shards_taken_as_independent_give_the_tail_of_shards_simulated_each(
    queueing: ModuleType,
) -> None:
    service = queueing.Service
    work = queueing.Work(service(5, 8), service(10, 40), service(5, 8), service(1, 2), known=0.5)
    fleet = queueing.Fleet(fronts=8, shards=12, replicas=2, shard_servers=4)
    each, drawn = (
        queueing.quantiles(queueing.simulated(fleet, work, 150.0, 6000, each_up_to=bound))
        for bound in (16, 0)
    )
    assert drawn == pytest.approx(each, rel=0.15)
