"""A weighted mean of the cosine and of named features, with weights from a small file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from shopsearch.errors import SettingsError
from shopsearch.ranking.features import FEATURES

SHIPPED = Path(__file__).with_name("weights") / "words.json"
FORMAT = 1
LEAST_SPREAD = 0.05  # cosines that are all alike leave the order to the words


@dataclass(frozen=True)
class Ranker:
    """Orders candidates by one score in [-1, 1].

    score = (cosine + t s sum(w_f x_f)) / (1 + t s sum|w_f|), where x_f are the features (0..1), w_f
    their weights, t how much the words count beside a picture, and s the spread of the query's
    cosines: so features weigh alike for encoders whose cosines lie close together or far apart.
    """

    weights: Mapping[str, float]  # feature -> weight; 1 is worth the spread of the cosines
    story: Mapping[str, Any] = field(default_factory=dict)  # where the weights come from

    @classmethod
    def load(cls, path: Path = SHIPPED) -> Self:
        """The weights of a file, as `save` writes it. Raises `SettingsError`."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the ranking weights {path} cannot be read ({error}); name a file that "
                "`shopsearch train ranking` wrote with SHOPSEARCH_RANKER, or unset it"
            ) from error
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise SettingsError(
                f"{path} holds no ranking weights of format {FORMAT}; train them anew with "
                "`shopsearch train ranking`"
            )
        weights = _checked(path, told.get("weights"))
        return cls(
            weights=weights,
            story={key: value for key, value in told.items() if key not in ("format", "weights")},
        )

    def as_json(self) -> dict[str, Any]:
        """What a file holds."""
        return {"format": FORMAT, "weights": dict(self.weights), **self.story}

    @cached_property
    def weighed(self) -> frozenset[str]:
        """The features that can change an order; nobody needs the values of the others."""
        return frozenset(name for name, weight in self.weights.items() if weight)

    def scores(
        self, cosines: NDArray[np.float32], features: NDArray[np.float32], text_weight: float
    ) -> NDArray[np.float32]:
        """The scores of N candidates: from (N,) cosines and (N, F) features, as in `FEATURES`.

        The spread is that of these candidates, so a query is always scored with the same ones.
        """
        unit = text_weight * spread(cosines)
        # in one block: the sums are then the same, bit by bit, whatever features come to the others
        weighed = np.ascontiguousarray(features[:, self._columns])
        blended = cosines + unit * (weighed @ self._vector)  # (N,)
        scores: NDArray[np.float32] = blended / (1.0 + unit * np.abs(self._vector).sum())
        return scores.astype(np.float32)

    def parts(
        self, cosines: NDArray[np.float32], features: NDArray[np.float32], text_weight: float
    ) -> NDArray[np.float64]:
        """What (N,) cosines and (N, F) features give to `scores`: (N, 1 + F), the cosine first.

        Each row sums to the score of its candidate.
        """
        unit = text_weight * spread(cosines)
        weights = np.array([1.0, *(unit * self.weights.get(name, 0.0) for name in FEATURES)])
        shares = weights / np.abs(weights).sum()
        parts: NDArray[np.float64] = np.column_stack([cosines, features]) * shares
        return parts

    def score_without_words(
        self, cosines: NDArray[np.float32], of: NDArray[np.float32], text_weight: float
    ) -> NDArray[np.float32]:
        """The scores of (M,) cosines without any feature, beside the candidates' cosines `of`."""
        unit = text_weight * spread(of)
        scores: NDArray[np.float32] = cosines / (1.0 + unit * np.abs(self._vector).sum())
        return scores.astype(np.float32)

    @cached_property
    def _columns(self) -> list[int]:
        return [n for n, name in enumerate(FEATURES) if name in self.weighed]

    @cached_property
    def _vector(self) -> NDArray[np.float32]:
        return np.array([self.weights[FEATURES[n]] for n in self._columns], dtype=np.float32)


def spread(cosines: NDArray[np.float32]) -> float:
    """How far the best cosine stands above the mean one."""
    if not cosines.size:
        return LEAST_SPREAD
    return max(float(cosines.max() - cosines.mean()), LEAST_SPREAD)


def _checked(path: Path, weights: object) -> dict[str, float]:
    if not isinstance(weights, dict):
        raise SettingsError(f"{path} holds no weights; train them with `shopsearch train ranking`")
    if unknown := sorted(set(weights) - set(FEATURES)):
        raise SettingsError(
            f"{path} weighs {unknown[0]!r}, which is no feature of this version; they are "
            f"{', '.join(FEATURES)}; train the weights anew with `shopsearch train ranking`"
        )
    for name, weight in weights.items():
        if not _is_number(weight):
            raise SettingsError(
                f"{path}: the weight of {name!r} is {weight!r}, but must be a number"
            )
    return {name: float(weight) for name, weight in weights.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
