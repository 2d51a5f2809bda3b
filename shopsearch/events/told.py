"""One event as a shop tells it: the same in the API and in files."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shopsearch.domain import (
    MAX_EVENT_ID_CHARS,
    MAX_ORDER_CHARS,
    MAX_PRODUCT_ID_CHARS,
    MAX_QUANTITY,
    MAX_VISITOR_CHARS,
    PSEUDONYM,
    Event,
    EventKind,
    is_pseudonym,
)
from shopsearch.errors import EventRejected

CLOCK_SKEW = timedelta(minutes=5)  # how far in the future the clock of a shop may be
MAX_RANK = 10_000

_EVENT_ID = rf"[A-Za-z0-9._~:-]{{1,{MAX_EVENT_ID_CHARS}}}"
_QUERY_ID = r"[A-Za-z0-9_-]{1,64}"
_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:(?P<second>\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_FAULT = "event"
_SHOWN_CHARS = 80


def _fault(message: str) -> PydanticCustomError:
    return PydanticCustomError(_FAULT, "{message}", {"message": message})


def _text(max_chars: int) -> PlainValidator:
    """Any text of 1 to so many characters, halves of a pair included: JSON can spell them."""

    def check(value: object) -> str:
        if isinstance(value, str) and 1 <= len(value) <= max_chars:
            return value
        raise _fault(f"it must be a text of 1 to {max_chars} characters")

    return PlainValidator(check)


def _spelt(is_good: Callable[[str], object], must_be: str) -> PlainValidator:
    """A text that is spelt in a certain way."""

    def check(value: object) -> str:
        if isinstance(value, str) and is_good(value):
            return value
        raise _fault(f"it must be {must_be}")

    return PlainValidator(check)


def _schema(max_chars: int, **more: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "minLength": 1, "maxLength": max_chars, **more})


def _whole(value: object) -> object:
    """A whole number, also where it is spelt 3.0: for JSON Schema that is an integer too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _moment(value: object) -> datetime:
    matched = _RFC_3339.fullmatch(value) if isinstance(value, str) else None
    if matched is not None:
        text = matched[0]
        if matched["second"] == "60":  # a leap second, which Python does not know
            text = f"{text[:17]}59{text[19:]}"
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise _fault("it must be a moment with its zone (RFC 3339), such as 2026-03-05T12:00:00Z")


ProductId = Annotated[str, _text(MAX_PRODUCT_ID_CHARS), _schema(MAX_PRODUCT_ID_CHARS)]
OrderId = Annotated[str, _text(MAX_ORDER_CHARS), _schema(MAX_ORDER_CHARS)]
EventId = Annotated[
    str,
    _spelt(
        re.compile(_EVENT_ID).fullmatch,
        f"1 to {MAX_EVENT_ID_CHARS} letters, digits and signs of `._~:-`",
    ),
    _schema(MAX_EVENT_ID_CHARS, pattern=f"^{_EVENT_ID}$"),
]
QueryId = Annotated[
    str,
    _spelt(re.compile(_QUERY_ID).fullmatch, "the `query_id` of an answer"),
    _schema(64, pattern=f"^{_QUERY_ID}$"),
]
VisitorId = Annotated[
    str,
    _spelt(
        is_pseudonym,
        f"a pseudonym of 1 to {MAX_VISITOR_CHARS} letters, digits and signs of `._~:-`, and no "
        "e-mail address, telephone number or other long number: send a random id, such as a UUID, "
        "or a keyed hash in hexadecimal digits",
    ),
    _schema(MAX_VISITOR_CHARS, pattern=f"^(?:{PSEUDONYM})$"),
]
Moment = Annotated[
    datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Rank = Annotated[int, Field(strict=True, ge=1, le=MAX_RANK), BeforeValidator(_whole)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY), BeforeValidator(_whole)]


class ToldEvent(BaseModel):
    """What events of all types say. What a shop leaves out is empty here."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"dependentRequired": {"query_id": ["rank"], "rank": ["query_id"]}},
    )
    kind: ClassVar[EventKind]

    product_id: ProductId = Field(description="The product that something was done with.")
    event_id: EventId = Field(
        default_factory=str,
        description="Your own id of the event: what is sent twice under one is kept once.",
    )
    visitor_id: VisitorId = Field(
        default_factory=str,
        description=(
            "A pseudonym of the visitor: random, or a keyed hash; nothing that names anybody. It "
            "is kept as a hash."
        ),
    )
    at: Moment = Field(
        default_factory=lambda: datetime.now(UTC),
        description="When it was done (RFC 3339, with its zone); now, where it is left out.",
    )
    query_id: QueryId = Field(
        default_factory=str, description="That of the answer which showed the product."
    )
    rank: Rank = Field(
        default_factory=int, description="The rank of the hit in that answer; with `query_id`."
    )

    @model_validator(mode="after")
    def _names_both_or_none(self) -> Self:
        if bool(self.query_id) != bool(self.rank):
            missing = "rank" if self.query_id else "query_id"
            raise _fault(f"`query_id` and `rank` belong together, but `{missing}` is missing")
        return self

    def event(self, event_id: str) -> Event:
        """The noun, under an id where it has none of its own."""
        return Event(
            event_id=self.event_id or event_id,
            kind=self.kind,
            product_id=self.product_id,
            at=self.at,
            visitor=self.visitor_id,
            order_id=getattr(self, "order_id", ""),
            quantity=getattr(self, "quantity", 1),
        )

    def untimely(self, now: datetime, keep_days: int) -> str | None:
        """Why `at` cannot be, with its value; None where it can."""
        if self.at > now + CLOCK_SKEW:
            return (
                f"{self.at.isoformat()} lies in the future, as it is {now.isoformat()} here: "
                "check the clock and the zone"
            )
        if self.at < now - timedelta(days=keep_days):
            return (
                f"{self.at.isoformat()} is longer ago than the {keep_days} days for which events "
                "are kept (SHOPSEARCH_EVENTS_DAYS)"
            )
        return None


class View(ToldEvent):
    """A product was looked at."""

    kind = EventKind.VIEW
    type: Literal["view"]


class Click(ToldEvent):
    """A product was chosen from a list, such as the hits of a search."""

    kind = EventKind.CLICK
    type: Literal["click"]


class AddToCart(ToldEvent):
    """A product was put into the cart."""

    kind = EventKind.CART
    type: Literal["add_to_cart"]
    quantity: Quantity = Field(1, description="How many of it.")


class Purchase(ToldEvent):
    """A product was bought; one event for each product of an order."""

    kind = EventKind.PURCHASE
    type: Literal["purchase"]
    quantity: Quantity = Field(1, description="How many of it.")
    order_id: OrderId = Field(
        default_factory=str,
        description="The order: its products were bought together. It is kept as a hash.",
    )


AnyEvent = Annotated[View | Click | AddToCart | Purchase, Field(discriminator="type")]
TYPES = frozenset(kind.value for kind in EventKind)
_ADAPTER: TypeAdapter[View | Click | AddToCart | Purchase] = TypeAdapter(AnyEvent)


def read_told(record: object) -> View | Click | AddToCart | Purchase:
    """An event from what JSON has spelt. Raises `EventRejected`."""
    try:
        return _ADAPTER.validate_python(record)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"] if part not in TYPES)
        if fault["type"].startswith("union_tag"):
            raise EventRejected(f"`type` must be one of {', '.join(EventKind)}") from None
        if fault["type"] == "missing":
            raise EventRejected(f"`{where}` is missing") from None
        if fault["type"] == "extra_forbidden":
            raise EventRejected(f"there is no `{shown(where)}` in such an event") from None
        told = f"`{where}` is {shown(repr(fault['input']))}: " if where else ""
        raise EventRejected(f"{told}{fault['msg']}") from None


def shown(value: str) -> str:
    """A value as a message quotes it."""
    short = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
    return short.encode(errors="replace").decode()


def random_id() -> str:
    """An id for an event that nobody will send again."""
    return secrets.token_urlsafe(12)


def hashed_id(*names: str) -> str:
    """The id of what is named by these texts, the same each time."""
    said = "\x00".join(names).encode(errors="surrogatepass")
    return hashlib.sha256(said).hexdigest()[:32]
