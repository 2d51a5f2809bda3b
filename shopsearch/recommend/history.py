"""What a visitor did, as products with weights, and as interests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, MAX_DEEDS, ByHistory, Deed, EventKind
from shopsearch.index.generations import Generation
from shopsearch.ranking.interests import Interest, decayed, interests_of
from shopsearch.recommend.source import Seed, vectors_of
from shopsearch.store import EventStore

KIND_WEIGHTS: Mapping[EventKind, float] = {
    EventKind.VIEW: 1.0,
    EventKind.CLICK: 1.0,
    EventKind.CART: 3.0,
    EventKind.PURCHASE: 5.0,
}
ALIKE = 0.3  # cosine, the centre taken off, from which on products are of one interest; decision 34
N_SAMPLED = 4_000
_SECONDS_PER_DAY = 86_400.0


def deeds_of(wanting: ByHistory, events: EventStore, now: datetime) -> tuple[Deed, ...]:
    """All that is told of a visitor, and what the store knows, the latest `MAX_DEEDS`."""
    known: list[Deed] = []
    if wanting.visitor:
        known = [
            Deed(
                product_id=one.product_id,
                kind=one.kind,
                days_ago=max(0.0, (now - one.at).total_seconds() / _SECONDS_PER_DAY),
            )
            for one in events.of_visitor(wanting.visitor, limit=MAX_DEEDS)
        ]
    in_order = sorted((*wanting.deeds, *known), key=lambda one: one.days_ago)
    return tuple(in_order[:MAX_DEEDS])


def weights_of(deeds: Sequence[Deed], half_life_days: float) -> dict[str, float]:
    """By product, of all that was done with it: by what it was, and how long ago."""
    ages = np.array([one.days_ago for one in deeds], dtype=np.float64)
    weights: dict[str, float] = {}
    for one, share in zip(deeds, decayed(ages, half_life_days).tolist(), strict=True):
        weight = KIND_WEIGHTS[one.kind] * max(share, 1e-9)
        weights[one.product_id] = weights.get(one.product_id, 0.0) + weight
    return weights


def interests(
    generation: Generation, seeds: Sequence[Seed], weights: Mapping[str, float], at_most: int
) -> list[Interest]:
    """The interests behind some products, the weightiest first."""
    return interests_of(
        vectors_of(seeds, generation.index.dimension),
        np.array([weights[one.product_id] for one in seeds]),
        centre=generation.derived.once("centre", lambda: _centre(generation)),
        threshold=ALIKE,
        at_most=at_most,
    )


def _centre(generation: Generation) -> NDArray[np.float32]:
    """(D,) the mean of the catalog's vectors, of some products evenly over it."""
    keys = generation.index.fields.matching(EVERYTHING)
    rows = generation.index.fetch(keys[:: max(1, len(keys) // N_SAMPLED)])
    centre: NDArray[np.float32] = rows.mean(axis=0)
    return centre
