"""A catalog as it lies in the store, the embedding cache and the live generation, at one moment.

Letters: N products, A the dimensions that texts use, V those that only pictures do, E the length of
a fused vector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import ModalityEmbeddings, Product, StoredProduct
from shopsearch.embedding import ContentHashes
from shopsearch.index.generations import Generation
from shopsearch.store import ProductStore

BATCH = 500  # products read at a time
MOST_COMPARED = 100_000  # products whose vectors are in memory, about 11 KB each
SEED = 0
PICTURES_ALONE = 0.25  # of all dimensions: where fewer are empty in all texts, that is by chance

Rows = NDArray[np.float32]  # one row for each product, of length one, or zero where it has none
Report = Callable[[int, int | None], None]  # how many are done, of how many
Stage = Callable[[str], AbstractContextManager[Report]]
Size = tuple[int, int]  # width and height in pixels


class KeptEmbeddings(Protocol):
    """Gives what was encoded before; see `Embedder.kept`."""

    def kept(self, contents: Sequence[ContentHashes]) -> ModalityEmbeddings:
        """The embeddings of N products; what is not in the cache is not there."""


class WorkingCopies(Protocol):
    """Knows the working copies of pictures; see `PictureLibrary`."""

    def size(self, content_hash: str) -> Size | None:
        """Width and height of the working copy, at most 512 px; None without a readable one."""

    def sketch(self, content_hash: str, side_px: int) -> NDArray[np.uint8] | None:
        """(side, side, 3) mean colours of the picture; None without a readable one."""


@dataclass(frozen=True, slots=True)
class CatalogSnapshot:
    """N products in the order of their last writes, with what is known of each.

    Where an encoder leaves dimensions to pictures alone, `looks` are these; else they are all of a
    picture's. So `words` and `sights` compare a text with a picture, `looks` two pictures.
    """

    generation: str
    products: Sequence[Product]
    image_hashes: Sequence[str | None]  # (N,) of the main pictures
    sizes: Sequence[Size | None]  # (N,) of the working copies
    words: Rows  # (N, A) of the texts
    sights: Rows  # (N, A) of the pictures
    looks: Rows  # (N, V) of the pictures
    vectors: Rows  # (N, E) fused, as the live generation has them
    n_changed: int = 0  # products written since the generation was made

    def __len__(self) -> int:
        """N."""
        return len(self.products)

    @property
    def has_words(self) -> NDArray[np.bool_]:
        """(N,) whose text is embedded."""
        return _filled(self.words)

    @property
    def has_looks(self) -> NDArray[np.bool_]:
        """(N,) whose picture is embedded."""
        return _filled(self.looks)

    @property
    def has_vector(self) -> NDArray[np.bool_]:
        """(N,) which the live generation holds."""
        return _filled(self.vectors)

    @property
    def ids(self) -> list[str]:
        """(N,) the shop's own ids."""
        return [product.product_id for product in self.products]

    @property
    def groups(self) -> NDArray[np.int64]:
        """(N,) a number that the variants of one product share; all others have their own."""
        group_ids = (product.item_group_id.casefold() for product in self.products)
        return numbered(one or f"\x00{place}" for place, one in enumerate(group_ids))


def take_snapshot(
    store: ProductStore,
    kept: KeptEmbeddings,
    generation: Generation,
    pictures: WorkingCopies,
    stage: Stage,
) -> CatalogSnapshot:
    """Read the whole catalog. Of more than 100,000 products, so many are drawn to be compared."""
    with stage("reading the catalog") as report:
        stored = list(_all(store, report))
    revision = generation.manifest.store_revision
    drawn = _drawn(len(stored))
    with stage("reading embeddings") as report:
        words, sights, looks = _embedded(stored, drawn, kept, report)
    keys = np.array([stored[place].key for place in drawn], dtype=np.int64)
    vectors = np.zeros((len(stored), generation.manifest.dimension), dtype=np.float32)
    vectors[drawn] = np.nan_to_num(generation.index.fetch(keys), nan=0.0)
    with stage("measuring pictures") as report:
        sizes = list(_sizes(stored, pictures, report))
    return CatalogSnapshot(
        generation=generation.manifest.generation_id,
        products=[one.product for one in stored],
        image_hashes=[one.record.image_hash for one in stored],
        sizes=sizes,
        words=words,
        sights=sights,
        looks=looks,
        vectors=vectors,
        n_changed=sum(one.revision > revision for one in stored),
    )


def _filled(rows: Rows) -> NDArray[np.bool_]:
    there: NDArray[np.bool_] = np.any(rows != 0.0, axis=1)
    return there


def unit(rows: NDArray[np.float32]) -> Rows:
    """The rows at length one; zero rows stay zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 1e-6, lengths, np.inf)).astype(np.float32)


def numbered(names: Iterable[str]) -> NDArray[np.int64]:
    """(N,) the same number for the same name, from 0 in the order in which they are first met."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def in_batches(n: int, size: int, report: Report | None = None) -> Iterator[slice]:
    """Slices over n places, reported when their work is done."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
        if report is not None:
            report(min(start + size, n), n)


def _all(store: ProductStore, report: Report) -> Iterator[StoredProduct]:
    """Each product once, even where another process writes meanwhile."""
    total, n = store.count(), 0
    at, last = 0, store.revision()
    while at < last:
        changes = store.changes_since(at, BATCH)
        for stored in changes.upserted:
            if stored.revision <= last:
                n += 1
                yield stored
        at = changes.revision
        report(n, total)


def _drawn(n: int) -> NDArray[np.int64]:
    """The places to compare, ascending: all, or as many as memory is given for."""
    if n <= MOST_COMPARED:
        return np.arange(n)
    return np.sort(np.random.default_rng(SEED).choice(n, MOST_COMPARED, replace=False))


def _embedded(
    stored: Sequence[StoredProduct], drawn: NDArray[np.int64], kept: KeptEmbeddings, report: Report
) -> tuple[Rows, Rows, Rows]:
    """Words, sights and looks of the products drawn; zero for all others."""
    image = text = _zeros(len(stored), 0)
    for some in in_batches(len(drawn), BATCH, report):
        places = drawn[some]
        found = kept.kept([ContentHashes.of(stored[place].record) for place in places])
        width = found.image.shape[1]
        if width and not image.shape[1]:
            image, text = _zeros(len(stored), width), _zeros(len(stored), width)
        if width:
            image[places], text[places] = found.image, found.text
    n_words = _n_for_words(text)
    if n_words == text.shape[1]:
        return text, image, image
    return text[:, :n_words], unit(image[:, :n_words]), unit(image[:, n_words:])


def _zeros(n: int, width: int) -> Rows:
    return np.zeros((n, width), dtype=np.float32)


def _n_for_words(text: Rows) -> int:
    """How many dimensions texts use, where an encoder leaves the last ones to pictures; else D.

    Texts of a small catalog may leave a few dimensions empty by chance: these are not meant.
    """
    width = text.shape[1]
    used = np.flatnonzero(text.any(axis=0))
    n_words = int(used[-1]) + 1 if len(used) else width
    return n_words if width - n_words >= PICTURES_ALONE * width else width


def _sizes(
    stored: Sequence[StoredProduct], pictures: WorkingCopies, report: Report
) -> Iterator[Size | None]:
    known: dict[str, Size | None] = {}
    for number, one in enumerate(stored, 1):
        if (content := one.record.image_hash) is None:
            yield None
        else:
            if content not in known:
                known[content] = pictures.size(content)
            yield known[content]
        if number % BATCH == 0:
            report(number, len(stored))
