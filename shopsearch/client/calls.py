"""Every operation of the API as one value: what is sent, and how the answer is read.

Both clients are made of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, ParamSpec, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import ValidationError

from shopsearch.client.answers import (
    Accepted,
    BatchFailure,
    BulkOutcome,
    Health,
    Page,
    Product,
    Suggestions,
    Written,
)
from shopsearch.client.asking import Event, Part, Search
from shopsearch.client.errors import Problem, ServerBroken, TimedOut, Unreachable, error_of
from shopsearch.client.recommending import Wanted
from shopsearch.client.retrying import Outcome, Retries, retry_after_s

P = ParamSpec("P")
T = TypeVar("T")

_API = "/api/v1"
_FIRST_ERROR = 400
_NOT_MODIFIED = 304
_UNAVAILABLE = 503
# what browsers, proxies and routes would tidy up on the way, see the server's `addresses.py`
_UNTIDY = re.compile(r"(^|/)\.{0,2}(/|$)|[\\\x00-\x1f]|/(similar|heatmap\.png)$|^bulk$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and how its answer is read."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Mapping[str, Any] | None = None
    json: Any = None
    form: Mapping[str, Sequence[str]] | None = None
    files: Sequence[Part] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accepts: frozenset[int] = frozenset()  # statuses of errors that `read` understands
    repeatable: bool = True  # sent twice, it does the same as sent once

    def arguments(self) -> dict[str, Any]:
        """What httpx sends."""
        return {
            "method": self.method,
            "url": self.path,
            "params": self.params,
            "json": self.json,
            "data": self.form,
            "files": self.files,
            "headers": dict(self.headers),
        }

    def pause_s(self, outcome: Outcome, n_tried: int, retries: Retries) -> float | None:
        """Seconds to wait before the next try; None where this outcome is the last one."""
        if isinstance(outcome, httpx.Response) and outcome.status_code in self.accepts:
            return None
        return retries.pause_s(outcome, n_tried, repeatable=self.repeatable)

    def result(self, outcome: Outcome) -> T:
        """What the answer says. Raises `Unreachable` where none came, and `ApiError`."""
        if isinstance(outcome, httpx.TimeoutException):
            raise TimedOut(f"{self.method} {self.path} was not answered in time") from outcome
        if isinstance(outcome, httpx.TransportError):
            reason = str(outcome) or type(outcome).__name__
            raise Unreachable(f"{self.method} {self.path} was not answered: {reason}") from outcome
        status = outcome.status_code
        if status >= _FIRST_ERROR and status not in self.accepts:
            raise error_of(problem_of(outcome))
        try:
            return self.read(outcome)
        except (ValidationError, ValueError) as error:
            raise ServerBroken(_strange(outcome, error)) from error


def problem_of(answer: httpx.Response) -> Problem:
    """What an answer says went wrong; a proxy's, of which nothing is known, says its status."""
    try:
        told = answer.json()
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    return Problem(
        status=answer.status_code,
        code=str(told.get("code", "")),
        detail=str(told.get("detail") or answer.reason_phrase),
        request_id=str(told.get("request_id") or answer.headers.get("X-Request-Id", "")),
        retry_after=retry_after_s(answer),
    )


def asking(make: Callable[P, Search]) -> Callable[P, Call[Page]]:
    """The search that takes the fields of a `Search` as its own arguments."""

    def search(*args: P.args, **kwargs: P.kwargs) -> Call[Page]:
        """Find products; the arguments are the fields of a `Search`."""
        return searching(make(*args, **kwargs))

    return search


def searching(asked: Search) -> Call[Page]:
    """Find products. Pictures that are bytes or files are sent along."""
    path = f"{_API}/search"
    if not asked.uploads:
        return Call(method="POST", path=path, json=asked.document(), read=_page)
    form, files = asked.form()
    return Call(method="POST", path=path, form=form, files=files, read=_page)


search = asking(Search)


def next_page(asked: int, page: Page) -> int | None:
    """The page after one, as long as it has hits."""
    n_seen = (asked - 1) * (page.size or len(page.hits)) + len(page.hits)
    return asked + 1 if page.hits and n_seen < page.total else None


def search_batch(searches: Iterable[Search]) -> Call[tuple[Page | BatchFailure, ...]]:
    """Answer up to 50 searches at once, in their order; one that fails does not stop the others."""
    documents = [one.document() for one in searches]

    def read(answer: httpx.Response) -> tuple[Page | BatchFailure, ...]:
        return tuple(_of_batch(one) for one in answer.json()["results"])

    path = f"{_API}/search/batch"
    return Call(method="POST", path=path, json={"searches": documents}, read=read)


def product(
    product_id: str, *, fields: Sequence[str] = (), known: Product | None = None
) -> Call[Product]:
    """One product of the catalog. With one that is `known`, it comes only where it has changed, and
    otherwise the known one is given back.
    """
    path, params = _product_address(product_id)
    if fields:
        params["fields"] = ",".join(fields)
    headers = {"If-None-Match": known.etag} if known is not None and known.etag else {}

    def read(answer: httpx.Response) -> Product:
        if answer.status_code == _NOT_MODIFIED and known is not None:
            return known
        return Product.model_validate({**answer.json(), "etag": answer.headers.get("ETag")})

    return Call(method="GET", path=path, params=params, headers=headers, read=read)


def put_product(product_id: str, fields: Mapping[str, Any]) -> Call[Written]:
    """Write a product, whole: what it had before and is not named is gone. The fields are those of
    a feed, such as `title`, `price`, `image_link`.
    """
    path, params = _product_address(product_id)
    return Call(
        method="PUT", path=path, params=params, json=dict(fields), read=_written(product_id)
    )


def delete_product(product_id: str) -> Call[Written]:
    """Remove a product from the catalog."""
    path, params = _product_address(product_id)
    return Call(method="DELETE", path=path, params=params, read=_written(product_id))


def bulk(
    operations: Iterable[Mapping[str, Any]], *, idempotency_key: str | None = None
) -> Call[BulkOutcome]:
    """Make up to 1,000 changes in their order: `{"op": "upsert", "product_id": ..., "title": ...}`
    or `{"op": "remove", "product_id": ...}`. One that is rejected does not stop the others.

    Tried again under the same key, nothing is done twice; without one, the call has its own.
    """
    return Call(
        method="POST",
        path=f"{_API}/products/bulk",
        json={"operations": [dict(one) for one in operations]},
        headers={"Idempotency-Key": idempotency_key or uuid4().hex},
        read=lambda answer: BulkOutcome.model_validate_json(answer.content),
    )


def similar(
    product_id: str,
    *,
    k: int | None = None,
    why: bool | None = None,
    fields: Sequence[str] = (),
    text_weight: float | None = None,
) -> Call[Page]:
    """The products most like one, without itself. A `text_weight` of 0 asks for what looks like it,
    1 for what is described like it.
    """
    if _UNTIDY.search(product_id):
        return searching(Search(product_id=product_id, size=k or 12, why=why, fields=fields))
    params: dict[str, Any] = {} if k is None else {"k": k}
    if why is not None:
        params["why"] = str(why).lower()
    if fields:
        params["fields"] = ",".join(fields)
    if text_weight is not None:
        params["text_weight"] = text_weight
    path = f"{_API}/products/{quote(product_id, safe='')}/similar"
    return Call(method="GET", path=path, params=params, read=_page)


def recommendations(wanted: Wanted) -> Call[Page]:
    """Recommended products; what is wanted is one of the nouns of `recommending.py`."""
    path = f"{_API}/recommendations"
    return Call(method="POST", path=path, json=wanted.document(), read=_page)


def suggest(q: str, *, size: int | None = None) -> Call[Suggestions]:
    """What the beginning of a search may become."""
    params: dict[str, Any] = {"q": q} if size is None else {"q": q, "size": size}
    return Call(method="GET", path=f"{_API}/suggest", params=params, read=_suggestions)


def events(told: Iterable[Event]) -> Call[Accepted]:
    """Tell what visitors did; as each event has an id, what is sent twice is kept once."""
    documents = [one.document() for one in told]
    path = f"{_API}/events"
    return Call(method="POST", path=path, json={"events": documents}, read=_accepted)


def view(
    product_id: str, *, visitor_id: str | None = None, at: datetime | None = None
) -> Call[Accepted]:
    """Tell that a visitor has looked at a product."""
    return events([Event(type="view", product_id=product_id, visitor_id=visitor_id, at=at)])


def click(
    product_id: str,
    *,
    query_id: str | None = None,
    rank: int | None = None,
    visitor_id: str | None = None,
    at: datetime | None = None,
) -> Call[Accepted]:
    """Tell that a visitor has chosen a product; of a hit, with the `query_id` of its page and its
    rank.
    """
    told = Event(
        type="click",
        product_id=product_id,
        query_id=query_id,
        rank=rank,
        visitor_id=visitor_id,
        at=at,
    )
    return events([told])


def add_to_cart(
    product_id: str,
    *,
    quantity: int | None = None,
    visitor_id: str | None = None,
    at: datetime | None = None,
) -> Call[Accepted]:
    """Tell that a visitor has put a product into the cart."""
    told = Event(
        type="add_to_cart", product_id=product_id, quantity=quantity, visitor_id=visitor_id, at=at
    )
    return events([told])


def purchase(
    product_ids: str | Sequence[str],
    *,
    order_id: str | None = None,
    visitor_id: str | None = None,
    at: datetime | None = None,
) -> Call[Accepted]:
    """Tell that a visitor has bought a product, or several together."""
    bought = [product_ids] if isinstance(product_ids, str) else product_ids
    return events(
        Event(type="purchase", product_id=one, order_id=order_id, visitor_id=visitor_id, at=at)
        for one in bought
    )


def health() -> Call[Health]:
    """Whether the server can answer searches, and what is wrong where it cannot."""

    def read(answer: httpx.Response) -> Health:
        told = dict(answer.json())
        if answer.status_code == _UNAVAILABLE:
            told["status"] = "not-ready"
        return Health.model_validate(told)

    return Call(method="GET", path="/readyz", read=read, accepts=frozenset({_UNAVAILABLE}))


def _page(answer: httpx.Response) -> Page:
    return Page.model_validate_json(answer.content)


def _suggestions(answer: httpx.Response) -> Suggestions:
    return Suggestions.model_validate_json(answer.content)


def _accepted(answer: httpx.Response) -> Accepted:
    return Accepted.model_validate_json(answer.content)


def _written(product_id: str) -> Callable[[httpx.Response], Written]:
    def read(answer: httpx.Response) -> Written:
        told = answer.json() if answer.content else {}
        return Written.model_validate({"product_id": product_id, **told})

    return read


def _of_batch(one: Mapping[str, Any]) -> Page | BatchFailure:
    if (problem := one.get("problem")) is not None:
        return BatchFailure.model_validate({**problem, "status": one["status"]})
    return Page.model_validate({name: value for name, value in one.items() if name != "status"})


def _product_address(product_id: str) -> tuple[str, dict[str, str]]:
    if _UNTIDY.search(product_id):
        return f"{_API}/products", {"id": product_id}
    return f"{_API}/products/{quote(product_id, safe='')}", {}


def _strange(answer: httpx.Response, error: Exception) -> Problem:
    return Problem(
        status=answer.status_code,
        code="strange-answer",
        detail=f"the answer cannot be understood: {error}; is this the address of a shopsearch?",
        request_id=answer.headers.get("X-Request-Id", ""),
    )
