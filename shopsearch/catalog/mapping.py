"""The mapping of a feed, kept beside it in a small TOML: `products.csv.toml` for `products.csv`.

It has the keys of `_Table` and two tables: `[fields]`, such as `title = "product_name"`, or
`price = ["sale_price", "price"]`, of which the first with a value is taken; and `[defaults]`, such
as `brand = "Acme"`, for what a product lacks. See docs/feeds.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from shopsearch.catalog.base import Columns, FieldMapping, Variants
from shopsearch.catalog.fields import FIELD_ALIASES, field_named
from shopsearch.catalog.prices import is_currency
from shopsearch.errors import CatalogError, FeedFormatError

ENDING = ".toml"
_MAX_BYTES = 1_000_000


def mapping_beside(feed: Path) -> Path | None:
    """The mapping file that lies beside a feed, if there is one."""
    beside = feed.with_name(feed.name + ENDING) if feed.name else feed
    return beside if beside.is_file() else None


def read_mapping_file(path: Path, formats: Iterable[str]) -> FieldMapping:
    """What a mapping file says. Raises `CatalogError`, naming file and key."""
    return _Table(path, formats).mapping(_parsed(path))


def _parsed(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CatalogError(f"{path}: the mapping cannot be read ({error.strerror})") from error
    if len(content) > _MAX_BYTES:
        raise FeedFormatError(f"{path}: {_MAX_BYTES:,} bytes are no mapping; name another")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FeedFormatError(
            f"{path}: byte {error.start:,} is no UTF-8; save the mapping as UTF-8"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FeedFormatError(f"{path}: this is no TOML ({error}); see toml.io") from error


class _Table:
    """Reads the keys of a mapping file, each checked as it is read."""

    def __init__(self, path: Path, formats: Iterable[str]) -> None:
        self._path = path
        self._formats = tuple(formats)
        self._keys: Mapping[str, Callable[[str, Any], object]] = {
            "format": self._format,
            "currency": self._currency,
            "variants": self._variants,
            "include_drafts": self._yes_or_no,
            "changes": self._yes_or_no,
            "skip": self._names,
            "fields": self._fields,
            "defaults": self._defaults,
        }

    def mapping(self, table: Mapping[str, Any]) -> FieldMapping:
        """All of it. Raises `FeedFormatError`."""
        told: dict[str, Any] = {}
        for key, value in table.items():
            if key not in self._keys:
                self._fail(key, f"there is no such key; the keys are {', '.join(self._keys)}")
            told[key] = self._keys[key](key, value)
        return FieldMapping(
            columns=told.get("fields", {}),
            currency=told.get("currency"),
            defaults=told.get("defaults", {}),
            skipped=frozenset(told.get("skip", ())),
            format=told.get("format"),
            variants=told.get("variants"),
            include_drafts=told.get("include_drafts"),
            has_changes=told.get("changes"),
            file=self._path,
        )

    def _format(self, key: str, value: Any) -> str | None:
        if value == "auto":
            return None
        if value not in self._formats:
            self._fail(key, f"{value!r} is none of auto, {', '.join(self._formats)}")
        return str(value)

    def _currency(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not is_currency(value):
            self._fail(key, f"{value!r} is no ISO 4217 code; give one such as USD or EUR")
        return value

    def _variants(self, key: str, value: Any) -> Variants:
        known = {one.value: one for one in Variants}
        if not isinstance(value, str) or value not in known:
            self._fail(key, f"{value!r} is none of {', '.join(known)}")
        return known[value]

    def _yes_or_no(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self._fail(key, f"{value!r} is neither true nor false")
        return value

    def _names(self, key: str, value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            self._fail(key, f"{value!r} is no list of names in quotes")
        return value

    def _fields(self, key: str, value: Any) -> dict[str, Columns]:
        return {
            field: column if isinstance(column, str) and column else self._names(place, column)
            for field, place, column in self._by_field(key, value)
        }

    def _defaults(self, key: str, value: Any) -> dict[str, str]:
        told = {}
        for field, place, default in self._by_field(key, value):
            if field == "id":
                self._fail(place, "an id has no default: it is another one for every product")
            if not isinstance(default, str):
                self._fail(place, f"{default!r} is no text in quotes")
            told[field] = default
        return told

    def _by_field(self, key: str, value: Any) -> list[tuple[str, str, Any]]:
        """Field, how its key is written, and what is said for it."""
        if not isinstance(value, dict):
            self._fail(key, f"this is a table: write [{key}], and a line for each field below it")
        told = []
        for name, said in value.items():
            if (field := field_named(name)) is None:
                self._fail(
                    f"{key}.{name}",
                    f"there is no field {name!r}; the fields are {', '.join(FIELD_ALIASES)}",
                )
            told.append((field, f"{key}.{name}", said))
        return told

    def _fail(self, key: str, problem: str) -> NoReturn:
        raise FeedFormatError(f"{self._path}: {key}: {problem}")
