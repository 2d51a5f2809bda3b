"""Which fields of hits and products an answer shows: those asked for, or the usual ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from shopsearch.domain import Hit, SearchPage
from shopsearch.errors import QueryError
from shopsearch.server.addresses import hit_picture_address
from shopsearch.wire import hit_json, page_json, product_json

ShownProductField = Literal[
    "title",
    "price",
    "currency",
    "image",
    "description",
    "link",
    "product_type",
    "brand",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "item_group_id",
    "gtin",
    "attributes",
]
ShownField = Literal["rank", "score", "variants", "why"] | ShownProductField

SHOWN = ("rank", "score", "variants", "why", *get_args(ShownProductField))


def check_shown(fields: Sequence[str]) -> None:
    """Raises `QueryError` for a field that cannot be shown."""
    if strange := [name for name in fields if name not in SHOWN and name != "product_id"]:
        raise QueryError(
            f"`fields` names {strange[0][:80]!r}, which cannot be shown; "
            f"there is: {', '.join(SHOWN)}"
        )


def page_document(page: SearchPage, fields: Sequence[str] = ()) -> dict[str, Any]:
    """A page of hits, its pictures under addresses of this site."""
    if not fields:
        return page_json(page, hit_picture_address)
    return {
        **page_json(page, hit_picture_address),
        "hits": [hit_document(hit, fields) for hit in page.hits],
    }


def hit_document(hit: Hit, fields: Sequence[str] = ()) -> dict[str, Any]:
    """One hit: its id, and of all that is known of it what was asked for."""
    image = hit_picture_address(hit)
    usual = hit_json(hit, image)
    return usual if not fields else chosen({**product_json(hit.product, image), **usual}, fields)


def chosen(document: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The id and these fields of a document; what it does not have is left out."""
    return {
        name: value for name, value in document.items() if name == "product_id" or name in fields
    }


def query_id_document(query_id: str | None) -> dict[str, str]:
    """`query_id` where the search was logged: events name it."""
    return {} if query_id is None else {"query_id": query_id}
