"""Queues and fan-out: formulae, and a simulation for what no formula covers.

Times are in milliseconds, rates per second.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]

SHARD_DRAWS = 100_000
ANSWERED = 0.1  # of the work of ranking, to read an answer out of a cache and to write it


def erlang_c(servers: int, load: float) -> float:
    """The share of arrivals that wait in an M/M/c queue (Erlang, 1917).

    `load` is arrivals times mean service, in servers; below `servers`, or the queue grows for ever.
    """
    if not 0 <= load < servers:
        raise ValueError(f"{servers} servers cannot carry a load of {load}")
    blocked = 1.0  # Erlang's B by its recurrence: the powers and factorials would overflow
    for one in range(1, servers + 1):
        blocked = load * blocked / (one + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mean_wait_ms(servers: int, rate: float, service_ms: float, variation: float = 1.0) -> float:
    """The mean wait of an M/G/c queue: exact for one server (Pollaczek and Khinchine) and for
    exponential service, the approximation of Allen and Cunneen else. `variation` is the standard
    deviation of the service time divided by its mean.
    """
    load = rate * service_ms / 1000
    waiting = erlang_c(servers, load)
    return waiting * service_ms / (servers - load) * (1 + variation**2) / 2


def fan_out_quantile(times: Times, n: int, share: float) -> float:
    """The time within which the slowest of n independent draws is done, in a share of cases."""
    return float(np.quantile(times, share ** (1 / n)))


def lognormal(median_ms: float, p99_ms: float) -> tuple[float, float]:
    """Mean and deviation of the logarithm of times with this median and 99th percentile."""
    if not 0 < median_ms <= p99_ms:
        raise ValueError(f"a 99th percentile of {p99_ms} ms lies below a median of {median_ms} ms")
    return math.log(median_ms), math.log(p99_ms / median_ms) / 2.3263478740408408


@dataclass(frozen=True, slots=True)
class Service:
    """How long a stage takes when it is alone: times as measured, or lognormal ones."""

    median_ms: float
    p99_ms: float

    def drawn(self, shape: tuple[int, ...], rng: np.random.Generator) -> Times:
        """Times drawn by chance."""
        middle, spread = lognormal(self.median_ms, self.p99_ms)
        return rng.lognormal(middle, spread, shape)

    @property
    def mean_ms(self) -> float:
        """The mean."""
        middle, spread = lognormal(self.median_ms, self.p99_ms)
        return math.exp(middle + spread**2 / 2)

    def scaled(self, factor: float) -> Service:
        """The same in another unit of work."""
        return Service(self.median_ms * factor, self.p99_ms * factor)


def arrivals(n: int, rate: float, rng: np.random.Generator) -> Times:
    """(n,) moments at which requests come that know nothing of each other (Poisson)."""
    return np.cumsum(rng.exponential(1000 / rate, n))


def finished(come: Times, service: Times, servers: int) -> Times:
    """(n,) when each is done, of requests that are served in the order in which they come."""
    free = [0.0] * servers
    done = np.empty(len(come))
    order = np.argsort(come, kind="stable")
    for place in order.tolist():
        start = max(come[place], heapq.heappop(free))
        done[place] = start + service[place]
        heapq.heappush(free, done[place])
    return done


@dataclass(frozen=True, slots=True)
class Fleet:
    """Front nodes that encode, ask all shards, and rank; and shards, each in several replicas."""

    fronts: int  # processes: each encodes and ranks one search after the other
    shards: int
    replicas: int  # of each shard
    shard_servers: int  # searches that one replica works on at the same time


@dataclass(frozen=True, slots=True)
class Work:
    """What one search asks of each part."""

    encode: Service  # not for what the cache knows
    shard: Service  # on each shard
    rank: Service  # what is left when all shards have answered
    network: Service  # a way to a shard and back
    known: float  # share of queries whose embedding is remembered
    answered: float = 0.0  # share of searches whose whole answer is remembered


def simulated(
    fleet: Fleet, work: Work, rate: float, n: int, *, seed: int = 0, each_up_to: int = 16
) -> Times:
    """(n,) how long each of n searches takes, from its arrival to its answer.

    Requests go to a front drawn by chance, and to a replica of each shard drawn by chance. Up to
    `each_up_to` shards are simulated one by one; of more, one is, and the slowest is drawn from
    its times as if shards knew nothing of each other.
    """
    rng = np.random.default_rng(seed)
    come = arrivals(n, rate, rng)
    is_answered = rng.random(n) < work.answered
    encode = work.encode.drawn((n,), rng) * (rng.random(n) >= work.known)
    encode[is_answered] = 0
    front = rng.integers(fleet.fronts, size=n)
    encoded = _by_group(come, encode, front, 1)
    asking = np.flatnonzero(~is_answered)
    slowest = encoded.copy()
    if fleet.shards <= each_up_to:
        for _ in range(fleet.shards):
            took = _shard(encoded[asking], fleet, work, rng)
            slowest[asking] = np.maximum(slowest[asking], encoded[asking] + took)
    else:
        took = _shard(arrivals(SHARD_DRAWS, rate, rng), fleet, work, rng)
        of_slowest = rng.random(len(asking)) ** (1 / fleet.shards)
        slowest[asking] += np.quantile(took[SHARD_DRAWS // 10 :], of_slowest)
    rank = work.rank.drawn((n,), rng)
    rank[is_answered] *= ANSWERED
    return _by_group(slowest, rank, front, 1) - come


def _shard(asked: Times, fleet: Fleet, work: Work, rng: np.random.Generator) -> Times:
    """How long one shard lets each search wait, the way to it and back included."""
    there = asked + work.network.drawn((len(asked),), rng)
    service = work.shard.drawn((len(asked),), rng)
    replica = rng.integers(fleet.replicas, size=len(asked))
    return _by_group(there, service, replica, fleet.shard_servers) - asked


def _by_group(come: Times, service: Times, group: NDArray[np.int64], servers: int) -> Times:
    done = np.empty(len(come))
    for one in np.unique(group):
        members = np.flatnonzero(group == one)
        done[members] = finished(come[members], service[members], servers)
    return done


def quantiles(times: Times, shares: Sequence[float] = (0.5, 0.95, 0.99)) -> list[float]:
    """The times within which these shares of searches are answered; the first tenth warms up."""
    return [float(one) for one in np.quantile(times[len(times) // 10 :], shares)]
