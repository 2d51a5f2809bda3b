"""The OpenAPI 3.1 document of the API, made of what its operations declare."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask import Flask
from openapi_pydantic import (
    Components,
    Info,
    License,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Response,
    SecurityScheme,
    Tag,
)
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shopsearch import __version__
from shopsearch.domain import Scope
from shopsearch.server.api.documents import ProblemDocument
from shopsearch.server.api.operations import JSON, PROBLEM, Answer, Served, served
from shopsearch.server.api.parameters import PATTERNED
from shopsearch.server.api.reading import JOINED

KEY = "key"  # the name of the security scheme
COMPONENTS = "#/components/schemas/{model}"
TAGS = {
    "search": "Find products by words, pictures and filters.",
    "products": "Products of the catalog.",
    "recommend": "Products like others, and products for somebody.",
    "events": "What visitors did.",
    "catalog": "Write and remove products.",
    "operations": "For those who run it.",
}

_PLACE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")  # of Werkzeug's rules
_DESCRIPTION = (
    "Search, recommendations and catalog of a shop. Errors are problem documents (RFC 9457) with a "
    "stable `code`. Fields that are not told here are refused; keys are added to answers over "
    "time, never renamed."
)


def document(app: Flask, public: Iterable[Scope]) -> dict[str, Any]:
    """The document of an application in which everybody has the `public` scopes."""
    operations = list(served(app))
    made = OpenAPI(
        openapi="3.1.0",
        info=Info(
            title="shopsearch",
            version=__version__,
            description=_DESCRIPTION,
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
        ),
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        paths=_paths(operations, frozenset(public)),
        components=Components(
            securitySchemes={
                KEY: SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An API key, made by `shopsearch keys make`.",
                )
            }
        ),
    )
    dumped: dict[str, Any] = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    dumped["components"]["schemas"] = _schemas(operations)
    return dumped


def _paths(operations: Iterable[Served], public: frozenset[Scope]) -> dict[str, PathItem]:
    paths: dict[str, PathItem] = {}
    for one in operations:
        item = paths.setdefault(_PLACE.sub(r"{\1}", one.rule.rule), PathItem())
        setattr(item, one.method.lower(), _operation(one, public))
    return paths


def _operation(one: Served, public: frozenset[Scope]) -> Operation:
    declared = one.operation
    summary, _, rest = inspect.cleandoc(one.view.__doc__ or "").partition("\n\n")
    open_to_all = declared.scope is None or declared.scope in public
    needed = {KEY: [declared.scope.value]} if declared.scope else None
    return Operation(
        operationId=declared.operation_id,
        tags=[declared.tag],
        summary=" ".join(summary.split()).rstrip("."),
        description=" ".join(rest.split()) or None,
        parameters=[
            *_parameters(declared.path, "path"),
            *_parameters(declared.query, "query"),
            *_parameters(declared.headers, "header"),
        ],
        requestBody=_body(declared.bodies) if declared.bodies else None,
        responses={
            **{str(status): _response(answer) for status, answer in declared.answers.items()},
            "default": Response(
                description="What went wrong.", content=_content(PROBLEM, ProblemDocument)
            ),
        },
        security=[*([{}] if open_to_all else []), *([needed] if needed else [])],
    )


def _parameters(model: type[BaseModel] | None, place: str) -> Iterator[Parameter]:
    """The fields of a model as parameters, and those whose names follow a pattern as one more."""
    if model is None:
        return
    schema = model.model_json_schema(ref_template=COMPONENTS)
    required = schema.get("required", ())
    for name, shape in schema["properties"].items():
        inlined = _inlined(shape, schema.get("$defs", {}))
        style = {"style": "form", "explode": False} if inlined.pop(JOINED, False) else {}
        yield Parameter.model_validate(
            {
                "name": name,
                "in": place,
                "required": name in required,
                "description": inlined.pop("description", None),
                "schema": inlined,
                **style,
            }
        )
    if patterned := schema.get(PATTERNED):
        shape = {"type": "object", "patternProperties": patterned["patternProperties"]}
        yield Parameter.model_validate(
            {
                "name": patterned["name"],
                "in": place,
                "description": patterned["description"],
                "style": "form",
                "explode": True,
                "schema": {**shape, "additionalProperties": False},
            }
        )


def _inlined(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A schema without its title, and with an enumeration that it refers to in place."""
    plain = {key: value for key, value in shape.items() if key != "title"}
    if (place := plain.pop("$ref", None)) is None:
        return plain
    named = definitions[place.rpartition("/")[2]]
    return {"type": named["type"], "enum": named["enum"], **plain}


def _body(bodies: Mapping[str, type[BaseModel]]) -> RequestBody:
    content: dict[str, MediaType] = {}
    for media_type, model in bodies.items():
        content |= _content(media_type, model)
    return RequestBody(content=content, required=True)


def _response(answer: Answer) -> Response:
    if answer.document is not None:
        content = _content(answer.media_type, answer.document)
    elif answer.media_type not in (JSON, PROBLEM):
        content = {answer.media_type: MediaType()}
    else:
        content = _content(PROBLEM, ProblemDocument)
    return Response(description=answer.description, content=content)


def _content(media_type: str, model: type[BaseModel]) -> dict[str, MediaType]:
    place = COMPONENTS.format(model=model.__name__)
    return {media_type: MediaType(media_type_schema=Reference(**{"$ref": place}))}


def _schemas(operations: Iterable[Served]) -> dict[str, Any]:
    """The schemas of all bodies and answers, by name."""
    asked = {m for one in operations for m in one.operation.bodies.values()}
    told = {a.document for one in operations for a in one.operation.answers.values() if a.document}
    inputs = [(model, "validation") for model in sorted(asked, key=lambda m: m.__name__)]
    outputs = [
        (model, "serialization")
        for model in sorted(told | {ProblemDocument}, key=lambda m: m.__name__)
    ]
    _, definitions = models_json_schema([*inputs, *outputs], ref_template=COMPONENTS)  # type: ignore[list-item]
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas
