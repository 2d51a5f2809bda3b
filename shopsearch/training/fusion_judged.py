"""Judged or clicked queries as lessons: which products are how right for which query.

Letters: J judged queries, D the length of an embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from shopsearch.domain import PreparedItem
from shopsearch.errors import TrainingError
from shopsearch.evaluation.queries import read_qrels, read_queries
from shopsearch.fusion.module import Items
from shopsearch.training.fusion_reading import Encode, ReadCatalogs
from shopsearch.training.fusion_split import Split

PrepareQuery = Callable[[str, bytes | None], PreparedItem]


@dataclass(frozen=True, slots=True)
class Judged:
    """J queries as items, and what was judged of them."""

    items: Items
    text_weight: Tensor  # (J,)
    query: Tensor  # (P,) of each judged pair its query
    product: Tensor  # (P,) and its product: its place among those that teach
    gain: Tensor  # (P,) and how right it is: graded, or a count of clicks

    def __len__(self) -> int:
        return len(self.text_weight)

    def gains(self, queries: Tensor, products: Tensor) -> Tensor:
        """(n, m) of some queries and some products; 0 where nobody judged."""
        table = torch.zeros(len(queries), len(products))
        rows = _places(queries, len(self))[self.query]  # (P,)
        most = int(max(self.product.max(), products.max())) + 1
        columns = _places(products, most)[self.product]  # (P,)
        here = (rows >= 0) & (columns >= 0)
        table[rows[here], columns[here]] = self.gain[here]
        return table


def read_judged(
    queries: Path, qrels: Path, read: ReadCatalogs, prepare: PrepareQuery, encode: Encode
) -> Judged:
    """The judged queries about products that teach. Raises `TrainingError` where there are none.

    Queries about products that are held out teach nothing. Raises `EvaluationError` too, where the
    files cannot be read.
    """
    teaching = {read.product_ids[n]: at for at, n in enumerate(read.places(Split.TRAIN).tolist())}
    gains = read_qrels(qrels)
    asked = [
        query
        for query in read_queries(queries)
        if (query.text or query.image) and _any_right(gains.get(query.query_id, {}), teaching)
    ]
    if not asked:
        raise TrainingError(
            f"{queries}, {qrels}: no query has words or a picture and a gain above 0 for a product "
            "that teaches; check that the product ids are those of the catalogs"
        )
    raw = [query.as_query(1) for query in asked]
    embedded = encode([prepare(query.text, query.image) for query in raw])
    pairs = [
        (number, teaching[product_id], gain)
        for number, query in enumerate(asked)
        for product_id, gain in gains[query.query_id].items()
        if product_id in teaching
    ]
    return Judged(
        items=Items(
            torch.from_numpy(embedded.image),
            torch.from_numpy(embedded.text),
            torch.from_numpy(embedded.has_image).float()[:, None],
            torch.from_numpy(embedded.has_text).float()[:, None],
        ),
        text_weight=torch.tensor([query.text_weight for query in asked]),
        query=torch.tensor([query for query, _, _ in pairs]),
        product=torch.tensor([product for _, product, _ in pairs]),
        gain=torch.tensor([gain for _, _, gain in pairs], dtype=torch.float32),
    )


def _any_right(gains: dict[str, float], teaching: dict[str, int]) -> bool:
    return any(gain > 0 and product_id in teaching for product_id, gain in gains.items())


def _places(chosen: Tensor, n: int) -> Tensor:
    """(n,) where each number is among the chosen; -1 where it is not."""
    places = torch.full((n,), -1)
    places[chosen] = torch.arange(len(chosen))
    return places
