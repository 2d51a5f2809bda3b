"""What visitors did with products, without who they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_EVENT_ID_CHARS = 64
MAX_VISITOR_CHARS = 64
MAX_ORDER_CHARS = 64
MAX_QUANTITY = 10_000

# What may be a pseudonym. Random ids in hexadecimal digits, such as a UUID, may have seven digits
# in a row; whatever else has, or eight with dots and hyphens between, looks like a number of
# somebody, as `looks_personal` has it. The same in Python and in JSON Schema (ECMA-262).
_HEX = "[0-9A-Fa-f]"
_RANDOM = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_RANDOM += f"|(?=[0-9]*[A-Fa-f]){_HEX}{{16,}}"
_LONG_NUMBER = "[0-9]{7}|[0-9](?:[.-]{0,3}[0-9]){7}"
PSEUDONYM = (
    f"[A-Za-z._~:-]{{0,24}}(?:{_RANDOM})"
    f"|(?!.*(?:{_LONG_NUMBER}))[A-Za-z0-9._~:-]{{1,{MAX_VISITOR_CHARS}}}"
)
_PSEUDONYM = re.compile(PSEUDONYM)


class EventKind(StrEnum):
    """What was done, from the weakest sign of interest to the strongest."""

    VIEW = "view"
    CLICK = "click"
    CART = "add_to_cart"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """That somebody did something with a product.

    `visitor` is a pseudonym that the shop has chosen, "" where it gives none. Purchases of one
    `order_id` were bought together; without one, those of one visitor on one day (UTC) count as so.
    One that was kept comes back with a keyed hash in the place of the order's number.
    """

    event_id: str  # what is sent twice under one id is kept once
    kind: EventKind
    product_id: str
    at: datetime
    visitor: str = ""
    order_id: str = ""
    quantity: int = 1  # of a purchase or a cart


@dataclass(frozen=True, slots=True)
class Together:
    """How often two products met in one basket, and how often each was in one at all."""

    product_id: str  # the other one
    n_together: int
    n_baskets: int  # that held the other one


@dataclass(frozen=True, slots=True)
class Popular:
    """How much a product was wanted in a stretch of time."""

    product_id: str
    n_events: int


def is_pseudonym(text: str) -> bool:
    """Whether a visitor may be called so: nothing that looks like an address or a number."""
    return len(text) <= MAX_VISITOR_CHARS and bool(_PSEUDONYM.fullmatch(text))
