"""How well a text and a picture go together: what is measured of a pair.

The plain cosine of a text and a picture depends on how general the text is, and on what kind of
thing it is about. So each measure sets it in relation to others: to what the same text is to other
pictures and the same picture to other texts, and to what is said and shown of the products nearby.

Letters: M products with text and picture, R of them for comparison, P pairs, K neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.neighbours import Nearest
from shopsearch.auditing.snapshot import SEED, Report, Rows, in_batches

MOST_COMPARED_WITH = 4_096  # products drawn to compare a pair with: enough for a mean and a top 5
N_LOCAL = 5  # nearest neighbours that a cosine is held against (CSLS)
N_LIKE = 5  # neighbours of which the best count
N_BEST = 3
FEATURES = ("local", "of_text", "of_picture", "texts_alike", "pictures_alike")
_BATCH = 512

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spread:
    """Of M rows compared with R others: mean and standard deviation, and the mean of the top."""

    mean: Floats  # (M,)
    deviation: Floats  # (M,)
    top: Floats  # (M,) mean of the `N_LOCAL` highest

    def standard(self, values: Floats, rows: Places) -> Floats:
        """Values of these rows in standard deviations above their means."""
        shape = (-1,) + (1,) * (values.ndim - 1)
        mean, deviation = self.mean[rows].reshape(shape), self.deviation[rows].reshape(shape)
        return np.asarray((values - mean) / deviation)


@dataclass(frozen=True, slots=True)
class PairScores:
    """What pairs of M products are measured by. Texts and pictures are known by their places."""

    words: Rows  # (M, A)
    sights: Rows  # (M, A)
    looks: Rows  # (M, V)
    like_words: Nearest  # among the M
    like_looks: Nearest
    text_to_pictures: Spread
    picture_to_texts: Spread
    text_to_texts: Spread
    picture_to_pictures: Spread

    def cosines(self, texts: Places, pictures: Places) -> Floats:
        """(P,) the plain cosines of pairs."""
        return _dots(self.words[texts], self.sights[pictures])

    def features(self, texts: Places, pictures: Places) -> dict[str, Floats]:
        """(P,) each of `FEATURES` and "cosine", higher is better together.

        - `local`: cross-domain similarity local scaling (CSLS, Conneau et al. 2018, eq. 3): twice
          the cosine, less what both are to their nearest neighbours on the other side.
        - `of_text`, `of_picture`: the cosine among those of the text with other pictures, and of
          the picture with other texts, in standard deviations.
        - `texts_alike`: how like the text is to those of the products whose pictures look like
          this one; `pictures_alike`: how like the picture is to those of the products that read
          like this one. The best three of five count, for a picture has few true siblings.
        """
        cosine = self.cosines(texts, pictures)
        to_pictures, to_texts = self.text_to_pictures, self.picture_to_texts
        return {
            "cosine": cosine,
            "local": 2.0 * cosine - to_pictures.top[texts] - to_texts.top[pictures],
            "of_text": to_pictures.standard(cosine, texts),
            "of_picture": to_texts.standard(cosine, pictures),
            "texts_alike": _alike(
                self.words, self.text_to_texts, self.like_looks.places[pictures], texts
            ),
            "pictures_alike": _alike(
                self.looks, self.picture_to_pictures, self.like_words.places[texts], pictures
            ),
        }


def pair_scores(
    words: Rows,
    sights: Rows,
    looks: Rows,
    *,
    like_words: Nearest,
    like_looks: Nearest,
    report: Report,
) -> PairScores:
    """Compare M products with at most 4,096 of them, drawn with a fixed seed."""
    n = len(words)
    chance = np.random.default_rng(SEED)
    drawn = chance.choice(n, min(n, MOST_COMPARED_WITH), replace=False)
    sides = ((words, sights), (sights, words), (words, words), (looks, looks))
    spreads = []
    for number, (rows, others) in enumerate(sides):
        spreads.append(_spread(rows, others[drawn]))
        report(number + 1, len(sides))
    return PairScores(words, sights, looks, like_words, like_looks, *spreads)


def _spread(rows: Rows, others: Rows) -> Spread:
    """Of (M, A) rows against (R, A) others, a batch at a time."""
    mean, deviation, top = np.zeros((3, len(rows)))
    n_top = min(N_LOCAL, len(others))
    for some in in_batches(len(rows), _BATCH):
        scores = (rows[some] @ others.T).astype(np.float64)  # (B, R)
        mean[some], deviation[some] = scores.mean(axis=1), scores.std(axis=1)
        top[some] = np.partition(scores, -n_top, axis=1)[:, -n_top:].mean(axis=1)
    return Spread(mean, np.maximum(deviation, 1e-6), top)


def _alike(rows: Rows, spread: Spread, near: Places, own: Places) -> Floats:
    """(P,) how like rows `own` are to the best of those `near` (P, K), which the pair is not in."""
    result = np.zeros(len(own))
    for some in in_batches(len(own), _BATCH):
        places, mine = near[some, : N_LIKE + 1], own[some]  # (B, K)
        cosines = np.einsum("bkd,bd->bk", rows[np.maximum(places, 0)], rows[mine])
        scaled = spread.standard(cosines.astype(np.float64), mine)  # (B, K)
        scaled[(places < 0) | (places == mine[:, None])] = -np.inf
        best = np.sort(scaled, axis=1)[:, -N_BEST:]  # (B, 3)
        there = np.isfinite(best)
        result[some] = np.where(there, best, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
    return result


def _dots(one: Rows, other: Rows) -> Floats:
    return np.asarray(np.einsum("pd,pd->p", one, other), dtype=np.float64)
