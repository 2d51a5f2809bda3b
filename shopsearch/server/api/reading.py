"""What a request brings along, read into the model that its operation declares.

Unknown names are refused, and a message says which field, which value and what would do.
"""

from __future__ import annotations

from typing import Any, TypeVar

from flask import abort, request
from pydantic import BaseModel, ConfigDict, ValidationError

from shopsearch.errors import QueryError
from shopsearch.server.api.json_body import MAX_JSON_BYTES, json_body

Model = TypeVar("Model", bound=BaseModel)

_SHOWN_CHARS = 80
_UNKNOWN = "extra_forbidden"
_UNTOLD_KIND = ("union_tag_invalid", "union_tag_not_found")


class Asked(BaseModel):
    """The base of everything that a request may bring: frozen, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def read_query(model: type[Model]) -> Model:
    """The parameters of the address at hand. Raises `QueryError`."""
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        given[name] = values[0] if len(values) == 1 else values
    return _validated(model, given)


def read_body(model: type[Model], *, max_bytes: int = MAX_JSON_BYTES) -> Model:
    """The JSON body at hand. Raises `QueryError`; answers 413 and 415 itself."""
    if not request.is_json:
        abort(415, "send application/json")
    return _validated(model, json_body(max_bytes=max_bytes))


def _validated(model: type[Model], given: object) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise QueryError(explained(error, model)) from None


def explained(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a document, in one sentence."""
    fault = error.errors(include_url=False)[0]
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]
    ).lstrip(".")
    if fault["type"] == _UNKNOWN and len(fault["loc"]) == 1:
        known = ", ".join(f.alias or name for name, f in model.model_fields.items())
        return f"there is no `{_shown(place)}` here; there is: {known}"
    if fault["type"] == _UNKNOWN:
        return f"there is no `{_shown(place)}`; leave it out"
    if fault["type"] in _UNTOLD_KIND:
        kinds = fault.get("ctx", {}).get("expected_tags", "")
        return f"`kind` must be {'told' if not kinds else f'one of {kinds}'}"
    if not place:
        return f"the body must be a JSON object: {fault['msg']}"
    if fault["type"] == "missing":
        return f"`{_shown(place)}` is missing"
    return f"`{_shown(place)}` is {_shown(repr(fault['input']))}: {fault['msg']}"


def _shown(value: str) -> str:
    short = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
    return short.encode(errors="replace").decode()
