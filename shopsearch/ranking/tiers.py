"""What goes before others whatever its score: tiers of candidates, and scores that respect them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# how much each adds to the tier of a candidate; the higher the tier, the earlier it comes
PHRASES = 4  # it holds all phrases in quotes
EXACT = 2  # it is the very title, model number or variant
BRAND = 1  # the query is the name of its brand


def in_tiers(scores: NDArray[np.float32], tiers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores in [-1, 1] of which none is below one of a lower tier: (N,) from (N,) and (N,).

    Within a tier the order stays. Tier 0 keeps its scores, or else the tier next to it: what is
    above goes, tier by tier, between the highest score below it and 1, and what is below between
    the lowest score above it and -1.
    """
    levels = np.unique(tiers)
    if len(levels) < 2:
        return scores
    found = scores.copy()
    kept = levels[levels >= 0].min() if levels[-1] >= 0 else levels[-1]
    for level in levels[levels > kept]:
        these, highest = tiers == level, found[tiers < level].max()
        found[these] = highest + (1.0 - highest) * (1.0 + scores[these]) / 2.0
    for level in levels[levels < kept][::-1]:
        these, lowest = tiers == level, found[tiers > level].min()
        found[these] = lowest - (1.0 + lowest) * (1.0 - scores[these]) / 2.0
    return found
