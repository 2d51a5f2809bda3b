"""What encoders see and make, and what indexes answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image


class Modality(StrEnum):
    """What an embedding was made from."""

    IMAGE = "image"
    TEXT = "text"


class Picture(Protocol):
    """A picture that passed all checks; decoded only when somebody looks at it."""

    @property
    def content_hash(self) -> str:
        """SHA-256, hexadecimal, of the bytes as the shop gave them."""

    def load(self) -> Image:
        """The picture upright, RGB, on white, scaled down to the working size."""


@dataclass(frozen=True, slots=True)
class PreparedItem:
    """What the encoders see of a product or of a query: a text, a picture, or both."""

    text: str = ""  # "" where there is none
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class ModalityEmbeddings:
    """The embeddings of N items, one matrix per modality; rows without the modality are zero."""

    image: NDArray[np.float32]  # (N, D) unit rows, or zeros
    text: NDArray[np.float32]  # (N, D) unit rows, or zeros
    has_image: NDArray[np.bool_]  # (N,)
    has_text: NDArray[np.bool_]  # (N,)

    def taken(self, chosen: NDArray[np.bool_]) -> ModalityEmbeddings:
        """Those of some of the items, (N,) which."""
        return ModalityEmbeddings(
            image=self.image[chosen],
            text=self.text[chosen],
            has_image=self.has_image[chosen],
            has_text=self.has_text[chosen],
        )


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest keys of Q queries, best first; places without a neighbour are -1 and -inf."""

    keys: NDArray[np.int64]  # (Q, K)
    scores: NDArray[np.float32]  # (Q, K) cosines in [-1, 1]


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """What the products that pass a filter have in one field. A product counts once per word."""

    words: tuple[str, ...]  # (V,) case-folded, the most frequent first, equal ones by alphabet
    counts: NDArray[np.int64]  # (V,) how many products have the word
    spellings: tuple[str, ...]  # (V,) each as the first product that had it spelled it
    numbers: NDArray[np.float64]  # (M,) the numbers of products that have one, in no order
    n_words: int  # how many different words there are, those that are not listed included
    n_missing: int  # how many products have neither word nor number
