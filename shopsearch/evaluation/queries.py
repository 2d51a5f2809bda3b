"""Reads judged queries (JSON, one object a line) and judgments (CSV).

Queries: `{"query_id", "text"?, "image"?, "product_id"?, "text_weight"?, "not"?, "also"?,
"filters"?, "slice"?}`. `image` is a path relative to the file, `not` a text or a list of texts.
`also` is a list of further wishes, each `{"text" or "image" or "product_id", "weight"?}`; a weight
is from -1 to 1, but not 0. `filters` maps
a field to a text, a list of texts (any of them), `{"min", "max"}` (inclusive, one may lack), or
true or false (whether the field has a value). `slice`, a text or a list of texts, names the groups
whose measures are shown by themselves; it does not change the search.

Judgments: a header with `query_id`, `product_id` and `gain`, in any order; other columns are let
through unread. A gain is a number from 0 to MAX_GAIN, 0 for "judged and found irrelevant".
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeGuard

from shopsearch.domain import (
    EVERYTHING,
    MAX_WISHES,
    AnyOf,
    Between,
    Condition,
    Exists,
    ProductFilter,
    Query,
    Wanted,
)
from shopsearch.errors import EvaluationError

MAX_GAIN = 30.0  # nDCG takes 2^gain
_QRELS_COLUMNS = ("query_id", "product_id", "gain")
_QUERY_KEYS = (
    *("query_id", "text", "image", "product_id", "text_weight", "not"),
    *("also", "filters", "slice"),
)
_WISH_KEYS = ("text", "image", "product_id", "weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWish:
    """A further wish: words, a picture or a product."""

    text: str = ""
    image: Path | None = None
    product_id: str | None = None
    weight: float = 1.0

    @property
    def told(self) -> str:
        """The wish in words."""
        picture = f"the picture {self.image.name}" if self.image else ""
        product = f"like product {self.product_id}" if self.product_id else ""
        return f"{self.weight:+g} {self.text or picture or product}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedQuery:
    """A search with an id that judgments know it by."""

    query_id: str
    text: str = ""
    image: Path | None = None
    product_id: str | None = None
    text_weight: float = 0.5
    negatives: tuple[str, ...] = ()
    also: tuple[JudgedWish, ...] = ()
    where: ProductFilter = EVERYTHING
    slices: tuple[str, ...] = ()

    def as_query(self, k: int) -> Query:
        """The search for the first `k` hits; reads the picture."""
        return Query(
            text=self.text,
            image=None if self.image is None else _picture_bytes(self.image, self.query_id),
            product_id=self.product_id,
            text_weight=self.text_weight,
            negatives=self.negatives,
            also=tuple(
                Wanted(
                    text=one.text,
                    image=None if one.image is None else _picture_bytes(one.image, self.query_id),
                    product_id=one.product_id,
                    weight=one.weight,
                )
                for one in self.also
            ),
            where=self.where,
            k=k,
        )


def read_queries(path: Path) -> list[JudgedQuery]:
    """The queries of a file, in its order. Raises `EvaluationError`."""
    lines: dict[str, int] = {}
    queries = []
    for number, line in _lines(path):
        if not line.strip():
            continue
        query = _LineReader(path, number).query(line)
        if (first := lines.setdefault(query.query_id, number)) != number:
            _fail(path, number, f"the query id {query.query_id!r} stands in line {first} already")
        queries.append(query)
    if not queries:
        raise EvaluationError(f"{path} holds no query; write one JSON object a line into it")
    return queries


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """Query id -> product id -> gain. Raises `EvaluationError`."""
    reader = csv.reader((line for _, line in _lines(path)), strict=True)
    qrels: dict[str, dict[str, float]] = {}
    try:
        columns = _columns(path, next(reader, []))
        for row in reader:
            if row:
                query_id, product_id, gain = _judgment(path, reader.line_num, row, columns)
                if product_id in qrels.setdefault(query_id, {}):
                    pair = f"the pair {query_id!r}, {product_id!r} is judged twice"
                    _fail(path, reader.line_num, f"{pair}; keep one of the two lines")
                qrels[query_id][product_id] = gain
    except csv.Error as error:
        _fail(path, reader.line_num, f"this is not CSV: {error}")
    if not qrels:
        raise EvaluationError(f"{path} holds no judgment; write `query_id,product_id,gain` lines")
    return qrels


class _LineReader:
    """Makes a query of one line; knows where it stands, for the messages."""

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number

    def query(self, line: str) -> JudgedQuery:
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._fail(f"this is not JSON ({error}); write one object a line")
        if not isinstance(fields, dict):
            self._fail(
                f'{_short(fields)} is no JSON object; write {{"query_id": ..., "text": ...}}'
            )
        if unknown := sorted(set(fields) - set(_QUERY_KEYS)):
            self._fail(f"{unknown[0]!r} is no key of a query; they are {', '.join(_QUERY_KEYS)}")
        query = JudgedQuery(
            query_id=self._id(fields, "query_id") or self._fail("the query has no 'query_id'"),
            text=self._text("text", fields.get("text")),
            image=self._image(self._text("image", fields.get("image"))),
            product_id=self._id(fields, "product_id"),
            text_weight=self._weight(fields.get("text_weight")),
            negatives=self._texts("not", fields.get("not")),
            also=self._wishes(fields.get("also")),
            where=self._filter(fields.get("filters")),
            slices=tuple(dict.fromkeys(self._texts("slice", fields.get("slice")))),
        )
        is_wished = any(wish.weight > 0.0 for wish in query.also)
        if not (query.text.strip() or query.image or query.product_id or is_wished):
            self._fail("the query asks for nothing; give it a 'text', an 'image' or a 'product_id'")
        return query

    def _fail(self, problem: str) -> NoReturn:
        _fail(self._path, self._number, problem)

    def _text(self, key: str, value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self._fail(f"{key!r} is {_short(value)}, but must be a text in quotes")
        return value

    def _texts(self, key: str, value: object) -> tuple[str, ...]:
        values = value if isinstance(value, list) else [value]
        return tuple(text for each in values if (text := self._text(key, each)))

    def _id(self, fields: Mapping[str, object], key: str) -> str | None:
        value = fields.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self._text(key, value) or None

    def _image(self, name: str) -> Path | None:
        if not name:
            return None
        path = self._path.parent / name
        if "\x00" in name or not path.is_file():
            self._fail(f"there is no picture at {str(path)!r}; paths are relative to the queries")
        return path

    def _weight(self, value: object) -> float:
        if value is None:
            return 0.5
        if not _is_number(value) or not 0.0 <= value <= 1.0:
            self._fail(f"'text_weight' is {_short(value)}, but must be a number from 0 to 1")
        return float(value)

    def _wishes(self, value: object) -> tuple[JudgedWish, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_WISHES:
            self._fail(f"'also' is {_short(value)}, but must be a list of at most {MAX_WISHES}")
        return tuple(map(self._wish, value))

    def _wish(self, value: object) -> JudgedWish:
        if not isinstance(value, dict) or set(value) - set(_WISH_KEYS):
            keys = ", ".join(_WISH_KEYS)
            self._fail(f"'also' holds {_short(value)}, but its keys must be among {keys}")
        weight = value.get("weight", 1)
        if not _is_number(weight) or not 0.0 < abs(weight) <= 1.0:
            self._fail(f"'weight' is {_short(weight)}, but must be from -1 to 1, and not 0")
        wish = JudgedWish(
            text=self._text("text", value.get("text")),
            image=self._image(self._text("image", value.get("image"))),
            product_id=self._id(value, "product_id"),
            weight=float(weight),
        )
        if sum((bool(wish.text.strip()), bool(wish.image), bool(wish.product_id))) != 1:
            self._fail(f"'also' holds {_short(value)}, but must have a text, an image or a product")
        return wish

    def _filter(self, value: object) -> ProductFilter:
        if value is None:
            return EVERYTHING
        if not isinstance(value, dict):
            self._fail(f"'filters' is {_short(value)}, but must be an object, field by field")
        return ProductFilter(tuple(self._condition(field, asked) for field, asked in value.items()))

    def _condition(self, field: str, asked: object) -> Condition:
        if isinstance(asked, bool):
            return Exists(field, present=asked)
        if isinstance(asked, str | list) and (texts := self._texts(field, asked)):
            return AnyOf(field, tuple(text.casefold() for text in texts))
        if isinstance(asked, dict) and asked and set(asked) <= {"min", "max"}:
            low, high = asked.get("min"), asked.get("max")
            if all(bound is None or _is_number(bound) for bound in (low, high)):
                return Between(field, low, high)
        return self._fail(
            f"the filter {field!r} is {_short(asked)}, but must be a text, a list of texts, "
            'true, false, or {"min": number, "max": number}'
        )


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file with their numbers, from 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(file, start=1)
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise EvaluationError(
            f"{path} is not UTF-8 (it holds the byte 0x{wrong:02x}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise EvaluationError(
            f"{path} cannot be read ({error.strerror}); check the path and its permissions"
        ) from error


def _columns(path: Path, header: list[str]) -> list[int]:
    """Where query id, product id and gain stand in a row."""
    names = [name.strip() for name in header]
    if missing := [name for name in _QRELS_COLUMNS if name not in names]:
        _fail(
            path,
            1,
            f"the header {_short(','.join(header))} lacks {', '.join(missing)}; "
            f"write {','.join(_QRELS_COLUMNS)} as the first line",
        )
    return [names.index(name) for name in _QRELS_COLUMNS]


def _judgment(
    path: Path, number: int, row: list[str], columns: list[int]
) -> tuple[str, str, float]:
    if len(row) <= max(columns):
        _fail(path, number, f"the row {_short(','.join(row))} has too few fields")
    query_id, product_id, written = (row[place].strip() for place in columns)
    if not (query_id and product_id):
        _fail(path, number, f"the row {_short(','.join(row))} lacks a query_id or a product_id")
    try:
        gain = float(written)
    except ValueError:
        gain = math.nan
    if not 0.0 <= gain <= MAX_GAIN:
        _fail(path, number, f"the gain {written!r} is not a number from 0 to {MAX_GAIN:.0f}")
    return query_id, product_id, gain


def _picture_bytes(path: Path, query_id: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EvaluationError(
            f"the picture {str(path)!r} of query {query_id!r} cannot be read ({error.strerror}); "
            "check the path and its permissions"
        ) from error


def _is_number(value: object) -> TypeGuard[float]:
    """Whether a JSON value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max


def _short(value: object) -> str:
    """A value as messages quote it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _fail(path: Path, number: int, problem: str) -> NoReturn:
    raise EvaluationError(f"{path}:{number}: {problem}")
