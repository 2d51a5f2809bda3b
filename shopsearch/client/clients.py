"""The two clients: the calls of `calls.py`, sent and waited for in either way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from functools import wraps
from itertools import count
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from shopsearch.client import calls
from shopsearch.client.answers import Hit
from shopsearch.client.asking import Search
from shopsearch.client.calls import Call
from shopsearch.client.retrying import Outcome, Retries

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_S = 10.0
AGENT = "shopsearch-client"


def _headers(key: str | None) -> dict[str, str]:
    agent = {"User-Agent": AGENT}
    return agent if key is None else {**agent, "Authorization": f"Bearer {key}"}


def _sent(build: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """The method that sends what a function builds."""

    @wraps(build)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))

    return method


def _awaited(
    build: Callable[P, Call[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    """The same for who awaits."""

    @wraps(build)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))

    return method


class Client:
    """A server's API. Threads may share it; close it at the end, or use it in a `with`.

    `key` is sent with each request. `timeout_s` bounds each try: connecting, and each pause within
    an answer. Methods raise `ClientError`; what may pass by itself is tried again first.
    """

    search = _sent(calls.search)
    search_batch = _sent(calls.search_batch)
    product = _sent(calls.product)
    put_product = _sent(calls.put_product)
    delete_product = _sent(calls.delete_product)
    bulk = _sent(calls.bulk)
    similar = _sent(calls.similar)
    recommendations = _sent(calls.recommendations)
    suggest = _sent(calls.suggest)
    events = _sent(calls.events)
    view = _sent(calls.view)
    click = _sent(calls.click)
    add_to_cart = _sent(calls.add_to_cart)
    purchase = _sent(calls.purchase)
    health = _sent(calls.health)

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        self._http = httpx.Client(base_url=address, headers=_headers(key), timeout=timeout_s)
        self._retries = retries or Retries()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search_all(self, asked: Search) -> Iterator[Hit]:
        """Every hit of a search, page by page as they are taken; `size` is that of a page. The
        server shows the first 10,000.
        """
        number: int | None = asked.page or 1
        while number is not None:
            page = self.send(calls.searching(replace(asked, page=number)))
            yield from page.hits
            number = calls.next_page(number, page)

    def send(self, call: Call[T]) -> T:
        """Send a call until it is answered, or not to be tried again."""
        for n_tried in count(1):
            outcome = self._try(call)
            pause_s = call.pause_s(outcome, n_tried, self._retries)
            if pause_s is None:
                return call.result(outcome)
            time.sleep(pause_s)
        raise AssertionError  # a count does not end

    def _try(self, call: Call[T]) -> Outcome:
        try:
            return self._http.request(**call.arguments())
        except httpx.TransportError as error:
            return error


class AsyncClient:
    """The same for asyncio: methods are awaited, and it is used in an `async with`."""

    search = _awaited(calls.search)
    search_batch = _awaited(calls.search_batch)
    product = _awaited(calls.product)
    put_product = _awaited(calls.put_product)
    delete_product = _awaited(calls.delete_product)
    bulk = _awaited(calls.bulk)
    similar = _awaited(calls.similar)
    recommendations = _awaited(calls.recommendations)
    suggest = _awaited(calls.suggest)
    events = _awaited(calls.events)
    view = _awaited(calls.view)
    click = _awaited(calls.click)
    add_to_cart = _awaited(calls.add_to_cart)
    purchase = _awaited(calls.purchase)
    health = _awaited(calls.health)

    def __init__(
        self,
        address: str,
        *,
        key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=address, headers=_headers(key), timeout=timeout_s)
        self._retries = retries or Retries()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def search_all(self, asked: Search) -> AsyncIterator[Hit]:
        """See `Client.search_all`."""
        number: int | None = asked.page or 1
        while number is not None:
            page = await self.send(calls.searching(replace(asked, page=number)))
            for hit in page.hits:
                yield hit
            number = calls.next_page(number, page)

    async def send(self, call: Call[T]) -> T:
        """See `Client.send`."""
        for n_tried in count(1):
            outcome = await self._try(call)
            pause_s = call.pause_s(outcome, n_tried, self._retries)
            if pause_s is None:
                return call.result(outcome)
            await asyncio.sleep(pause_s)
        raise AssertionError  # a count does not end

    async def _try(self, call: Call[T]) -> Outcome:
        try:
            return await self._http.request(**call.arguments())
        except httpx.TransportError as error:
            return error
