"""Products whose picture does not go with their words.

Letters: M products with text and picture, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.calibrating import LEAST_SHARE, N_FOLDS, Doubt, Pairs, doubt
from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.neighbours import Nearest
from shopsearch.auditing.pair_scores import FEATURES, PairScores, pair_scores
from shopsearch.auditing.snapshot import (
    SEED,
    CatalogSnapshot,
    Report,
    in_batches,
    numbered,
)

SUSPICIOUS = 0.5  # products from this probability on are listed
MIN_PRODUCTS = 40  # with a text and a picture; of fewer nothing can be learned
N_WRONG = 4  # wrong pairs made of each product
MOST_WRONG = 40_000
N_LOOKALIKES = 5
_BATCH = 256
N_DOUBTFUL = 20  # that come next, for whoever wants to look on

NAME = "mismatches"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A product whose picture seems to be another's. `suspicion` is a probability."""

    product_id: str
    title: str
    category: str
    suspicion: float
    looks_like: str  # the category of most products whose pictures look like this one
    lookalikes: tuple[str, ...]  # their ids, the nearest first
    fits_title: str  # the title that the picture goes with best
    fits_product_id: str
    cosine: float
    image_hash: str

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return (self.product_id,)


@dataclass(frozen=True, slots=True)
class Doubted:
    """The products of a catalog that were checked, and what was found."""

    places: NDArray[np.int64]  # (M,) in the snapshot
    scores: PairScores
    doubt: Doubt

    @property
    def order(self) -> NDArray[np.int64]:
        """(M,) the most suspicious first, as numbers of `places`."""
        return np.argsort(-self.doubt.odds, kind="stable")


def mismatched(
    snapshot: CatalogSnapshot, like_words: Nearest, like_looks: Nearest, report: Report
) -> tuple[Section, Sequence[Mismatch]]:
    """The section, and those that come next in the order of suspicion."""
    there = np.flatnonzero(snapshot.has_words & snapshot.has_looks)
    if len(there) < MIN_PRODUCTS:
        remark = (
            f"{len(there)} products have words and a picture that are embedded; "
            f"it takes {MIN_PRODUCTS} to learn what goes together"
        )
        return _section((), 0, remark), ()
    found = doubted(snapshot, like_words, like_looks, report)
    order = found.order
    is_listed = found.doubt.probabilities[order] >= SUSPICIOUS
    following = order[~is_listed][:N_DOUBTFUL]
    remark = f"{_about(found.doubt.share)} of the pictures are another product's, it is estimated"
    listed = _told(snapshot, found, order[is_listed], like_looks)
    return _section(listed, len(there), remark), _told(snapshot, found, following, like_looks)


def doubted(
    snapshot: CatalogSnapshot, like_words: Nearest, like_looks: Nearest, report: Report
) -> Doubted:
    """Judge every product that has words and a picture."""
    places = np.flatnonzero(snapshot.has_words & snapshot.has_looks)
    scores = pair_scores(
        snapshot.words[places],
        snapshot.sights[places],
        snapshot.looks[places],
        like_words=_within(like_words, places, len(snapshot)),
        like_looks=_within(like_looks, places, len(snapshot)),
        report=report,
    )
    chance = np.random.default_rng(SEED)
    folds = chance.permutation(np.arange(len(places)) % N_FOLDS)  # (M,)
    own = np.arange(len(places))
    shown = numbered(snapshot.image_hashes[place] or "" for place in places.tolist())  # (M,)
    texts, pictures = _wrong_pairs(shown, chance)
    told = Pairs(_matrix(scores, own, own), folds, folds)
    wrong = Pairs(_matrix(scores, texts, pictures), folds[texts], folds[pictures])
    return Doubted(places, scores, doubt(told, wrong))


def _section(findings: Sequence[Mismatch], n_checked: int, remark: str) -> Section:
    return Section(
        name=NAME,
        title="Pictures that do not match their words",
        n_checked=n_checked,
        findings=findings,
        columns=columns_of(Mismatch),
        remarks=(remark,),
    )


def _about(share: float) -> str:
    return f"{100 * share:.1f} %" if share > LEAST_SHARE else f"at most {100 * share:.1f} %"


def _matrix(
    scores: PairScores, texts: NDArray[np.int64], pictures: NDArray[np.int64]
) -> NDArray[np.float64]:
    features = scores.features(texts, pictures)
    return np.stack([features[name] for name in FEATURES], axis=1)  # (P, F)


def _wrong_pairs(
    shown: NDArray[np.int64], chance: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(P,) texts and (P,) pictures of other products, drawn from all: what is `shown` (M,) differs.

    To draw some from the own category finds more pictures swapped within one, and far fewer of all
    others where an encoder knows a catalog badly (docs/decisions/0027-audit.md).
    """
    texts = np.tile(np.arange(len(shown)), N_WRONG)
    if len(texts) > MOST_WRONG:
        texts = chance.choice(texts, MOST_WRONG, replace=False)
    pictures = chance.integers(0, len(shown), len(texts))
    differs = shown[texts] != shown[pictures]
    return texts[differs], pictures[differs]


def _within(near: Nearest, places: NDArray[np.int64], n: int) -> Nearest:
    """Neighbours of and among some of N products, by their numbers among these."""
    numbers = np.full(n + 1, -1, dtype=np.int64)  # the last one answers for -1
    numbers[places] = np.arange(len(places))
    inside = numbers[near.places[places]]  # (M, K)
    scores = np.where(inside < 0, -np.inf, near.scores[places]).astype(np.float32)
    order = np.argsort(inside < 0, axis=1, kind="stable")  # those that are there come first
    return Nearest(
        np.take_along_axis(inside, order, axis=1), np.take_along_axis(scores, order, axis=1)
    )


def _told(
    snapshot: CatalogSnapshot, found: Doubted, numbers: NDArray[np.int64], like_looks: Nearest
) -> list[Mismatch]:
    """What people should know of products, given by their numbers among those checked."""
    told = []
    fitting_places = _best_texts(found, numbers).tolist()
    for number, fitting_place in zip(numbers.tolist(), fitting_places, strict=True):
        place = int(found.places[number])
        product = snapshot.products[place]
        lookalikes = [n for n in like_looks.places[place, :N_LOOKALIKES].tolist() if n >= 0]
        fitting = snapshot.products[fitting_place]
        told.append(
            Mismatch(
                product_id=product.product_id,
                title=product.title,
                category=product.product_type,
                suspicion=float(found.doubt.probabilities[number]),
                looks_like=_most_common([snapshot.products[n].product_type for n in lookalikes]),
                lookalikes=tuple(snapshot.products[n].product_id for n in lookalikes),
                fits_title=fitting.title,
                fits_product_id=fitting.product_id,
                cosine=float(found.scores.cosines(np.array([number]), np.array([number]))[0]),
                image_hash=snapshot.image_hashes[place] or "",
            )
        )
    return told


def _best_texts(found: Doubted, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """(L,) places of the products whose texts L pictures go with best, for what fits no others."""
    scores, best = found.scores, np.zeros(len(numbers), dtype=np.int64)
    for some in in_batches(len(numbers), _BATCH):
        cosines = scores.sights[numbers[some]] @ scores.words.T  # (B, M)
        best[some] = (2.0 * cosines - scores.text_to_pictures.top).argmax(axis=1)
    return found.places[best]


def _most_common(names: Sequence[str]) -> str:
    """The most frequent of the names that are there; of equal ones, the first."""
    there = [name for name in names if name]
    return max(there, key=there.count) if there else ""
