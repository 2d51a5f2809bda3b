"""What visitors did with products, without who they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MAX_VISITOR_CHARS = 64
MAX_ORDER_CHARS = 64


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
