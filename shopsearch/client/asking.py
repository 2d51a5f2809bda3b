"""What can be asked: searches with their wishes, and events."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

Picture = bytes | Path | str  # its bytes, a file, or an address (http or https)
Values = str | float | Sequence[str | float]
Sort = Literal["relevance", "price_asc", "price_desc", "newest", "popularity"]
Part = tuple[str, tuple[str, bytes, str]]  # of a form: its name, and a file
Region = tuple[float, float, float, float]  # x, y, width, height, as parts of a picture

_PICTURE = "image"
_PICTURE_TYPE = "application/octet-stream"  # the server looks at the bytes, not at a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """More (or, with a weight below 0, less) of some words, of a product or of a picture: of one of
    them.
    """

    text: str | None = None
    product_id: str | None = None
    image: Picture | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Raises `ValueError` where it wishes for nothing, or for several things."""
        given = [one for one in (self.text, self.product_id, self.image) if one is not None]
        if len(given) != 1:
            raise ValueError(
                f"a wish names one of text, product_id and image, but this one names {len(given)}"
            )

    def document(self) -> dict[str, Any]:
        """As JSON, for all but pictures that are uploaded."""
        if self.image is not None:
            return {"image_url": str(self.image), "weight": self.weight}
        if self.product_id is not None:
            return {"product_id": self.product_id, "weight": self.weight}
        return {"text": self.text, "weight": self.weight}


@dataclass(frozen=True, slots=True)
class Search:
    """A search. What is None is left to the server; docs/api.md tells what each field means."""

    q: str | None = None
    _: KW_ONLY
    image: Picture | None = None
    crop: Region | None = None  # the part of the picture to search by
    product_id: str | None = None
    text_weight: float | None = None
    not_: Sequence[str] = ()
    also: Sequence[Wish] = ()
    not_product: Sequence[str] = ()
    filter: Mapping[str, Values] = field(default_factory=dict)
    exclude: Mapping[str, Values] = field(default_factory=dict)
    min: Mapping[str, float] = field(default_factory=dict)
    max: Mapping[str, float] = field(default_factory=dict)
    has: Mapping[str, bool] = field(default_factory=dict)
    price_min: float | None = None
    price_max: float | None = None
    sort: Sort | None = None
    diversity: float | None = None
    page: int | None = None
    size: int | None = None
    why: bool | None = None
    as_typed: bool | None = None
    understand: bool | None = None
    literal: Sequence[str] = ()
    cutoff: bool | None = None
    collapse: bool | None = None
    facets: Sequence[str] = ()
    facet_limit: int | None = None
    facet_query: str | None = None
    fields: Sequence[str] = ()

    @property
    def uploads(self) -> bool:
        """Whether pictures have to be sent along."""
        return any(_is_uploaded(one) for one in (self.image, *(wish.image for wish in self.also)))

    def document(self) -> dict[str, Any]:
        """As JSON. Raises `ValueError` where pictures have to be sent along."""
        if self.uploads:
            raise ValueError("pictures cannot be sent along here: give their addresses")
        price = {"min": self.price_min, "max": self.price_max}
        told = {
            **self._plain(),
            "image_url": self.image,
            "crop": self.crop and list(self.crop),
            "also": [wish.document() for wish in self.also],
            "price": {name: bound for name, bound in price.items() if bound is not None},
            **{name: dict(getattr(self, name)) for name in ("min", "max", "has")},
            "filter": {name: _listed(values) for name, values in self.filter.items()},
            "exclude": {name: _listed(values) for name, values in self.exclude.items()},
        }
        return {name: value for name, value in told.items() if value not in (None, [], {})}

    def form(self) -> tuple[dict[str, list[str]], list[Part]]:
        """As the fields of a form, and the pictures beside them."""
        fields: dict[str, list[str]] = {}
        for name, value in self._form_fields():
            fields.setdefault(name, []).append(_spelled(value))
        parts = [(_PICTURE, self.image), *((_also_name(one), one.image) for one in self.also)]
        return fields, [
            (name, (name, _content(picture), _PICTURE_TYPE))
            for name, picture in parts
            if isinstance(picture, bytes | Path)
        ]

    def _form_fields(self) -> Iterator[tuple[str, Any]]:
        """Names are joined by dots, and lists repeat."""
        named = {**self._plain(), "price.min": self.price_min, "price.max": self.price_max}
        for group in ("filter", "exclude", "min", "max", "has"):
            for name, value in getattr(self, group).items():
                named[f"{group}.{name}"] = value
        if isinstance(self.image, str):
            named["image_url"] = self.image
        if self.crop is not None:
            named["crop"] = ",".join(_spelled(one) for one in self.crop)
        for name, value in named.items():
            yield from ((name, one) for one in _listed(value))
        for wish in self.also:
            yield from _wish_fields(wish)

    def _plain(self) -> dict[str, Any]:
        names = (
            *("q", "product_id", "text_weight", "sort", "diversity", "page", "size", "why"),
            *("as_typed", "understand", "cutoff", "collapse", "facet_limit"),
            "facet_query",
        )
        lists = ("not_product", "literal", "facets", "fields")
        told: dict[str, Any] = {name: getattr(self, name) for name in names}
        told |= {name: list(getattr(self, name)) for name in lists}
        return {**told, "not": list(self.not_)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a visitor did with a product. What is sent twice under one `event_id` is kept once."""

    type: Literal["view", "click", "add_to_cart", "purchase"]
    product_id: str
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    query_id: str | None = None  # of the answer that showed it, with the rank of the hit there
    rank: int | None = None
    visitor_id: str | None = None  # a pseudonym, nothing that names anybody
    at: datetime | None = None  # with its zone; None: now
    quantity: int | None = None
    order_id: str | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for a moment that may be any of several."""
        if self.at is not None and self.at.tzinfo is None:
            raise ValueError(f"`at` is {self.at.isoformat()}, without its zone: add one, as UTC")

    def document(self) -> dict[str, Any]:
        """As JSON."""
        at = None if self.at is None else self.at.isoformat()
        told = {name: getattr(self, name) for name in self.__slots__} | {"at": at}
        return {name: value for name, value in told.items() if value is not None}


def _listed(value: Any) -> list[Any]:
    """The values that a field is given."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _spelled(value: object) -> str:
    """A value as forms have it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.9f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _is_uploaded(picture: Picture | None) -> bool:
    return isinstance(picture, bytes | Path)


def _content(picture: bytes | Path) -> bytes:
    return picture.read_bytes() if isinstance(picture, Path) else picture


def _also_name(wish: Wish) -> str:
    return f"also_image^{_spelled(float(wish.weight))}"


def _wish_fields(wish: Wish) -> Iterator[tuple[str, str]]:
    names = {"also": wish.text, "also_product": wish.product_id}
    if isinstance(wish.image, str):
        names["also_image_url"] = wish.image
    for name, value in names.items():
        if value is not None:
            yield name, f"{value}^{_spelled(float(wish.weight))}"
