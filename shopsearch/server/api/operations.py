"""What each operation of the API is: its name, who may ask, what goes in and what comes out.

A handler says it of itself, with `@operation(...)` under its route:

    @blueprint.get("/suggest")
    @operation("suggest", tag="search", scope=Scope.SEARCH, query=SuggestParameters,
               answers={200: Answer("What may be meant.", SuggestDocument)})
    def suggest() -> Response: ...

Rights, rate limits, metrics, the OpenAPI document and its tests all read it here, so none of them
can forget an operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from flask import Flask
from pydantic import BaseModel
from werkzeug.routing import Rule

from shopsearch.domain import Scope

JSON = "application/json"
PROBLEM = "application/problem+json"
MULTIPART = "multipart/form-data"

_MARK = "shopsearch_operation"

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that an operation answers with."""

    description: str
    document: type[BaseModel] | None = None  # None: no body, or one that is not JSON
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as its handler declares it; method and path are those of its route."""

    operation_id: str
    tag: str
    scope: Scope | None  # None: open to everybody
    answers: Mapping[int, Answer]
    query: type[BaseModel] | None = None  # its fields are the parameters of the address
    path: type[BaseModel] | None = None  # its fields are the parts of the path
    headers: type[BaseModel] | None = None  # the aliases of its fields are the headers' names
    bodies: Mapping[str, type[BaseModel]] = field(default_factory=dict)  # by media type
    is_write: bool = False  # it changes the catalog: it is noted in the audit log


class Served(NamedTuple):
    """An operation where it is served."""

    rule: Rule
    method: str
    view: Callable[..., Any]
    operation: Operation


def operation(
    operation_id: str,
    *,
    tag: str,
    scope: Scope | None,
    answers: Mapping[int, Answer],
    query: type[BaseModel] | None = None,
    path: type[BaseModel] | None = None,
    headers: type[BaseModel] | None = None,
    bodies: Mapping[str, type[BaseModel]] | None = None,
    is_write: bool = False,
) -> Callable[[View], View]:
    """Declare a handler to be an operation of the API; its docstring is what people read of it."""
    declared = Operation(
        operation_id,
        tag,
        scope,
        answers,
        query=query,
        path=path,
        headers=headers,
        bodies=dict(bodies or {}),
        is_write=is_write,
    )

    def declare(view: View) -> View:
        setattr(view, _MARK, declared)
        return view

    return declare


def operation_of(app: Flask, endpoint: str | None) -> Operation | None:
    """The operation behind an endpoint; None for pages, static files and the like."""
    view = app.view_functions.get(endpoint or "")
    declared: Operation | None = getattr(view, _MARK, None)
    return declared


def served(app: Flask) -> Iterator[Served]:
    """All operations of an application, by path and method."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        declared = operation_of(app, rule.endpoint)
        if declared is None:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Served(rule, method, app.view_functions[rule.endpoint], declared)
