"""The middle road that products and queries share: encode, then fuse.

A product and a query go through the same code with the same weights, so index and queries can never
disagree. What was encoded once is kept by content hash and never encoded again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import ModalityEmbeddings, Picture, PreparedItem, ProductRecord
from shopsearch.encoders import Encoder
from shopsearch.encoders.remembering import RowMemory
from shopsearch.encoders.shared_rows import SharedRows
from shopsearch.fusion import Fusion
from shopsearch.fusion.combiner import Combiner
from shopsearch.preprocessing.text import compose
from shopsearch.store import EmbeddingCache

AT_HAND = 8  # a search asks for the embedding of its words more than once

Row = NDArray[np.float32]  # (D,)
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class EncodedCount:
    """How many contents had to be encoded because the cache did not have them."""

    texts: int = 0
    images: int = 0

    def __add__(self, other: EncodedCount) -> EncodedCount:
        return EncodedCount(self.texts + other.texts, self.images + other.images)


@dataclass(frozen=True, slots=True)
class ContentHashes:
    """What the embeddings of a product are kept under; None for a modality that it lacks."""

    image: str | None
    text: str | None

    @classmethod
    def of(cls, record: ProductRecord) -> ContentHashes:
        """The same as of the prepared item that indexing makes of the record."""
        text = compose(record.product)
        return cls(record.image_hash, text_hash(text) if text else None)


@dataclass(frozen=True, slots=True)
class FurtherWish:
    """What a query wishes for beside its main wish."""

    content: PreparedItem | Row  # of one modality, or the (D,) vector of a product
    weight: float  # -1..1 but 0


@dataclass(frozen=True, slots=True)
class QueryMemory:
    """The embeddings of the queries asked last, in memory and, if at all, in a shared cache."""

    texts: RowMemory
    pictures: RowMemory  # by the hash of their bytes

    @classmethod
    def of(cls, size: int, shared: SharedRows | None = None) -> QueryMemory:
        """One that remembers so many of each."""
        return cls(RowMemory(size, shared), RowMemory(size, shared))


class Embedder:
    """Prepared items in, fused unit vectors out.

    A `combiner` makes one vector of words and of the picture or product that they are about;
    without one both are fused as those of a product are. `memory` is for servers, where many ask
    for the same.
    """

    def __init__(
        self,
        encoder: Encoder,
        fusion: Fusion,
        cache: EmbeddingCache,
        combiner: Combiner | None = None,
        memory: QueryMemory | None = None,
    ) -> None:
        self._memory = QueryMemory.of(AT_HAND) if memory is None else memory
        self._encoder = encoder
        self._fusion = fusion
        self._cache = cache
        self._combiner = combiner

    @property
    def encoder_id(self) -> str:
        """The id of the encoder in use."""
        return self._encoder.encoder_id

    @property
    def fusion_id(self) -> str:
        """The id of the fusion in use."""
        return self._fusion.fusion_id

    def embed(self, items: Sequence[PreparedItem]) -> tuple[NDArray[np.float32], EncodedCount]:
        """The (N, D) vectors of products, and how many contents had to be encoded for them."""
        embeddings, encoded = self.encode(items)
        return self.fuse(embeddings), encoded

    def fuse(self, embeddings: ModalityEmbeddings) -> NDArray[np.float32]:
        """The (N, E) vectors of products with these embeddings; each has one modality at least."""
        even = np.full(len(embeddings.has_text), 0.5, dtype=np.float32)  # (N,)
        return self._fusion.fuse(embeddings, even)

    def encode(self, items: Sequence[PreparedItem]) -> tuple[ModalityEmbeddings, EncodedCount]:
        """The embeddings of N items, from the cache where it has them."""
        texts = {text_hash(item.text): item.text for item in items if item.text}
        pictures = {i.picture.content_hash: i.picture for i in items if i.picture is not None}
        text_rows, n_texts = self._cached(texts, self._encoder.encode_texts)
        image_rows, n_images = self._cached(pictures, self._encode_pictures)
        embeddings = _aligned(
            [image_rows[i.picture.content_hash] if i.picture is not None else None for i in items],
            [text_rows[text_hash(i.text)] if i.text else None for i in items],
        )
        return embeddings, EncodedCount(n_texts, n_images)

    def kept(self, contents: Sequence[ContentHashes]) -> ModalityEmbeddings:
        """The embeddings of N products as they were indexed. Nothing is encoded: what is no longer
        in the cache, or was there for another encoder, counts as a modality that is not there.
        """
        hashes = [one for c in contents for one in (c.image, c.text) if one is not None]
        rows = self._cache.get(self.encoder_id, hashes)
        return _aligned(
            [None if c.image is None else rows.get(c.image) for c in contents],
            [None if c.text is None else rows.get(c.text) for c in contents],
        )

    def encode_query(self, item: PreparedItem) -> ModalityEmbeddings:
        """The (1, D) embeddings of what a query gives, before any fusion. Nothing is stored."""
        text, picture = item.text, item.picture
        return _aligned(
            [None if picture is None else self._picture_row(picture)],  # (D,)
            [self._text_row(text) if text else None],  # (D,)
        )

    def _text_row(self, text: str) -> Row:
        def make() -> Row:
            row: Row = self._encoder.encode_texts([text])[0]
            return row

        return self._memory.texts.row(text_hash(text), make)

    def _picture_row(self, picture: Picture) -> Row:
        def make() -> Row:
            row: Row = self._encode_pictures([picture])[0]
            return row

        return self._memory.pictures.row(picture.content_hash, make)

    def embed_query(
        self,
        item: PreparedItem,
        *,
        text_weight: float,
        like: Row | None = None,
        further: Sequence[FurtherWish] = (),
    ) -> Row:
        """The (D,) unit vector of a query. Nothing of a query is stored.

        Words and a picture are two wishes, each fused as an item of one modality: they are
        combined, or, without a combiner, their weighted mean is taken, words weighing
        `text_weight`. `like`, the vector of a product, is mixed in: beside words it weighs 1 -
        `text_weight`, beside a picture alone one half. What is `further` wished for moves this
        vector, or makes one where there is nothing else, see `moved`.
        """
        vector = self._main(item, text_weight, like)
        if not further:
            return vector if vector is not None else _nothing_asked()
        rows = [
            self._fused_query(one.content) if isinstance(one.content, PreparedItem) else one.content
            for one in further
        ]
        return moved(vector, np.array(rows), np.array([one.weight for one in further]))

    def _main(self, item: PreparedItem, text_weight: float, like: Row | None) -> Row | None:
        has_reference = item.picture is not None or like is not None
        if not (item.text or has_reference):
            return None
        if self._combiner is not None and item.text and has_reference:
            return self._combined(self._combiner, item, text_weight, like)
        return self._mixed(item, text_weight, like)

    def _combined(
        self, combiner: Combiner, item: PreparedItem, text_weight: float, like: Row | None
    ) -> Row:
        """Words about a reference: a picture, a product, or half of each."""
        reference = self._mixed(PreparedItem(picture=item.picture), text_weight, like)  # (D,)
        words = self._fused_query(PreparedItem(item.text))  # (D,)
        weight = np.array([text_weight], dtype=np.float32)
        vector: Row = combiner.combine(reference[None, :], words[None, :], weight)[0]
        return vector

    def _mixed(self, item: PreparedItem, text_weight: float, like: Row | None) -> Row:
        if not item.text and item.picture is None:
            return like if like is not None else _nothing_asked()
        vector = self._given(item, text_weight)
        if like is None:
            return vector
        weight = text_weight if item.text else 0.5
        return _unit(weight * vector + (1.0 - weight) * like, otherwise=like)

    def _given(self, item: PreparedItem, text_weight: float) -> Row:
        if not item.text or item.picture is None:
            return self._fused_query(item)
        words = self._fused_query(PreparedItem(item.text))  # (D,)
        picture = self._fused_query(PreparedItem(picture=item.picture))  # (D,)
        return _unit(text_weight * words + (1.0 - text_weight) * picture, otherwise=picture)

    def _fused_query(self, item: PreparedItem) -> Row:
        vector: Row = self.fuse(self.encode_query(item))[0]
        return vector

    def _encode_pictures(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        return self._encoder.encode_images([picture.load() for picture in pictures])

    def _cached(
        self,
        contents: Mapping[str, Content],
        encode: Callable[[Sequence[Content]], NDArray[np.float32]],
    ) -> tuple[dict[str, Row], int]:
        """The embedding of each content by its hash, and how many were not in the cache."""
        rows = dict(self._cache.get(self.encoder_id, list(contents)))
        missing = [content_hash for content_hash in contents if content_hash not in rows]
        if missing:
            encoded = encode([contents[content_hash] for content_hash in missing])  # (M, D)
            fresh = dict(zip(missing, encoded, strict=True))
            self._cache.put(self.encoder_id, fresh)
            rows.update(fresh)
        return rows, len(missing)


def moved(main: Row | None, rows: NDArray[np.float32], weights: NDArray[np.float64]) -> Row:
    """The (D,) unit vector of a query whose main wish weighs 1, moved by M others: (M, D), (M,).

    q = unit(unit(v + sum(w_i p_i)) - g n): v is the main wish, p_i what else is wanted, w_i its
    weight; n = sum(|w_j| n_j) / sum(|w_j|), the mean of what is not wanted, and g = max |w_j|.
    Rocchio (Relevance feedback in information retrieval, 1971) with a weight for each example. The
    mean, and not the sum, keeps many things that are not wanted from outweighing the one that is.
    """
    wanted, away = weights > 0.0, np.maximum(-weights, 0.0)  # (M,)
    vector = main
    if wanted.any():
        together = weights[wanted] @ rows[wanted] + (0.0 if main is None else main)  # (D,)
        vector = _unit(together, otherwise=rows[wanted][0] if main is None else main)
    if vector is None:
        return _nothing_asked()
    if away.any():
        mean = away @ rows / away.sum()  # (D,)
        vector = _unit(vector - away.max() * mean, otherwise=vector)
    return vector


def text_hash(text: str) -> str:
    """The content hash of a prepared text."""
    return hashlib.sha256(b"text\x00" + text.encode()).hexdigest()


def _nothing_asked() -> NoReturn:
    raise ValueError("a query needs words, a picture or a product")


def _aligned(images: Sequence[Row | None], texts: Sequence[Row | None]) -> ModalityEmbeddings:
    """Rows of both modalities as matrices of one shape, zero where a modality is missing."""
    width = next((len(row) for row in (*images, *texts) if row is not None), 0)
    nothing = np.zeros(width, dtype=np.float32)
    return ModalityEmbeddings(
        image=_matrix([nothing if row is None else row for row in images], width),  # (N, D)
        text=_matrix([nothing if row is None else row for row in texts], width),  # (N, D)
        has_image=np.array([row is not None for row in images], dtype=np.bool_),
        has_text=np.array([row is not None for row in texts], dtype=np.bool_),
    )


def _matrix(rows: Sequence[Row], width: int) -> NDArray[np.float32]:
    return np.array(rows, dtype=np.float32).reshape(len(rows), width)


def _unit(vector: NDArray[np.floating], *, otherwise: Row) -> Row:
    """The vector at length one, or another where hardly anything is left of it."""
    length = float(np.linalg.norm(vector))
    return (vector / length).astype(np.float32) if length > 1e-6 else otherwise
