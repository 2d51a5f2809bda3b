"""Clients for `serving.py`: raw sockets on one event loop, so that they take little of the machine.

Closed loop: each client asks again as soon as it is answered. Open loop: requests are sent at fixed
times, whether or not earlier ones are answered, and how long one took counts from the time at which
it should have been sent: a server that stalls is charged for all who would have come meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

Place = tuple[str, int]
GIVE_UP_S = 60.0


@dataclass(slots=True)
class Load:
    """What the clients met."""

    seconds: float = 0.0
    ms: list[float] = field(default_factory=list)  # of requests answered with 200
    other_ms: list[float] = field(default_factory=list)  # of all others
    statuses: Counter[int] = field(default_factory=Counter)  # 0: no answer
    client_cpu_s: float = 0.0

    @property
    def per_second(self) -> float:
        return len(self.ms) / self.seconds

    def percentile(self, per_cent: float) -> float:
        return float(np.percentile(self.ms, per_cent)) if self.ms else float("nan")

    def note(self, status: int, ms: float) -> None:
        self.statuses[status] += 1
        (self.ms if status == 200 else self.other_ms).append(ms)


def closed_loop(place: Place, asked: Iterator[bytes], clients: int, seconds: float) -> Load:
    """So many clients, each on a connection of its own, for some time."""
    return asyncio.run(_closed(place, asked, clients, seconds))


def open_loop(place: Place, asked: Iterator[bytes], per_second: float, seconds: float) -> Load:
    """Requests at a fixed rate, for some time; all of them are waited for."""
    return asyncio.run(_open(place, asked, per_second, seconds))


def one(place: Place, request: bytes) -> tuple[int, float]:
    """Status and milliseconds of one request on a connection of its own."""

    async def ask() -> tuple[int, float]:
        began = time.perf_counter()
        status = await _Client(place).ask(request)
        return status, (time.perf_counter() - began) * 1000

    return asyncio.run(ask())


async def _closed(place: Place, asked: Iterator[bytes], clients: int, seconds: float) -> Load:
    load, began, cpu = Load(), time.perf_counter(), time.process_time()
    end = began + seconds

    async def ask_on() -> None:
        client = _Client(place)
        while time.perf_counter() < end:
            sent = time.perf_counter()
            load.note(await client.ask(next(asked)), (time.perf_counter() - sent) * 1000)
        client.close()

    await asyncio.gather(*(ask_on() for _ in range(clients)))
    load.seconds = time.perf_counter() - began
    load.client_cpu_s = time.process_time() - cpu
    return load


async def _open(place: Place, asked: Iterator[bytes], per_second: float, seconds: float) -> Load:
    load, began, cpu = Load(), time.perf_counter(), time.process_time()
    idle: list[_Client] = []

    async def ask_at(due: float) -> None:
        client = idle.pop() if idle else _Client(place)
        status = await client.ask(next(asked))
        load.note(status, (time.perf_counter() - due) * 1000)
        idle.append(client)

    going = []
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        going.append(asyncio.create_task(ask_at(due)))
    await asyncio.gather(*going)
    load.seconds = time.perf_counter() - began
    load.client_cpu_s = time.process_time() - cpu
    for client in idle:
        client.close()
    return load


class _Client:
    """One connection, opened again where the server has closed it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes) -> int:
        """The status of the answer; 0 where there was none."""
        is_used = self._writer is not None
        try:
            return await asyncio.wait_for(self._ask(request), GIVE_UP_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            self.close()
            # a kept connection may have been closed as it was used: that is no fault of anybody
            return await _Client(self._place).ask(request) if is_used else 0

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _ask(self, request: bytes) -> int:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(*self._place)
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        await self._reader.readexactly(int(fields[b"content-length"]))
        if fields.get(b"connection") == b"close":
            self.close()
        return int(head.split(b" ", 2)[1])
