"""The small pictures that the report of an evaluation carries in itself."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from shopsearch.errors import EvaluationError, PictureRejected

if TYPE_CHECKING:
    from shopsearch.domain import StoredProduct
    from shopsearch.evaluation.queries import JudgedQuery
    from shopsearch.preprocessing.pictures import PictureLibrary

LONGEST_SIDE_PX = 160  # one of the sizes that pages show, so that it may be there already


class Thumbnails:
    """Pictures of products and of queries as WebP; None where there is none, or none that opens."""

    def __init__(self, library: PictureLibrary, stored: Mapping[str, StoredProduct]) -> None:
        self._library = library
        self._stored = stored

    def of_product(self, product_id: str) -> bytes | None:
        """The main picture of a product."""
        stored = self._stored.get(product_id)
        if stored is None or stored.record.image_hash is None:
            return None
        try:
            path = self._library.thumbnail(stored.record.image_hash, LONGEST_SIDE_PX)
            return None if path is None else path.read_bytes()
        except (PictureRejected, OSError):
            return None  # a report without one picture is better than none

    def of_query(self, query: JudgedQuery) -> bytes | None:
        """The picture that a query asks with; it was checked when it was searched for."""
        try:
            encoded = query.as_query(k=1).image
            if encoded is None:
                return None
            small = self._library.hold(encoded).load()
        except (PictureRejected, EvaluationError):
            return None
        small.thumbnail((LONGEST_SIDE_PX, LONGEST_SIDE_PX))
        webp = io.BytesIO()
        small.save(webp, "WEBP", quality=82)
        return webp.getvalue()
