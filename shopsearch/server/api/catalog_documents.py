"""What is sent to write the catalog, and what is answered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from shopsearch.domain import MAX_PRODUCT_ID_CHARS
from shopsearch.server.api.documents import Count, Document, ProductDocument
from shopsearch.server.api.reading import Asked

MAX_OPERATIONS = 1_000
MAX_FURTHER_PICTURES = 100
MAX_AMOUNT = 10**12

ProductId = Annotated[
    StrictStr,
    Field(min_length=1, max_length=MAX_PRODUCT_ID_CHARS, description="The shop's own id."),
]
Text = StrictStr | None
Amount = (
    Annotated[StrictInt, Field(ge=0, le=MAX_AMOUNT)]
    | Annotated[StrictFloat, Field(ge=0, le=MAX_AMOUNT, allow_inf_nan=False)]
)
Values = (
    StrictStr
    | StrictBool
    | StrictInt
    | Annotated[StrictFloat, Field(allow_inf_nan=False)]
    | list[StrictStr]
    | None
)
AttributeName = Annotated[StrictStr, Field(min_length=1)]


class ProductBody(Asked):
    """A product in the fields of feeds: a title or a picture at least. What is left out is none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Red mug",
                    "price": 19.99,
                    "currency": "USD",
                    "image_link": "https://shop.example/mug.jpg",
                    "brand": "Nordic",
                    "product_type": "Kitchen > Mugs",
                    "availability": "in_stock",
                    "attributes": {"glaze": "matt"},
                }
            ]
        }
    )

    title: Text = None
    description: Text = None
    image_link: Text = Field(None, description="The http(s) address of the main picture.")
    additional_image_link: Annotated[list[StrictStr], Field(max_length=MAX_FURTHER_PICTURES)] = (
        Field([], description="Further pictures.")
    )
    link: Text = Field(None, description="Its page in the shop.")
    price: Amount | StrictStr | None = Field(
        None, description="`19.99 USD`, or a number with `currency`."
    )
    currency: Annotated[StrictStr, Field(pattern="^[A-Za-z]{3}$")] | None = Field(
        None, description="ISO 4217; of a price that names none."
    )
    brand: Text = None
    product_type: Text = Field(None, description="Its category, as a path: `Kitchen > Mugs`.")
    availability: Text = None
    color: Text = None
    size: Text = None
    material: Text = None
    gender: Text = None
    item_group_id: Text = None
    gtin: Text = None
    attributes: dict[AttributeName, Values] = Field({}, description="Whatever else it has.")


class UpsertOperation(ProductBody):
    """Put a product in, or in the place of the one that has its id."""

    op: Literal["upsert"]
    product_id: ProductId


class RemoveOperation(Asked):
    """Take a product out."""

    op: Literal["remove"]
    product_id: ProductId


class BulkBody(Asked):
    """Several changes, made in their order."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "operations": [
                        {"op": "upsert", "product_id": "A7", "title": "Red mug"},
                        {"op": "remove", "product_id": "B2"},
                    ]
                }
            ]
        }
    )

    operations: list[Annotated[UpsertOperation | RemoveOperation, Field(discriminator="op")]] = (
        Field(min_length=1, max_length=MAX_OPERATIONS)
    )


class NamedParameters(Asked):
    """The product."""

    id: str = Field(min_length=1, max_length=MAX_PRODUCT_ID_CHARS, description="The shop's own id.")


class WriteHeaders(Asked):
    """On which condition a product is written."""

    if_match: str | None = Field(
        None,
        alias="If-Match",
        description="The `ETag` of the product as it was read; 412 where it is another one now.",
    )


class BulkHeaders(Asked):
    """By what a request is known again."""

    idempotency_key: str | None = Field(
        None,
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="The same key and body within 24 hours: the same answer, and nothing is done.",
    )


Generation = Annotated[
    str | None, Field(description="The index generation that has it; null where there is none yet.")
]


class WrittenProductDocument(ProductDocument):
    """The product as it is now, durable and in the index."""

    status: Literal["indexed", "unchanged"]
    generation: Generation


class RemovedProductDocument(Document):
    """The product is gone."""

    product_id: str
    status: Literal["removed"]
    generation: Generation


class BulkResultDocument(Document):
    """What became of one operation."""

    product_id: str
    status: Literal["indexed", "unchanged", "removed", "rejected"]
    reason: str | None = Field(None, description="Why it was rejected.")
    field: str | None = Field(None, description="The field to blame.")


class BulkDocument(Document):
    """What became of the operations, in their order. The counts are of statuses."""

    results: list[BulkResultDocument]
    indexed: Count
    unchanged: Count
    removed: Count
    rejected: Count
    generation: Generation
