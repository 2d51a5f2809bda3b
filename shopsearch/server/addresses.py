"""Where things are on this site: the one place that writes an address.

A product id is the shop's own and may hold anything. Most travel as the last part of a path. Those
that browsers and proxies would tidy up on the way ("..", "a//b") travel as a parameter instead.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode, urlsplit

from shopsearch.domain import Hit, Region, Sort
from shopsearch.server.filter_fields import written_conditions
from shopsearch.server.search_request import DEFAULT_SIZE, SearchRequest
from shopsearch.server.wish_fields import IMAGE_URL, written_wishes

THUMBNAIL_SIZES_PX = (160, 320, 480)
VALUES = "/search/values"
PICTURES = ("image_url", IMAGE_URL)  # fields that stand in no address

# what follows `/api/v1/products/` and is no id; one that looks like it travels as a parameter
NO_PRODUCT = r"(?:bulk|.*/(?:similar|heatmap\.png))"

_TIDIED_UP = re.compile(rf"(^|/)\.{{0,2}}(/|$)|[\\\x00-\x1f]|^{NO_PRODUCT}$")


def product_address(product_id: str) -> str:
    """The page of a product."""
    return _with_id("/products", product_id)


def alike_address(product_id: str, alike: str) -> str:
    """The page of a product, with what is like it by its looks or by its words."""
    address = product_address(product_id)
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'alike': alike})}#similar"


def api_product_address(product_id: str) -> str:
    """A product of the API."""
    return _with_id("/api/v1/products", product_id)


def picture_address(content_hash: str | None, longest_side_px: int | None = None) -> str | None:
    """A picture: its working copy, or a thumbnail of one of `THUMBNAIL_SIZES_PX`."""
    if content_hash is None:
        return None
    size = "" if longest_side_px is None else f"/{longest_side_px}"
    return f"/media/{content_hash}{size}"


def heatmap_address(product_id: str, words: str) -> str | None:
    """The picture that shows where words are found in that of a product; None for a product whose
    id cannot stand in the middle of a path.
    """
    if _TIDIED_UP.search(product_id):
        return None
    return f"/api/v1/products/{quote(product_id)}/heatmap.png?{urlencode({'q': words})}"


def hit_picture_address(hit: Hit) -> str | None:
    """The working copy of the picture of a hit."""
    return picture_address(hit.image_hash)


def search_fields(request: SearchRequest) -> list[tuple[str, str]]:
    """The fields of the form, or of the address, that ask for the same again."""
    fields = [
        ("q", request.text),
        ("image_url", request.image_url or ""),
        ("like", request.product_id or ""),
        ("crop", "" if request.crop is None else crop_text(request.crop)),
        ("text_weight", "" if request.text_weight == 0.5 else f"{request.text_weight:g}"),
        *(("not", words) for words in request.negatives),
        *written_wishes(request.also),
        *((f"filter.{any_of.field}", v) for any_of in request.filters for v in any_of.values),
        *written_conditions(request.further),
        ("price.min", "" if request.price_min is None else f"{request.price_min:.12g}"),
        ("price.max", "" if request.price_max is None else f"{request.price_max:.12g}"),
        ("as_typed", "true" if request.as_typed else ""),
        ("understand", "" if request.understand else "false"),
        *(("literal", words) for words in request.literal),
        ("sort", "" if request.sort is Sort.RELEVANCE else request.sort.value),
        ("diversity", f"{request.diversity:g}" if request.diversity else ""),
        ("cutoff", _said(request.cutoff)),
        ("collapse", _said(request.collapse)),
        ("size", "" if request.size == DEFAULT_SIZE else str(request.size)),
        ("page", "" if request.page == 1 else str(request.page)),
    ]
    return [(name, value) for name, value in fields if value]


def address_fields(request: SearchRequest) -> list[tuple[str, str]]:
    """The fields of the address that asks for the same again, as far as one can."""
    return [(name, value) for name, value in search_fields(request) if name not in PICTURES]


def crop_text(region: Region) -> str:
    """A region of the picture, as `crop` has it: 0.25,0.1,0.5,1."""
    sides = (region.x, region.y, region.width, region.height)
    return ",".join(repr(float(side)).removesuffix(".0") for side in sides)


def _said(flag: bool | None) -> str:
    return "" if flag is None else str(flag).lower()


def search_address(request: SearchRequest) -> str:
    """The page that answers a search. Pictures do not travel in addresses."""
    fields = address_fields(request)
    return "/search" + (f"?{urlencode(fields)}" if fields else "")


def values_address(request: SearchRequest, field: str) -> str:
    """The page of all values of a field among what a search finds."""
    return f"{VALUES}?{urlencode([*address_fields(request), ('facets', field)])}"


def like_address(product_id: str) -> str:
    """The page of what is like a product."""
    return search_address(SearchRequest(product_id=product_id))


def outside_address(link: str) -> str | None:
    """A link that a feed gave, where it is safe to follow: http and https alone."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return None
    return link if parts.scheme in ("http", "https") and parts.netloc else None


def _with_id(folder: str, product_id: str) -> str:
    if _TIDIED_UP.search(product_id):
        return f"{folder}?{urlencode({'id': product_id})}"
    return f"{folder}/{quote(product_id)}"
