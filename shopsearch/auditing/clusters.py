"""What a catalog consists of: clusters of fused vectors, named by the words that stand out.

Letters: N products, C clusters, E the length of a vector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.snapshot import SEED, CatalogSnapshot, Report, Rows, in_batches, unit
from shopsearch.auditing.wording import plain
from shopsearch.domain import CATEGORY_SEPARATOR, Product

MOST_CLUSTERS = 24
PRODUCTS_PER_CLUSTER = 12  # at least, on average
MIN_PRODUCTS = 10  # of fewer there is nothing to group
_LEARNED_FROM = 20_000
_MOST_ROUNDS = 40
_BATCH = 4_096
_N_NAME_WORDS = 3
_N_EXAMPLES = 6
_MIN_LETTERS = 3
_COMMON = frozenset({"and", "for", "the", "with", "from", "your", "set", "pack", "new"})


@dataclass(frozen=True, slots=True)
class Cluster:
    """Products that are alike. `examples` are ids, the nearest to the middle first."""

    name: str
    n_products: int
    category: str  # of most of them; "" without categories
    examples: tuple[str, ...]
    places: NDArray[np.int64]  # of all its products in the snapshot, as ordered by `examples`


def clustered(snapshot: CatalogSnapshot, report: Report) -> tuple[Cluster, ...]:
    """The clusters of a catalog, the largest first; () where it is too small."""
    there = np.flatnonzero(snapshot.has_vector)
    if len(there) < MIN_PRODUCTS:
        return ()
    n = int(min(MOST_CLUSTERS, max(2, len(there) // PRODUCTS_PER_CLUSTER)))
    vectors = snapshot.vectors[there]  # (N, E)
    nearest, cosines = _k_means(vectors, n, report)
    words = _Wordings.of([snapshot.products[place] for place in there.tolist()], nearest)
    found = []
    for number in np.unique(nearest).tolist():
        members = np.flatnonzero(nearest == number)
        order = members[np.argsort(-cosines[members], kind="stable")]
        products = [snapshot.products[place] for place in there[order].tolist()]
        examples = tuple(product.product_id for product in products[:_N_EXAMPLES])
        category = _category(products)
        name = words.name(number) or category.split(CATEGORY_SEPARATOR)[-1] or "without words"
        found.append(Cluster(name, len(members), category, examples, there[order]))
    return tuple(sorted(found, key=lambda one: -one.n_products))


def _k_means(
    vectors: Rows, n: int, report: Report
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """(N,) the cluster of each row, and its cosine to the middle (spherical k-means, Dhillon &
    Modha 2001). The middles are learned from at most 20,000 rows, and begin at rows far apart.
    """
    chance = np.random.default_rng(SEED)
    drawn = np.sort(chance.choice(len(vectors), min(len(vectors), _LEARNED_FROM), replace=False))
    learned = vectors[drawn]
    middles = _far_apart(learned, n, chance)  # (C, E)
    before = np.full(len(learned), -1)
    for round_number in range(_MOST_ROUNDS):
        nearest, _ = _assigned(learned, middles)
        report(round_number + 1, _MOST_ROUNDS)
        if np.array_equal(nearest, before):
            break
        sums = np.zeros_like(middles)
        np.add.at(sums, nearest, learned)
        is_there = np.linalg.norm(sums, axis=1) > 1e-6
        middles = np.where(is_there[:, None], unit(sums), middles)
        before = nearest
    return _assigned(vectors, middles)


def _far_apart(rows: Rows, n: int, chance: np.random.Generator) -> Rows:
    """(C, E) rows drawn by their distance from those before (k-means++, Arthur 2007)."""
    chosen = [int(chance.integers(len(rows)))]
    distance = np.full(len(rows), np.inf)
    while len(chosen) < n:
        distance = np.minimum(distance, np.maximum(0.0, 1.0 - rows @ rows[chosen[-1]]))
        total = float(distance.sum())
        if total <= 1e-9:  # all the others are the same as those chosen
            break
        chosen.append(int(chance.choice(len(rows), p=distance / total)))
    return rows[chosen].copy()


def _assigned(rows: Rows, middles: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    nearest = np.empty(len(rows), dtype=np.int64)
    cosines = np.empty(len(rows), dtype=np.float32)
    for some in in_batches(len(rows), _BATCH):
        scores = rows[some] @ middles.T  # (B, C)
        nearest[some] = scores.argmax(axis=1)
        cosines[some] = scores.max(axis=1)
    return nearest, cosines


@dataclass(frozen=True, slots=True)
class _Wordings:
    """In how many products of each cluster, and of all, each word is."""

    inside: dict[int, Counter[str]]
    overall: Counter[str]
    sizes: Counter[int]

    @classmethod
    def of(cls, products: Sequence[Product], clusters: NDArray[np.int64]) -> _Wordings:
        inside: dict[int, Counter[str]] = {}
        overall: Counter[str] = Counter()
        for product, number in zip(products, clusters.tolist(), strict=True):
            words = _told_words(product)
            inside.setdefault(number, Counter()).update(words)
            overall.update(words)
        return cls(inside, overall, Counter(clusters.tolist()))

    def name(self, number: int) -> str:
        """The words that are in many products of the cluster, and in few others."""
        size = self.sizes[number]
        weights = {
            word: n / size * (n / self.overall[word])
            for word, n in self.inside[number].items()
            if n >= max(2, 0.05 * size)
        }
        best = sorted(weights, key=lambda word: (-weights[word], word))
        return ", ".join(_distinct(best))


def _told_words(product: Product) -> set[str]:
    leaf = product.product_type.split(CATEGORY_SEPARATOR)[-1]
    words = plain(f"{product.title} {leaf}").split()
    return {w for w in words if len(w) >= _MIN_LETTERS and w.isalpha() and w not in _COMMON}


def _distinct(words: Sequence[str]) -> list[str]:
    """The first few of the words, of which none is another's beginning (shirt, shirts)."""
    chosen: list[str] = []
    for word in words:
        if not any(word.startswith(one) or one.startswith(word) for one in chosen):
            chosen.append(word)
        if len(chosen) == _N_NAME_WORDS:
            break
    return chosen


def _category(products: Sequence[Product]) -> str:
    named = Counter(one.product_type for one in products if one.product_type)
    return named.most_common(1)[0][0] if named else ""
