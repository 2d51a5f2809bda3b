"""Products that are there more than once, and pictures or texts that several products share.

Variants of one product (the same `item_group_id`) may be alike; they are no fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.neighbours import Nearest
from shopsearch.auditing.sketches import CANDIDATE, Sketches, is_same
from shopsearch.auditing.snapshot import CatalogSnapshot
from shopsearch.auditing.union import Joined
from shopsearch.auditing.wording import likeness, plain, plain_text

CANDIDATE_TEXT = 0.9  # cosine from which two texts are compared word by word
SAME_TITLE = 0.9  # share of words that nearly the same titles have in common
SAME_TEXT = 0.8  # the same of titles and descriptions together

NAME = "duplicates"
Pair = tuple[int, int]


class Alike(StrEnum):
    """What the members of a cluster have in common, the gravest first."""

    COPY = "copy"  # picture and text
    TEXT = "text"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class DuplicateCluster:
    """Products that are alike. `exact` where what they have in common is equal to the letter."""

    kind: Alike
    n_products: int
    exact: bool
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    image_hashes: tuple[str, ...]

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return self.ids


def duplicated(
    snapshot: CatalogSnapshot, like_words: Nearest, like_looks: Nearest, sketches: Sketches
) -> Section:
    """Clusters of copies, of shared texts and of shared pictures, in this order."""
    contents = _Contents.of(snapshot, sketches)
    joined = {kind: Joined() for kind in Alike}
    for pair in _candidates(contents, like_words, like_looks):
        if (kind := contents.kind(*pair)) is not None:
            joined[kind].join([pair])
    found = [
        _cluster(snapshot, contents, kind, places)
        for kind in Alike
        for places in joined[kind].clusters()
    ]
    copies = {id_ for one in found if one.kind is Alike.COPY for id_ in one.ids}
    return Section(
        name=NAME,
        title="Copies and near-duplicates",
        n_checked=len(snapshot),
        findings=found,
        columns=columns_of(DuplicateCluster),
        counts={str(kind): sum(one.kind is kind for one in found) for kind in Alike},
        n_found=len(copies),
        remarks=("the score counts products that are there twice, not shared pictures or texts",),
    )


@dataclass(frozen=True, slots=True)
class _Contents:
    """What products are compared by."""

    titles: Sequence[str]  # (N,) plain
    texts: Sequence[str]  # (N,) title and description, plain
    hashes: Sequence[str | None]  # (N,) of pictures
    sketches: Sketches  # of the pictures that look alike
    groups: NDArray[np.int64]  # (N,) variants share one

    @classmethod
    def of(cls, snapshot: CatalogSnapshot, sketches: Sketches) -> _Contents:
        return cls(
            [plain(product.title) for product in snapshot.products],
            [plain_text(product) for product in snapshot.products],
            snapshot.image_hashes,
            sketches,
            snapshot.groups,
        )

    def kind(self, one: int, other: int) -> Alike | None:
        """What two products have in common. What both lack is no difference between them."""
        if self.groups[one] == self.groups[other]:
            return None
        texts, pictures = self._same_text(one, other), self._same_picture(one, other)
        if texts and pictures:
            return Alike.COPY
        if texts:
            return Alike.TEXT if self.texts[one] else None
        return Alike.PICTURE if pictures and self.hashes[one] else None

    def _same_text(self, one: int, other: int) -> bool:
        return (
            likeness(self.titles[one], self.titles[other]) >= SAME_TITLE
            and likeness(self.texts[one], self.texts[other]) >= SAME_TEXT
        )

    def _same_picture(self, one: int, other: int) -> bool:
        if self.hashes[one] == self.hashes[other]:
            return True
        sketch, of_other = (self.sketches.get(self.hashes[n] or "") for n in (one, other))
        return sketch is not None and of_other is not None and is_same(sketch, of_other)


def _candidates(contents: _Contents, like_words: Nearest, like_looks: Nearest) -> Iterator[Pair]:
    """Pairs that may be alike: equal ones, and near neighbours."""
    both = zip(contents.texts, contents.hashes, strict=True)
    yield from _equal(contents.texts)
    yield from _equal(contents.hashes)
    yield from _equal([(text, shown) if text or shown else None for text, shown in both])
    for near, least in ((like_words, CANDIDATE_TEXT), (like_looks, CANDIDATE)):
        yield from ((one, other) for one, other in near.pairs(least).tolist())


def _equal(told: Iterable[object]) -> Iterator[Pair]:
    """Of products of which the same is told, the first with each other one."""
    first: dict[object, list[int]] = defaultdict(list)
    for place, one in enumerate(told):
        if one:
            first[one].append(place)
    for places in first.values():
        yield from ((places[0], place) for place in places[1:])


def _cluster(
    snapshot: CatalogSnapshot, contents: _Contents, kind: Alike, places: Sequence[int]
) -> DuplicateCluster:
    texts = {contents.texts[place] for place in places}
    pictures = {contents.hashes[place] for place in places}
    n_different = {Alike.COPY: max(len(texts), len(pictures)), Alike.TEXT: len(texts)}
    return DuplicateCluster(
        kind=kind,
        n_products=len(places),
        exact=n_different.get(kind, len(pictures)) == 1,
        ids=tuple(snapshot.products[place].product_id for place in places),
        titles=tuple(snapshot.products[place].title for place in places),
        image_hashes=tuple(snapshot.image_hashes[place] or "" for place in places),
    )
