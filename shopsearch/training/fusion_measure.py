"""How well a fusion finds held-out products, by way of asking and by what the products lack."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from shopsearch.fusion.module import FusionModule, Items
from shopsearch.training.fusion_asking import Fuse, Way, ask, product_items, query_rows
from shopsearch.training.fusion_lessons import FusionLessons

N_MEASURED = 1500  # held-out products at most; more would take long and tell little more
TITLE = 2  # products tell their title alone: that is the harder case
STATES = ("full", "image missing", "text missing")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table."""

    way: Way
    state: str
    ndcg_at_10: float
    n_queries: int


@dataclass(frozen=True, slots=True)
class Found:
    """How well the queries of one cell were answered, one by one."""

    way: Way
    state: str
    ndcg_at_10: Tensor  # (n,)
    recall_at_10: Tensor  # (n,), of at most ten right answers
    precision_at_10: Tensor  # (n,)


@torch.no_grad()
def answered(
    fuse: Fuse,
    lessons: FusionLessons,
    *,
    seed: int = 0,
    way_told: int = TITLE,
    fuse_query: Fuse | None = None,
) -> list[Found]:
    """All cells for which queries can be made, query by query.

    `fuse_query` makes the rows of the queries; None takes the mean of their parts.
    """
    draw = torch.Generator().manual_seed(seed)
    places = torch.randperm(len(lessons), generator=draw)[:N_MEASURED].sort().values
    products = product_items(lessons, places, torch.full((len(places),), way_told))
    galleries = {state: fuse(_in_state(products, state)) for state in STATES}
    cells = []
    for way in Way:
        asked = ask(way, lessons, places, draw, by_label=True)
        items = _answerable(asked.items)
        rows = query_rows(fuse, items) if fuse_query is None else fuse_query(items)
        gains = asked.gains.clamp_min(0).clamp_max(1)
        if way is not Way.WORDS:
            gains = gains.fill_diagonal_(0)
        for state, gallery in galleries.items():
            scores = rows @ gallery.T
            if way is not Way.WORDS:
                scores = scores.fill_diagonal_(-torch.inf)  # a picture finds itself anyhow
            cells.append(Found(way, state, *figures_at_10(scores, gains)))
    return [cell for cell in cells if len(cell.ndcg_at_10)]


def measure(fuse: Fuse, lessons: FusionLessons, seed: int = 0) -> list[Cell]:
    """The mean of each cell."""
    return [
        Cell(cell.way, cell.state, float(cell.ndcg_at_10.mean()), len(cell.ndcg_at_10))
        for cell in answered(fuse, lessons, seed=seed)
    ]


def mean_of(cells: list[Cell]) -> float:
    """One figure for a fusion: the mean over ways of asking, full products counting half."""
    full = [cell.ndcg_at_10 for cell in cells if cell.state == STATES[0]]
    lacking = [cell.ndcg_at_10 for cell in cells if cell.state != STATES[0]]
    return 0.5 * sum(full) / max(1, len(full)) + 0.5 * sum(lacking) / max(1, len(lacking))


def measure_module(module: FusionModule, lessons: FusionLessons) -> list[Cell]:
    """All cells of a module."""
    return measure(lambda items: module(items, _even(items)), lessons)


def measured(module: FusionModule, lessons: FusionLessons) -> float:
    """That figure for a module."""
    return mean_of(measure_module(module, lessons))


def ndcg_at_10(scores: Tensor, gains: Tensor) -> Tensor:
    """(n,) nDCG@10 of the queries that have a right answer; gains are 0 or 1."""
    return figures_at_10(scores, gains)[0]


def figures_at_10(scores: Tensor, gains: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """nDCG, recall and precision at 10, (n,) each, of the queries that have a right answer."""
    k = min(10, scores.shape[1])
    discounts = 1 / torch.arange(2, k + 2).float().log2()  # (k,)
    right = gains.gather(1, scores.topk(k, dim=1).indices)  # (Q, k)
    n_right = gains.sum(dim=1)
    best = (torch.arange(k)[None] < n_right[:, None]).float() @ discounts  # (Q,)
    has = n_right > 0
    hits = right.sum(dim=1)[has]
    ndcg = (right @ discounts)[has] / best[has]
    return ndcg, hits / n_right[has].clamp_max(k), hits / 10


def _in_state(items: Items, state: str) -> Items:
    """The products without what they lack in this state; who would have nothing stays whole."""
    if state == STATES[1]:
        return items.text_alone()
    return items.image_alone() if state == STATES[2] else items


def _answerable(items: Items) -> Items:
    """Items with neither modality are asked by a zero picture: they count for no query."""
    nothing = (items.has_image + items.has_text) == 0
    return items._replace(has_image=torch.where(nothing, 1.0, items.has_image))


def _even(items: Items) -> Tensor:
    return torch.full((len(items.image),), 0.5)
