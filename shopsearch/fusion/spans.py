"""How near to what training has seen an item must be for what was learned to count.

Torch is not needed here: `familiarity.py` and `gated_rows.py` share these figures.
"""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """Cosines to the nearest landmark; between them trust grows evenly from 0 to 1."""

    strange: float
    familiar: float


# chosen on catalogs that were left out of training: decision 11
IMAGES, TEXTS = Span(0.6, 0.8), Span(0.6, 0.8)
