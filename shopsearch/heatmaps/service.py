"""Which regions of a product's picture speak for words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from shopsearch.domain import Picture, PreparedItem
from shopsearch.encoders import Encoder, RegionExplainer
from shopsearch.errors import PictureMissing, QueryError, UnknownProduct
from shopsearch.heatmaps.overlay import laid_over
from shopsearch.store import ProductStore

# What fits any picture alike: words that say no more than these do not speak of this one
NEUTRAL_TEXTS = ("a product", "an object", "a picture")


class ExplainingEncoder(Encoder, RegionExplainer, Protocol):
    """An encoder that is asked for regions too; it may answer `RegionsUnavailable`."""


class QueryPreparer(Protocol):
    """Turns what a person typed into what the encoders see."""

    def prepare_query(self, text: str, image: bytes | None) -> PreparedItem:
        """The words of a query, cleaned."""


class PictureLookup(Protocol):
    """Gives the working copies of pictures."""

    def get(self, content_hash: str) -> Picture | None:
        """The picture; None where there is no working copy."""


@dataclass(frozen=True, slots=True)
class Region:
    """A cell of a heat map: its box in fractions of the picture, and its relevance in 0..1."""

    left: float
    top: float
    right: float
    bottom: float
    relevance: float


@dataclass(frozen=True, slots=True)
class Heatmap:
    """How much each region of a product's picture speaks for words.

    The map is relative: its strongest cell is 1, whether words fit well or hardly. How well they
    fit is told by `cosine`, of the picture's embedding with the words', and by `lift`, which is how
    far that lies above the mean cosine of texts that fit any picture. Where it does not lie above
    it, or no region speaks for the words, the map is all zeros.
    """

    product_id: str
    words: str  # as the encoder saw them
    relevance: NDArray[np.float32]  # (h, w) in 0..1, over the whole picture
    cosine: float
    lift: float
    picture: Image = field(repr=False)

    @property
    def has_evidence(self) -> bool:
        """Whether anything in the picture speaks for the words."""
        return bool(self.relevance.any())

    def strongest(self, n: int) -> tuple[Region, ...]:
        """The n cells of the highest relevance, best first; fewer where fewer are above 0."""
        order = np.argsort(-self.relevance, axis=None, kind="stable")[:n]
        return tuple(self._regions(order))

    def png(self) -> bytes:
        """The picture with the map laid over it; without evidence, the picture alone."""
        encoded = io.BytesIO()
        laid_over(self.picture, self.relevance).save(encoded, "PNG")
        return encoded.getvalue()

    def _regions(self, places: NDArray[np.intp]) -> Iterator[Region]:
        height, width = self.relevance.shape
        for place in places:
            row, column = divmod(int(place), width)
            if self.relevance[row, column] > 0.0:
                yield Region(
                    left=column / width,
                    top=row / height,
                    right=(column + 1) / width,
                    bottom=(row + 1) / height,
                    relevance=float(self.relevance[row, column]),
                )


class HeatmapService:
    """Draws heat maps of the products of the catalog."""

    def __init__(
        self,
        *,
        preparer: QueryPreparer,
        encoder: ExplainingEncoder,
        store: ProductStore,
        pictures: PictureLookup,
    ) -> None:
        self._preparer = preparer
        self._encoder = encoder
        self._store = store
        self._pictures = pictures

    def draw(self, product_id: str, words: str) -> Heatmap:
        """The heat map of a product's main picture. Words are prepared as those of a query are.

        Raises `QueryError` where there are no words, `UnknownProduct`, `PictureMissing`,
        `PictureRejected` where the working copy is damaged, and `RegionsUnavailable`.
        """
        text = self._preparer.prepare_query(words, None).text
        if not text:
            raise QueryError("there are no words to look for in the picture; give some")
        picture = self._picture(product_id).load()
        rows = self._encoder.encode_texts([text, *NEUTRAL_TEXTS])  # (1 + N, D)
        cosines = rows @ self._encoder.encode_images([picture])[0]  # (1 + N,)
        lift = float(cosines[0] - cosines[1:].mean())
        relevance = self._encoder.relevance(picture, rows[0])  # (h, w)
        return Heatmap(
            product_id=product_id,
            words=text,
            relevance=relevance if lift > 0.0 else np.zeros_like(relevance),
            cosine=float(cosines[0]),
            lift=lift,
            picture=picture,
        )

    def _picture(self, product_id: str) -> Picture:
        found = self._store.find([product_id])
        if product_id not in found:
            raise UnknownProduct(product_id)
        image_hash = found[product_id].record.image_hash
        if image_hash is None:
            raise PictureMissing(
                f"product {product_id!r} has no picture to look at; give it an image_link, and "
                "index the feed again"
            )
        picture = self._pictures.get(image_hash)
        if picture is None:
            raise PictureMissing(
                f"the working copy of the picture of product {product_id!r} is gone; "
                "index its feed again"
            )
        return picture
