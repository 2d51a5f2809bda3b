"""Who may do what."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What an operation of the API needs and a key may carry. `admin` includes all others."""

    SEARCH = "search"  # read products: search, suggest, one product, heat maps, pictures
    RECOMMEND = "recommend"  # similar and recommended products
    EVENTS = "events"  # tell what visitors did
    CATALOG = "catalog"  # write and remove products
    ADMIN = "admin"  # see metrics and whatever else tells of the shop itself
