"""The JSON shapes that the command line and the HTTP API share.

Keys are a promise to other people's programs: add some, never rename one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shopsearch.domain import FILTER_FIELDS, Hit, Price, Product, SearchPage

ImageUrl = Callable[[Hit], str | None]

_SCORE_DIGITS = 4  # float32 cosines of two machines agree to about as many


def page_json(page: SearchPage, image_url: ImageUrl) -> dict[str, Any]:
    """One page of hits; `image_url` says where the picture of a hit can be had, None for nowhere.

    `price` is a number in major units, such as 19.99, or null like `currency`.
    """
    return {
        "hits": [hit_json(hit, image_url(hit)) for hit in page.hits],
        "total": page.total,
        "took_ms": round(page.took_ms, 1),
        "generation": page.generation,
    }


def hit_json(hit: Hit, image: str | None) -> dict[str, Any]:
    """One hit."""
    return {
        "rank": hit.rank,
        "score": round(hit.score, _SCORE_DIGITS),
        "product_id": hit.product.product_id,
        "title": hit.product.title,
        **price_json(hit.product.price),
        "image": image,
    }


def product_json(product: Product, image: str | None) -> dict[str, Any]:
    """Everything that the catalog holds of one product; "" where it holds nothing."""
    return {
        "product_id": product.product_id,
        "title": product.title,
        "description": product.description,
        **price_json(product.price),
        "image": image,
        "link": product.link,
        "product_type": product.product_type,
        **{name: getattr(product, name) for name in FILTER_FIELDS},
        "attributes": dict(product.attributes),
    }


def price_json(price: Price | None) -> dict[str, Any]:
    """The price in major units and its currency."""
    if price is None:
        return {"price": None, "currency": None}
    return {"price": float(price.amount), "currency": price.currency}
