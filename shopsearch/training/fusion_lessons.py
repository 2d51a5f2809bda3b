"""What a fusion learns from, as tensors: products, what they say, and what is asked for.

Letters: N products, D the length of an embedding, V ways a product tells of itself, Q queries made
from each, F facets, T texts in all, M other views of pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from shopsearch.errors import TrainingError

MIN_PRODUCTS = 64
UNTOLD = -1  # the code of a facet that a product does not tell


@dataclass(frozen=True, slots=True)
class FusionLessons:
    """N products with the queries made from them. Rows are unit rows, or zero where missing."""

    images: Tensor  # (N, D)
    has_image: Tensor  # (N,) bool
    texts: Tensor  # (T, D)
    told: Tensor  # (N, V), rows of `texts`; UNTOLD where a product has no words
    queries: Tensor  # (N, Q), rows of `texts`
    asked: Tensor  # (N, Q, F) bool: the facets that a query names; none: it asks for the title
    facets: Tensor  # (N, F) codes of values, UNTOLD where there is none
    titles: Tensor  # (N,) codes: products of one title are one for who asks by title
    views: Tensor  # (M, D) pictures seen otherwise
    view_of: Tensor  # (M,) the product of each view
    catalogs: Tensor  # (N,) codes: a search never mixes catalogs, and no lesson does
    color_queries: Tensor  # (C, W), rows of `texts`: ways to ask for each code of the first facet

    def __len__(self) -> int:
        return len(self.images)

    def part(self, places: Tensor) -> FusionLessons:
        """Some of the products; texts and their numbers stay."""
        new_place = torch.full((len(self),), -1)
        new_place[places] = torch.arange(len(places))
        kept = new_place[self.view_of] >= 0  # (M,)
        return FusionLessons(
            images=self.images[places],
            has_image=self.has_image[places],
            texts=self.texts,
            told=self.told[places],
            queries=self.queries[places],
            asked=self.asked[places],
            facets=self.facets[places],
            titles=self.titles[places],
            views=self.views[kept],
            view_of=new_place[self.view_of[kept]],
            catalogs=self.catalogs[places],
            color_queries=self.color_queries,
        )


def check_lessons(lessons: FusionLessons, names: str) -> None:
    """Raise `TrainingError` where these products cannot teach a fusion anything."""
    n_both = int((lessons.has_image & (lessons.told[:, 0] != UNTOLD)).sum())
    if n_both < MIN_PRODUCTS:
        raise TrainingError(
            f"{names}: {n_both} products have both a picture and words, of {len(lessons)} in all; "
            f"a fusion learns from both together, and needs at least {MIN_PRODUCTS}"
        )
    for what, rows in (("pictures", lessons.images), ("texts", lessons.texts)):
        bad = ~torch.isfinite(rows).all(dim=1)
        if bool(bad.any()):
            raise TrainingError(
                f"{int(bad.sum())} embeddings of {what} hold values that are no numbers; check the "
                "encoder with `shopsearch doctor`, and index the catalog into a new home folder"
            )
    if len(lessons.titles.unique()) < 2:
        raise TrainingError(
            f"{names}: all {len(lessons)} products have the same title, so there is nothing to "
            "tell apart; give them titles of their own, or take another catalog"
        )


def codes_of(values: Sequence[str]) -> tuple[list[int], list[str]]:
    """Each value as a number, UNTOLD for ""; and the values in the order of their numbers."""
    numbers: dict[str, int] = {}
    coded = [numbers.setdefault(value, len(numbers)) if value else UNTOLD for value in values]
    return coded, list(numbers)
