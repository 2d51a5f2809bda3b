"""What a request brings along, read into the model that its operation declares.

Unknown names are refused, and a message says which field, which value and what would do.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, ClassVar, TypeVar

from flask import abort, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from shopsearch.errors import QueryError
from shopsearch.server.api.json_body import MAX_JSON_BYTES, json_body

Model = TypeVar("Model", bound=BaseModel)

_SHOWN_CHARS = 80
_UNKNOWN = "extra_forbidden"
_TAG = "union_tag"


def _flag(value: object) -> object:
    if value not in ("true", "false"):
        raise ValueError("it must be true or false")
    return value == "true"


def _whole(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch("[0-9]{1,9}", value):
        raise ValueError("it must be a whole number, such as 12")
    return int(value)


# of an address, where everything is a text: pydantic alone would take "yes", " 5" and "1_000" too
QueryFlag = Annotated[bool, BeforeValidator(_flag)]
WHOLE = BeforeValidator(_whole)  # stands after the bounds: `Annotated[int, Field(ge=1), WHOLE]`
JOINED = "x-joined"  # marks a list of an address that is one text, joined by commas


def _split(value: object) -> object:
    return [one for one in value.split(",") if one] if isinstance(value, str) else value


SPLIT = BeforeValidator(_split)


def _json_whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# of JSON, which has one kind of numbers: 25.0 is a whole one. Stands after the bounds, as `WHOLE`.
JSON_WHOLE = BeforeValidator(_json_whole)


class Asked(BaseModel):
    """The base of everything that a request may bring: frozen, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    variants: ClassVar[Collection[str]] = ()  # tags of its unions, which are no part of a place


def read_query(model: type[Model]) -> Model:
    """The parameters of the address at hand. Raises `QueryError`."""
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        given[name] = values[0] if len(values) == 1 else values
    return validated(model, given)


def read_body(model: type[Model], *, max_bytes: int = MAX_JSON_BYTES) -> Model:
    """The JSON body at hand. Raises `QueryError`; answers 413 and 415 itself."""
    if not request.is_json:
        abort(415, "send application/json")
    return validated(model, json_body(max_bytes=max_bytes))


def validated(model: type[Model], given: object) -> Model:
    """A document as its model. Raises `QueryError`."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise QueryError(explained(error, model)) from None


def explained(error: ValidationError, model: type[BaseModel]) -> str:
    """The first fault of a document, in one sentence."""
    fault = error.errors(include_url=False)[0]
    variants = getattr(model, "variants", ())
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}"
        for part in fault["loc"]
        if part not in variants
    ).lstrip(".")
    if fault["type"].startswith(_TAG):
        return _untagged(place, fault)
    if fault["type"] == _UNKNOWN and len(fault["loc"]) == 1:
        known = ", ".join(f.alias or name for name, f in model.model_fields.items())
        return f"there is no `{_shown(place)}` here; there is: {known}"
    if fault["type"] == _UNKNOWN:
        return f"there is no `{_shown(place)}`; leave it out"
    if not place:
        return f"the body must be a JSON object: {fault['msg']}"
    if fault["type"] == "missing":
        return f"`{_shown(place)}` is missing"
    return f"`{_shown(place)}` is {_shown(repr(fault['input']))}: {fault['msg']}"


def _untagged(place: str, fault: ErrorDetails) -> str:
    """That it cannot be told which of several kinds an object is."""
    told = fault.get("ctx", {})
    name = _shown(f"{place}.{str(told['discriminator']).strip(chr(39))}".lstrip("."))
    if "tag" not in told:
        return f"`{name}` is missing"
    return f"`{name}` is {_shown(repr(told['tag']))}, but must be one of {told['expected_tags']}"


def _shown(value: str) -> str:
    short = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
    return short.encode(errors="replace").decode()
