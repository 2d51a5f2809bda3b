"""The catalog as a feed: what `shopsearch index` reads back to the same products.

Everything that a feed's reader would take apart is given in parts already: pictures, categories and
attributes as lists and objects, so that a comma in a file's name or a `/` in a category stays one.
Columns that begin with `shopsearch_` are for other programs, and no attributes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import CATEGORY_SEPARATOR, EVERYTHING, Product, ProductFilter, StoredProduct
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.index.slots import Slots
from shopsearch.store import StoreUpkeep

WORDS = (
    "title",
    "description",
    "link",
    "brand",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "item_group_id",
    "gtin",
)


@dataclass(frozen=True, slots=True)
class ExportedEmbeddings:
    """What a product's vectors were made of, and by what; None where the cache lacks it."""

    encoder_id: str
    fusion_id: str
    image: NDArray[np.float32] | None  # (D,)
    text: NDArray[np.float32] | None  # (D,)
    vector: NDArray[np.float32] | None  # (E,) fused


@dataclass(frozen=True, slots=True)
class Exported:
    """One product to be written."""

    product: Product
    embeddings: ExportedEmbeddings | None = None  # None: they were not asked for


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written."""

    products: int
    without_vector: int  # products whose embeddings the cache lacks, where they were asked for


class Format(Protocol):
    """Writes products into a file, batch by batch."""

    def write(self, batch: Sequence[Exported]) -> None:
        """Write a batch."""


OpenFormat = Callable[[IO[bytes]], AbstractContextManager[Format]]


class Exporter:
    """Writes the catalog as it is at one moment, in constant memory."""

    def __init__(self, store: StoreUpkeep, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder

    def write(
        self,
        file: IO[bytes],
        open_format: OpenFormat,
        *,
        where: ProductFilter = EVERYTHING,
        embeddings: bool = False,
        report: Callable[[int], None] = lambda _: None,
    ) -> ExportReport:
        """Write the products that pass a filter, by key."""
        n_products = n_without = 0
        with open_format(file) as opened:
            for stored in self._passing(where):
                batch = self._embedded(stored) if embeddings else _plain(stored)
                opened.write(batch)
                n_products += len(batch)
                n_without += sum(
                    one.embeddings is not None and one.embeddings.vector is None for one in batch
                )
                report(n_products)
        return ExportReport(n_products, n_without)

    def _passing(self, where: ProductFilter) -> Iterator[list[StoredProduct]]:
        for batch in self._store.products():
            kept = list(batch)
            if where:
                keys = np.array([stored.key for stored in batch], dtype=np.int64)
                slots = Slots()  # filters mean the same here as in any index
                slots.extend(keys, [stored.product.filter_row() for stored in batch])
                passing = set(slots.matching(where).tolist())
                kept = [stored for stored in batch if stored.key in passing]
            if kept:
                yield kept

    def _embedded(self, batch: Sequence[StoredProduct]) -> list[Exported]:
        hashes = [ContentHashes.of(stored.record) for stored in batch]
        kept = self._embedder.kept(hashes)
        is_whole = np.array(
            [
                (content.image is not None, content.text is not None) == (image, text)
                for content, image, text in zip(
                    hashes, kept.has_image.tolist(), kept.has_text.tolist(), strict=True
                )
            ],
            dtype=np.bool_,
        )
        vectors: dict[int, NDArray[np.float32]] = {}
        if is_whole.any():
            fused = self._embedder.fuse(kept.taken(is_whole))  # (K, E)
            vectors = dict(zip(np.flatnonzero(is_whole).tolist(), fused, strict=True))
        return [
            Exported(
                stored.product,
                ExportedEmbeddings(
                    encoder_id=self._embedder.encoder_id,
                    fusion_id=self._embedder.fusion_id,
                    image=kept.image[place] if kept.has_image[place] else None,
                    text=kept.text[place] if kept.has_text[place] else None,
                    vector=vectors.get(place),
                ),
            )
            for place, stored in enumerate(batch)
        ]


class JsonlFormat:
    """One JSON object a line; numbers have the digits that a float32 needs."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __enter__(self) -> JsonlFormat:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.flush()

    def write(self, batch: Sequence[Exported]) -> None:
        """See `Format.write`."""
        for one in batch:
            record = as_record(one.product) | _told(one.embeddings)
            text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            # U+2028 and the like are line ends to some readers of lines
            self._file.write(text.translate(_LINE_ENDS).encode() + b"\n")


_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def as_record(product: Product) -> dict[str, Any]:
    """A product as a record of a feed: only what it has, under the names of the fields."""
    record: dict[str, Any] = {"id": product.product_id}
    record.update((name, value) for name in WORDS if (value := getattr(product, name)))
    if product.product_type:
        record["product_type"] = product.product_type.split(CATEGORY_SEPARATOR)
    if product.price is not None:
        record["price"] = f"{product.price.amount:f} {product.price.currency}"
    if product.images:
        record["image_link"] = [product.images[0]]
    if product.images[1:]:
        record["additional_image_link"] = list(product.images[1:])
    if product.attributes:
        record["attributes"] = dict(product.attributes)
    return record


def _plain(batch: Sequence[StoredProduct]) -> list[Exported]:
    return [Exported(stored.product) for stored in batch]


def _told(embeddings: ExportedEmbeddings | None) -> dict[str, Any]:
    if embeddings is None:
        return {}
    return {
        "shopsearch_encoder": embeddings.encoder_id,
        "shopsearch_fusion": embeddings.fusion_id,
        "shopsearch_image_embedding": _numbers(embeddings.image),
        "shopsearch_text_embedding": _numbers(embeddings.text),
        "shopsearch_vector": _numbers(embeddings.vector),
    }


def _numbers(row: NDArray[np.float32] | None) -> list[float] | None:
    return None if row is None else [float(f"{value:.9g}") for value in row.tolist()]
