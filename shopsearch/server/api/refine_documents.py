"""The JSON of `/api/v1/refine`: what is asked, and what is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictStr, StringConstraints

from shopsearch.domain import MAX_PRODUCT_ID_CHARS, Sort
from shopsearch.refining import MAX_SAID_CHARS, MAX_SHOWN
from shopsearch.server.api.documents import Document
from shopsearch.server.api.parameters import SearchBody
from shopsearch.server.api.reading import Asked

ShownId = Annotated[StrictStr, StringConstraints(min_length=1, max_length=MAX_PRODUCT_ID_CHARS)]


class RefineBody(Asked):
    """What is said about a search."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "say": "cheaper, and in blue",
                    "search": {"q": "red mug", "price": {"max": 40}},
                    "shown": ["mug-red", "a//b"],
                }
            ]
        }
    )

    say: StrictStr = Field(
        min_length=1, max_length=MAX_SAID_CHARS, description="In English, as people talk."
    )
    search: SearchBody = Field(
        SearchBody(), description="The search at hand, as `POST /api/v1/search` takes it."
    )
    shown: Annotated[list[ShownId], Field(max_length=MAX_SHOWN)] = Field(
        [], description="The ids of the products that are shown, in their order."
    )
    pictured: StrictBool = Field(
        False, description="A picture that is not sent here is searched by, too."
    )


class RefinedWishDocument(Document):
    """A further wish: words, a product or the address of a picture."""

    text: str | None = None
    product_id: str | None = None
    image_url: str | None = None
    weight: float = Field(ge=-1, le=1)


class RefinedPriceDocument(Document):
    """The bounds of the price."""

    min: float | None = None
    max: float | None = None


class RefinedSearchDocument(Document):
    """A search, as `POST /api/v1/search` takes it: without what is not asked for."""

    q: str | None = None
    image_url: str | None = None
    product_id: str | None = None
    crop: list[float] | None = None
    text_weight: float | None = None
    not_: list[str] | None = Field(None, alias="not")
    also: list[RefinedWishDocument] | None = None
    filter: dict[str, list[str]] | None = None
    exclude: dict[str, list[str]] | None = None
    min: dict[str, float] | None = None
    max: dict[str, float] | None = None
    has: dict[str, bool] | None = None
    price: RefinedPriceDocument | None = None
    sort: Sort | None = None
    diversity: float | None = None
    size: int | None = None
    page: int | None = None
    why: bool | None = None
    as_typed: bool | None = None
    understand: bool | None = None
    literal: list[str] | None = None
    cutoff: bool | None = None
    collapse: bool | None = None
    facets: list[str] | None = None
    facet_limit: int | None = None
    facet_query: str | None = None
    fields: list[str] | None = None


class ChangeDocument(Document):
    """One thing that was done to the search."""

    kind: Literal[
        "words",
        "topic",
        "filter",
        "exclude",
        "price",
        "not",
        "wish",
        "like",
        "sort",
        "removed",
        "restart",
        "undo",
    ] = Field(description="`undo` is for whoever keeps the searches: go back to the one before.")
    text: str = Field(description="The part of the search by name, such as `color: blue`.")
    field: str | None = Field(None, description="The field of products that it is about.")


class RefinedDocument(Document):
    """The search after what was said, and what was done."""

    search: RefinedSearchDocument
    address: str = Field(description="The page of this site that answers the search.")
    changes: list[ChangeDocument]
    not_understood: list[str] = Field(
        description="The words that changed nothing; `reply` says why."
    )
    reply: str = Field(description="What was done and what was not, in plain English.")
    took_ms: float = Field(ge=0)
