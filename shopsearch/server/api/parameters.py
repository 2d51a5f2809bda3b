"""What a search may be asked by, as models: in an address, in JSON, and in a form.

The grammar itself is read by `server/search_request.py`, which knows what belongs together; these
say the same by name and type, for the OpenAPI document and as a first check of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    Strict,
    StrictBool,
    StrictStr,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shopsearch.domain import MAX_WISHES, Sort
from shopsearch.facets import MAX_FACETS, MAX_VALUES
from shopsearch.server.api.reading import JOINED, JSON_WHOLE, Asked
from shopsearch.server.api.showing import ShownField
from shopsearch.server.filter_fields import MAX_FIELD_CHARS
from shopsearch.server.search_request import (
    DEFAULT_FACET_LIMIT,
    DEFAULT_SIZE,
    MAX_BOUND,
    MAX_REACH,
    MAX_REPEATS,
    MAX_SIZE,
    MAX_WORDS_CHARS,
)

MAX_SEARCHES = 50  # of a batch
LEAST_WEIGHT = 0.001  # of a further wish, on either side of 0
PATTERNED = "x-patterned"  # parameters of an address whose names follow a pattern

_FIELD = r"(?!price$).{1," + str(MAX_FIELD_CHARS) + "}"
_ANY_OF, _BOUND, _HAS = (
    f"^(filter|exclude)\\.{_FIELD}$",
    f"^(min|max)\\.{_FIELD}$",
    f"^has\\..{{1,{MAX_FIELD_CHARS}}}$",
)
_WISH = r"^[^^]*$|^.*[^\s^].*\^(0?\.[0-9]{0,8}[1-9]|1)$"  # perhaps a weight after a ^


def _weighs(weight: float) -> float:
    if abs(weight) < LEAST_WEIGHT:
        raise ValueError(f"it must be from -1 to 1, but not nearer to 0 than {LEAST_WEIGHT:g}")
    return weight


def _said_once(value: str) -> str:
    if not re.search(_WISH, value):
        raise ValueError("a weight after the ^ must be above 0 and at most 1, such as blue^0.5")
    return value


_REGION = r"^(0(\.[0-9]{1,2})?,0(\.[0-9]{1,2})?,(1|0\.[0-9][1-9]),(1|0\.[0-9][1-9]))?$"


Words = Annotated[StrictStr, Field(max_length=MAX_WORDS_CHARS)]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Bound = Annotated[Number, Field(ge=-MAX_BOUND, le=MAX_BOUND)]
Price = Annotated[Number, Field(ge=0, le=MAX_BOUND)]
Part = Annotated[Number, Field(ge=0, le=1)]
Start = Annotated[Number, Field(ge=0, le=0.999)]
Extent = Annotated[Number, Field(ge=0.001, le=1)]
Value = Words | Bound
Values = Value | Annotated[list[Value], Field(max_length=MAX_REPEATS)]
Repeated = Annotated[list[Words], Field(max_length=MAX_REPEATS)]
Wish = Annotated[Words, AfterValidator(_said_once), Field(json_schema_extra={"pattern": _WISH})]
Wishes = Annotated[list[Wish], Field(max_length=MAX_WISHES)]
Said = Annotated[StrictStr, Field(min_length=1, max_length=900, pattern=r"\S")]
WishWeight = Annotated[
    Number,
    Field(ge=-1, le=1),
    AfterValidator(_weighs),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": LEAST_WEIGHT, "maximum": 1},
                {"type": "number", "minimum": -1, "maximum": -LEAST_WEIGHT},
            ],
            "description": "Above 0 more like this, below 0 less.",
        }
    ),
]

_BY_PATTERN: Mapping[str, TypeAdapter[Any]] = {
    _ANY_OF: TypeAdapter(Values),
    _BOUND: TypeAdapter(Bound),
    _HAS: TypeAdapter(StrictBool),
}
_FIELDS_DESCRIPTION = "What hits shall have beside `product_id`, joined by commas."
_FACETS_DESCRIPTION = "Fields whose values shall be counted, joined by commas; may be repeated."


_CONDITIONS: JsonSchemaValue = {
    _ANY_OF: {"type": "string", "maxLength": MAX_WORDS_CHARS},
    _BOUND: {"type": "number", "minimum": -MAX_BOUND, "maximum": MAX_BOUND},
    _HAS: {"type": "boolean"},
}


class _Common(Asked):
    """What an address, JSON and a form have in common."""

    q: Words = Field("", description="Words.")
    product_id: Words = Field("", description="Like this one.")
    text_weight: Part = Field(
        0.5, description="How much words count beside a picture or a product."
    )
    price_min: Price = Field(0, alias="price.min", description="The lowest price, included.")
    price_max: Price = Field(
        MAX_BOUND, alias="price.max", description="The highest price, included."
    )
    sort: Sort = Field(Sort.RELEVANCE, description="The order of the hits.")
    diversity: Part = Field(0, description="How much the first hits shall differ.")
    page: Annotated[int, Field(strict=True, ge=1, le=MAX_REACH), JSON_WHOLE] = Field(
        1, description="1 is the first."
    )
    size: Annotated[int, Field(strict=True, ge=1, le=MAX_SIZE), JSON_WHOLE] = Field(
        DEFAULT_SIZE, description="Hits of a page."
    )
    why: StrictBool = Field(False, description="Each hit says why it is one.")
    as_typed: StrictBool = Field(False, description="No word is corrected.")
    cutoff: StrictBool = Field(False, description="Only what is relevant is found and counted.")
    collapse: StrictBool = Field(False, description="Variants of a product are one hit.")
    understand: StrictBool = Field(
        True, description="Prices, colours and the like are read out of the words."
    )
    facet_limit: Annotated[int, Field(strict=True, ge=1, le=MAX_VALUES), JSON_WHOLE] = Field(
        DEFAULT_FACET_LIMIT, description="Values of each facet."
    )
    facet_query: Words = Field(
        "", description="Only values of the facets that contain it, in whatever case."
    )


class SearchParameters(_Common):
    """A search in an address. `filter.FIELD=VALUE` and its like are further parameters."""

    model_config = ConfigDict(
        json_schema_extra={
            PATTERNED: {
                "name": "conditions",
                "description": (
                    "`filter.FIELD` a value that will do (repeated: either), `exclude.FIELD` one "
                    "that will not, `min.FIELD` and `max.FIELD` bounds of a number, `has.FIELD` "
                    "whether the field has a value."
                ),
                "patternProperties": _CONDITIONS,
            }
        }
    )

    not_: Repeated = Field(
        [], alias="not", description="Words for what hits must not be like; may be repeated."
    )
    also_product: Wishes = Field([], description="More like a product: `A7^0.5`.")
    not_product: Annotated[list[Words], Field(max_length=MAX_WISHES)] = Field(
        [], description="Less like a product; it is no hit itself."
    )
    literal: Repeated = Field([], description="Words that shall be no more than words.")
    also: Wishes = Field([], description="More of these words: `blue^0.5`.")
    facets: Annotated[list[Words], Field(max_length=MAX_FACETS)] = Field(
        [], description=_FACETS_DESCRIPTION
    )
    fields: list[ShownField] = Field(
        [], description=_FIELDS_DESCRIPTION, json_schema_extra={JOINED: True}
    )


class _InBodies(_Common):
    """What JSON and a form have in common: pictures, and one value where a list may stand."""

    not_: Words | Repeated = Field(
        [], alias="not", description="Words for what hits must not be like; may be repeated."
    )
    literal: Words | Repeated = Field([], description="Words that shall be no more than words.")
    also_product: Wish | Wishes = Field([], description="More like a product: `A7^0.5`.")
    not_product: Words | Annotated[list[Words], Field(max_length=MAX_WISHES)] = Field(
        [], description="Less like a product; it is no hit itself."
    )
    facets: Words | Annotated[list[Words], Field(max_length=MAX_FACETS)] = Field(
        [], description=_FACETS_DESCRIPTION
    )
    image_url: Words = Field("", description="The address of a picture.")
    also_image_url: Wish | Wishes = Field([], description="More like the picture at an address.")


class SearchForm(_InBodies):
    """A search as a form, with pictures as files; further parameters are as in an address."""

    model_config = ConfigDict(json_schema_extra={"patternProperties": _CONDITIONS})

    also: Wish | Wishes = Field([], description="More of these words: `blue^0.5`.")
    fields: ShownField | list[ShownField] = Field([], description=_FIELDS_DESCRIPTION)
    image: bytes = Field(b"", description="The picture to search by.")
    also_image: bytes = Field(b"", description="More like it; `also_image^0.5` with a weight.")
    not_image: bytes = Field(b"", description="Less like it.")
    crop: Words = Field(
        "",
        description="x,y,width,height of the region of the picture, as parts of it.",
        json_schema_extra={"pattern": _REGION},
    )


class PriceRange(Asked):
    """Bounds of the price."""

    min: Price | None = None
    max: Price | None = None


class WordsWish(Asked):
    """More or less of these words."""

    text: Said
    weight: WishWeight = 1.0


class ProductWish(Asked):
    """More or less like a product."""

    product_id: Said
    weight: WishWeight = 1.0


class PictureWish(Asked):
    """More or less like the picture at an address."""

    image_url: Said
    weight: WishWeight = 1.0


AnyWish = WordsWish | ProductWish | PictureWish | Wish


def _is_field(name: str) -> str:
    if not re.fullmatch(_FIELD, name):
        raise ValueError(
            f"a field has 1 to {MAX_FIELD_CHARS} characters; prices are filtered by `price`"
        )
    return name


FieldName = Annotated[StrictStr, AfterValidator(_is_field)]


def _map_of(values: Any) -> JsonSchemaValue:
    """The schema of a map from the names of fields."""
    names = {"pattern": f"^{_FIELD}$"}
    shape = TypeAdapter(values).json_schema()
    return {"type": "object", "propertyNames": names, "additionalProperties": shape}


ByFieldValues = Annotated[dict[FieldName, Values], WithJsonSchema(_map_of(Values))]
ByFieldBound = Annotated[dict[FieldName, Bound], WithJsonSchema(_map_of(Bound))]
ByFieldFlag = Annotated[dict[FieldName, StrictBool], WithJsonSchema(_map_of(StrictBool))]


class SearchBody(_InBodies):
    """A search as JSON. Names with a dot may be nested: `{"price": {"min": 5}}`. What is null does
    not count.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "q": "running shoes",
                    "filter": {"brand": ["Nike", "Puma"]},
                    "price": {"max": 80},
                    "not": ["leather"],
                    "facets": ["color", "price"],
                    "size": 5,
                }
            ]
        },
    )

    also: Annotated[list[AnyWish], Field(max_length=MAX_WISHES)] | AnyWish = Field(
        [], description="Further wishes with weights."
    )
    price: PriceRange = PriceRange()
    filter: ByFieldValues = Field({}, description="Values that will do.")
    exclude: ByFieldValues = Field({}, description="Values that will not do.")
    min: ByFieldBound = Field({}, description="The lowest numbers.")
    max: ByFieldBound = Field({}, description="The highest numbers.")
    has: ByFieldFlag = Field({}, description="Whether fields have a value.")
    fields: list[ShownField] = Field([], description=_FIELDS_DESCRIPTION)
    crop: tuple[Start, Start, Extent, Extent] = Field(
        (0.0, 0.0, 1.0, 1.0),
        description="x, y, width and height of the region of the picture, as parts of it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}

    @model_validator(mode="after")
    def _checked_by_pattern(self) -> Self:
        for name, value in (self.__pydantic_extra__ or {}).items():
            adapter = next((a for p, a in _BY_PATTERN.items() if re.search(p, name)), None)
            if adapter is None:
                raise ValueError(f"there is no `{name[:80]}` to search by")
            adapter.validate_python(value)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Every field may be null, and further fields follow the patterns."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema["properties"] = {
            name: {"anyOf": [one, {"type": "null"}]} for name, one in schema["properties"].items()
        }
        nullable = {"type": "null"}
        schema["patternProperties"] = {
            pattern: {"anyOf": [adapter.json_schema(), nullable]}
            for pattern, adapter in _BY_PATTERN.items()
        }
        schema["additionalProperties"] = False
        return schema


class BatchBody(Asked):
    """Several searches at once, without uploaded pictures."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"searches": [{"q": "red mug"}, {"q": "boots", "fields": ["title"]}]}]
        }
    )

    searches: list[SearchBody] = Field(min_length=1, max_length=MAX_SEARCHES)
