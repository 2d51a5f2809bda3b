"""Which categories go with which: by baskets, and before there are any, by pictures."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import CATEGORY_SEPARATOR, EVERYTHING, EventKind
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.index.generations import Generation
from shopsearch.ranking.cooccurrence import shares
from shopsearch.store import EventStore, ProductStore

N_SAMPLED = 4_000  # products, evenly over the catalog
MAX_CATEGORIES = 300  # where there are more, the deepest levels are cut off
TEMPERATURE = 0.1  # of the shares that cosines alone tell; see decision 34
SHARE_SHRINKAGE = 5.0  # meetings of categories; how many are believed as much as the pictures
N_POPULAR = 1_000  # products among which those of a category are looked for
N_ASKED = 20  # of a category, whose baskets are counted
N_TOGETHER = 200
FRESH_S = 600.0
_MAX_KEPT = 1_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CategoryMap:
    """The C categories of a generation, and how alike their pictures are."""

    names: tuple[str, ...]  # C paths, each of at most `depth` levels
    depth: int
    affinity: Floats  # (C, C) rows of shares; 0 on the diagonal

    def category_of(self, product_type: str) -> str:
        """The category that a path counts as."""
        return cut(product_type, self.depth)

    def prior(self, category: str) -> Floats:
        """(C,) what goes with a category by pictures alone; even where it is not known."""
        if category in self.names:
            row: Floats = self.affinity[self.names.index(category)]
            return row
        return np.full(len(self.names), 1.0 / max(1, len(self.names)))


@dataclass(frozen=True, slots=True)
class CategoryShare:
    """How much of what goes with a category is of another one."""

    category: str
    share: float  # 0..1
    n_together: int  # meetings in baskets that say so


class Categories:
    """Tells what goes with a category. Threads may share it."""

    def __init__(
        self,
        embedder: Embedder,
        store: ProductStore,
        events: EventStore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._embedder = embedder
        self._store = store
        self._events = events
        self._clock = clock
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str], tuple[float, Mapping[str, int]]] = {}

    def of(self, generation: Generation) -> CategoryMap:
        """The map of a generation, which it keeps."""
        return generation.derived.once("categories", lambda: self._drawn(generation))

    def beside(
        self, generation: Generation, category: str, since: datetime, until: datetime
    ) -> list[CategoryShare]:
        """What goes with a category, the greatest share first, but for what holds the same kind of
        thing.
        """
        drawn = self.of(generation)
        counted = self._meetings(generation, category, since, until)
        counts = np.array([counted.get(name, 0) for name in drawn.names], dtype=np.float64)
        is_other = [not is_kin(name, category) for name in drawn.names]
        others = np.array(is_other, dtype=np.float64)
        if not any(is_other):
            return []
        before: Floats = drawn.prior(category) * others
        if not before.any():
            before = others
        told = shares(counts * others, before / before.sum(), SHARE_SHRINKAGE)
        return [
            CategoryShare(drawn.names[n], float(told[n]), int(counts[n]))
            for n in np.argsort(-told, kind="stable").tolist()
            if is_other[n]
        ]

    def _drawn(self, generation: Generation) -> CategoryMap:
        keys = generation.index.fields.matching(EVERYTHING)
        step = max(1, len(keys) // N_SAMPLED)
        stored = [*self._store.fetch(keys[::step].tolist()).values()]
        stored = [one for one in stored if one.product.product_type]
        if not stored:
            return CategoryMap((), 1, np.empty((0, 0)))
        depth = _depth([one.product.product_type for one in stored])
        paths = [cut(one.product.product_type, depth) for one in stored]
        kept = self._embedder.kept([ContentHashes.of(one.record) for one in stored])
        rows, has_row = kept.image, kept.has_image
        if has_row.mean() < 0.5:  # a catalog of words: the fused vectors do for all of it
            rows = generation.index.fetch(np.array([one.key for one in stored], dtype=np.int64))
            has_row = np.isfinite(rows[:, 0])  # what the index lacks is NaN
        return CategoryMap(*_affinities(paths, rows, has_row, depth))

    def _meetings(
        self, generation: Generation, category: str, since: datetime, until: datetime
    ) -> Mapping[str, int]:
        """How often products of a category met those of each other one; counted now and then."""
        name = (generation.manifest.generation_id, category)
        with self._lock:
            counted_at, counts = self._counted.get(name, (-np.inf, {}))
            if self._clock() - counted_at < FRESH_S:
                return counts
        counts = self._count(self.of(generation), category, since, until)
        with self._lock:
            if len(self._counted) >= _MAX_KEPT:
                self._counted.clear()
            self._counted[name] = (self._clock(), counts)
        return counts

    def _count(
        self, drawn: CategoryMap, category: str, since: datetime, until: datetime
    ) -> Mapping[str, int]:
        bought = self._events.popular(since, until, (EventKind.PURCHASE,), limit=N_POPULAR)
        known = self._categories(drawn, [one.product_id for one in bought])
        asked = [id_ for id_, of in known.items() if of == category][:N_ASKED]
        met: Counter[str] = Counter()
        for product_id in asked:
            for pair in self._events.together(product_id, since, limit=N_TOGETHER).together:
                met[pair.product_id] += pair.n_together
        counts: Counter[str] = Counter()
        for product_id, of in self._categories(drawn, [*met]).items():
            counts[of] += met[product_id]
        return counts

    def _categories(self, drawn: CategoryMap, product_ids: Sequence[str]) -> dict[str, str]:
        """In the order given; products that are gone, or have none, are left out."""
        stored = self._store.find(product_ids)
        types = {id_: stored[id_].product.product_type for id_ in product_ids if id_ in stored}
        return {id_: drawn.category_of(of) for id_, of in types.items() if of}


def cut(product_type: str, depth: int) -> str:
    """The first levels of a category path."""
    return CATEGORY_SEPARATOR.join(product_type.split(CATEGORY_SEPARATOR)[:depth])


def is_kin(one: str, other: str) -> bool:
    """Whether two categories hold the same kind of thing: they are the same, one is below the
    other, or both end in the same name ("Men > Shoes" and "Women > Shoes").
    """
    a, b = f"{one}{CATEGORY_SEPARATOR}".casefold(), f"{other}{CATEGORY_SEPARATOR}".casefold()
    return a.startswith(b) or b.startswith(a) or _last(a) == _last(b)


def _last(path: str) -> str:
    return path.removesuffix(CATEGORY_SEPARATOR).split(CATEGORY_SEPARATOR)[-1]


def _depth(paths: Sequence[str]) -> int:
    """How many levels may count so that there are not too many categories; one at least."""
    deepest = max(len(path.split(CATEGORY_SEPARATOR)) for path in paths)
    for depth in range(deepest, 1, -1):
        if len({cut(path, depth) for path in paths}) <= MAX_CATEGORIES:
            return depth
    return 1


def _affinities(
    paths: Sequence[str], rows: NDArray[np.float32], has_row: NDArray[np.bool_], depth: int
) -> tuple[tuple[str, ...], int, Floats]:
    """The softmax of the cosines between the means of the categories, the mean of all taken off."""
    names = tuple(sorted(set(paths)))
    place_of = {name: n for n, name in enumerate(names)}
    places = np.array([place_of[path] for path in paths])
    means = np.zeros((len(names), rows.shape[1]))
    np.add.at(means, places[has_row], rows[has_row])
    counts = np.bincount(places[has_row], minlength=len(names))
    means /= np.maximum(counts, 1)[:, None]
    centre = rows[has_row].mean(axis=0) if has_row.any() else 0.0
    centred = np.where(counts[:, None] > 0, means - centre, 0.0)
    units = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    heat = np.exp(units @ units.T / TEMPERATURE)
    heat[:, counts == 0] = np.exp(-1.0 / TEMPERATURE)  # no picture tells of them
    np.fill_diagonal(heat, 0.0)
    return names, depth, heat / np.maximum(heat.sum(axis=1, keepdims=True), 1e-300)
