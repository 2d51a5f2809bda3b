"""The four ways to ask that a fusion is taught and measured with: words, a picture, both, changed.

Letters as in `fusion_lessons.py`; B products asked for, one query each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.fusion.module import Items
from shopsearch.training.fusion_lessons import UNTOLD, FusionLessons
from shopsearch.training.fusion_objective import agreement, cannot_tell
from shopsearch.training.fusion_words import COLOR, GENDER, KIND, USE

Fuse = Callable[[Items], Tensor]  # (B, E) unit rows at an even weight


class Way(StrEnum):
    """How is asked."""

    WORDS = "text"
    PICTURE = "image"
    BOTH = "text+image"  # a picture, and words that fit it
    CHANGED = "but in"  # a picture, and the colour that it should have instead


@dataclass(frozen=True, slots=True)
class Questions:
    """B queries as items, and how right each of B products is for each of them."""

    items: Items
    gains: Tensor  # (B, B) float; 0 is wrong, negative is left out


def product_items(lessons: FusionLessons, places: Tensor, way_told: Tensor) -> Items:
    """Products as they are indexed, telling of themselves in one of V ways each."""
    ids = lessons.told[places, way_told]  # (B,)
    return _items(lessons, lessons.images[places], lessons.has_image[places], ids)


def query_rows(fuse: Fuse, items: Items) -> Tensor:
    """(B, E) unit rows of queries. Where there are words and a picture it is the mean of both, as a
    search makes it that has no combiner: two wishes, where a product is one thing.
    """
    has_both = items.has_image * items.has_text  # (B, 1)
    rows = fuse(items.image_alone())
    if not bool(has_both.any()):
        return rows
    return normalize(rows + has_both * fuse(items.text_alone()), dim=1)


def ask(
    way: Way, lessons: FusionLessons, places: Tensor, draw: torch.Generator, *, by_label: bool
) -> Questions:
    """One query for each of these products; by label every product that agrees is right."""
    if way is Way.WORDS:
        return _in_words(lessons, places, draw, by_label=by_label)
    if way is Way.PICTURE:
        return _by_picture(lessons, places, draw, by_label=by_label)
    if way is Way.BOTH:
        return _by_both(lessons, places, draw, by_label=by_label)
    return _changed(lessons, places, draw)


def _in_words(
    lessons: FusionLessons, places: Tensor, draw: torch.Generator, *, by_label: bool
) -> Questions:
    number = torch.randint(lessons.queries.shape[1], (len(places),), generator=draw)  # (B,)
    ids, asked = lessons.queries[places, number], lessons.asked[places, number]
    items = _items(lessons, *_no_pictures(lessons, places), ids)
    own = _same_title(lessons, places)  # (B, B)
    if not by_label:
        return Questions(items, _without_twins(lessons, places, own))
    facets = lessons.facets[places]  # (B, F)
    agree = agreement(asked, facets, facets).float()
    agree = agree.masked_fill(cannot_tell(asked, facets, facets, UNTOLD), UNTOLD)
    by_facets = asked.any(dim=1, keepdim=True)  # (B, 1)
    return Questions(items, torch.where(by_facets, agree, own))


def _by_picture(
    lessons: FusionLessons, places: Tensor, draw: torch.Generator, *, by_label: bool
) -> Questions:
    pictures, has = _seen_otherwise(lessons, places, draw)
    items = _items(lessons, pictures, has, _no_words(places))
    own = torch.eye(len(places))
    if by_label:
        alike = _alike(lessons, places)  # (B, B), without the own
        n_alike = alike.clamp_min(0).sum(dim=1, keepdim=True)
        own = own * n_alike.clamp_min(1) + alike * (1 - own)  # half of the right is the product
    gains = _without_twins(lessons, places, own) if not by_label else own
    return Questions(items, torch.where(has[:, None], gains, UNTOLD))


def _by_both(
    lessons: FusionLessons, places: Tensor, draw: torch.Generator, *, by_label: bool
) -> Questions:
    number = torch.randint(lessons.queries.shape[1], (len(places),), generator=draw)  # (B,)
    pictures, has = _seen_otherwise(lessons, places, draw)
    items = _items(lessons, pictures, has, lessons.queries[places, number])
    if by_label:
        gains = _alike(lessons, places).fill_diagonal_(UNTOLD)  # others: the own is too easy
    else:
        gains = _without_twins(lessons, places, torch.eye(len(places)))
    return Questions(items, torch.where(has[:, None], gains, UNTOLD))


def _changed(lessons: FusionLessons, places: Tensor, draw: torch.Generator) -> Questions:
    """The same kind for the same people, in the colour of another product of that kind."""
    facets = lessons.facets[places]  # (B, F)
    kind, color = facets[:, [KIND, GENDER]], facets[:, COLOR]
    like = (kind[:, None] == kind[None]).all(dim=2) & (kind[:, :1] != UNTOLD)  # (B, B)
    other = (color[:, None] != color[None]) & (color[:, None] >= 0) & (color[None] >= 0)
    chance = torch.rand(like.shape, generator=draw) * (like & other)  # (B, B)
    target = chance.argmax(dim=1)  # (B,)
    possible = (chance.amax(dim=1) > 0) & lessons.has_image[places]
    wanted = facets.clone()
    wanted[:, COLOR] = color[target]
    ways = torch.randint(lessons.color_queries.shape[1], (len(places),), generator=draw)
    words = lessons.color_queries[color[target].clamp_min(0), ways]  # (B,)
    items = _items(
        lessons, lessons.images[places], lessons.has_image[places], torch.where(possible, words, -1)
    )
    asked = wanted != UNTOLD  # (B, F)
    asked[:, USE] = False  # it cannot be seen
    gains = agreement(asked, wanted, facets).float()
    gains = gains.masked_fill(cannot_tell(asked, wanted, facets, UNTOLD), UNTOLD)
    return Questions(items, torch.where(possible[:, None], gains, UNTOLD))


def _alike(lessons: FusionLessons, places: Tensor) -> Tensor:
    """(B, B) 1 where colour, kind and gender agree; UNTOLD where that cannot be told."""
    facets = lessons.facets[places]  # (B, F)
    asked = facets != UNTOLD
    asked[:, USE] = False  # it cannot be seen
    asked &= asked[:, [KIND]]  # without a kind nothing is alike
    agree = agreement(asked, facets, facets) & asked.any(dim=1, keepdim=True)
    return agree.float().masked_fill(cannot_tell(asked, facets, facets, UNTOLD), UNTOLD)


def _same_title(lessons: FusionLessons, places: Tensor) -> Tensor:
    titles = lessons.titles[places]
    return (titles[:, None] == titles[None]).float()  # (B, B)


def _without_twins(lessons: FusionLessons, places: Tensor, own: Tensor) -> Tensor:
    """Products of the same title, or drawn twice, are no wrong answers: they are left out."""
    twins = _same_title(lessons, places) - own > 0
    return own.masked_fill(twins, UNTOLD)


def _seen_otherwise(
    lessons: FusionLessons, places: Tensor, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Another view of each picture, half of the time and where there is one; else the picture."""
    pictures = lessons.images[places]  # (B, D), a copy
    if len(lessons.views):
        slot = torch.full((len(lessons),), -1)
        order = torch.randperm(len(lessons.views), generator=draw)
        slot[lessons.view_of[order]] = order  # one view of each product that has some
        view = slot[places]
        use = (view >= 0) & (torch.rand(len(places), generator=draw) < 0.5)
        pictures[use] = lessons.views[view[use]]
    return pictures, lessons.has_image[places]


def _no_pictures(lessons: FusionLessons, places: Tensor) -> tuple[Tensor, Tensor]:
    n = len(places)
    return torch.zeros(n, lessons.images.shape[1]), torch.zeros(n, dtype=torch.bool)


def _no_words(places: Tensor) -> Tensor:
    return torch.full((len(places),), UNTOLD)


def _items(lessons: FusionLessons, images: Tensor, has_image: Tensor, text_ids: Tensor) -> Items:
    has_text = (text_ids != UNTOLD).float()[:, None]  # (B, 1)
    text = lessons.texts[text_ids.clamp_min(0)].float() * has_text
    has = has_image.float()[:, None]
    return Items(images.float() * has, text, has, has_text)
