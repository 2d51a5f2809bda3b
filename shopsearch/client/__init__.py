"""Client of the HTTP API: calls in, typed answers out, for programs that are not the server.

In:    the address of a server, and a key where it asks for one.
Out:   `Client` and `AsyncClient`, which have the same methods; answers as frozen models that
       tolerate keys which a newer server adds.
Fails: `ClientError` and what is below it, see `errors.py`; what passes by itself is tried again.
More:  an operation is one function in `calls.py` and one line in each of the two clients.

    from shopsearch.client import Client

    with Client("http://127.0.0.1:8000", key="...") as shop:
        for hit in shop.search("red mug", price_max=20).hits:
            print(hit.product_id, hit.title)

It needs httpx and pydantic, and imports nothing else of shopsearch.
"""

from shopsearch.client.answers import (
    Accepted,
    BatchFailure,
    BulkOutcome,
    Facet,
    FacetValue,
    Health,
    Hit,
    Page,
    PriceBand,
    PriceBin,
    PriceHistogram,
    Product,
    Suggestions,
    Understood,
    Written,
)
from shopsearch.client.asking import Event, Search, Wish
from shopsearch.client.clients import AsyncClient, Client
from shopsearch.client.errors import (
    ApiError,
    BadRequest,
    ClientError,
    Conflict,
    Forbidden,
    NotFound,
    PictureUnusable,
    RateLimited,
    ServerBroken,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from shopsearch.client.recommending import (
    BoughtTogether,
    ByExamples,
    ByHistory,
    Complementary,
    Past,
    SimilarTo,
    Trending,
)
from shopsearch.client.retrying import Retries

__all__ = [
    "Accepted",
    "ApiError",
    "AsyncClient",
    "BadRequest",
    "BatchFailure",
    "BoughtTogether",
    "BulkOutcome",
    "ByExamples",
    "ByHistory",
    "Client",
    "ClientError",
    "Complementary",
    "Conflict",
    "Event",
    "Facet",
    "FacetValue",
    "Forbidden",
    "Health",
    "Hit",
    "NotFound",
    "Page",
    "Past",
    "PictureUnusable",
    "PriceBand",
    "PriceBin",
    "PriceHistogram",
    "Product",
    "RateLimited",
    "Retries",
    "Search",
    "ServerBroken",
    "SimilarTo",
    "Suggestions",
    "TimedOut",
    "Trending",
    "Unauthorized",
    "Unavailable",
    "Understood",
    "Unreachable",
    "Wish",
    "Written",
]
