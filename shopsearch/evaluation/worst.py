"""The queries that the search answers worst, told with what was found and what should have been."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shopsearch.domain import Among, AnyOf, Between, Condition, Narrowing, Product, Withheld
from shopsearch.evaluation.measures import Evaluation, Qrels, Run
from shopsearch.evaluation.queries import JudgedQuery

N_WORST = 10  # queries shown where nobody says how many
_N_HITS = 10
_N_BEST = 5  # of the judged products, beside the hits


class Pictures(Protocol):
    """Gives small pictures to show, as WebP; None where there is none."""

    def of_product(self, product_id: str) -> bytes | None:
        """The product's own."""

    def of_query(self, query: JudgedQuery) -> bytes | None:
        """The one that the query was asked with."""


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product in a list: where it was found, and how it was judged."""

    place: str  # a rank, "at 17", "not found", ...
    product_id: str
    title: str
    picture: str  # a data URI; "" where there is none
    gain: float | None  # None: unjudged
    look: str  # of the gain: "good", "some", "bad" or ""


@dataclass(frozen=True, slots=True)
class ShownQuery:
    """A query with its answer."""

    query_id: str
    query: JudgedQuery | None
    conditions: tuple[str, ...]  # its filters in words
    picture: str  # a data URI; "" where there is none
    liked: str  # the picture of the product that it names
    figures: Mapping[str, float]
    found: tuple[ShownProduct, ...]
    wanted: tuple[ShownProduct, ...]
    n_more_wanted: int  # judged to fit, not shown


@dataclass(frozen=True, slots=True)
class Sources:
    """What the figures were made from."""

    queries: Sequence[JudgedQuery]
    run: Run
    qrels: Qrels
    products: Mapping[str, Product]  # those of the catalog, as far as looked up
    pictures: Pictures | None = None


def worst_ids(evaluation: Evaluation, qrels: Qrels, n_worst: int) -> list[str]:
    """The lowest nDCG@10 first, among equals the most to gain; perfect ones are left out."""
    per_query = evaluation.per_query
    order = sorted(per_query, key=lambda q: (per_query[q]["ndcg@10"], -sum(qrels[q].values())))
    return [q for q in order if per_query[q]["ndcg@10"] < 1.0][:n_worst]


def worst(evaluation: Evaluation, sources: Sources, n_worst: int = N_WORST) -> list[ShownQuery]:
    """The worst queries with their answers."""
    asked = {query.query_id: query for query in sources.queries}
    return [
        _shown_query(query_id, asked.get(query_id), evaluation, sources)
        for query_id in worst_ids(evaluation, sources.qrels, n_worst)
    ]


def _shown_query(
    query_id: str, query: JudgedQuery | None, evaluation: Evaluation, sources: Sources
) -> ShownQuery:
    gains, hits = sources.qrels[query_id], sources.run[query_id]
    bound = evaluation.relevant_gain
    ranks = {product_id: rank for rank, product_id in enumerate(hits, start=1)}
    fitting = sorted(
        (p for p in gains if gains[p] > 0), key=lambda p: (-gains[p], ranks.get(p, len(ranks) + 1))
    )
    like = query.product_id if query else None
    return ShownQuery(
        query_id=query_id,
        query=query,
        conditions=tuple(map(_condition, query.where.conditions)) if query else (),
        picture=_query_picture(query, sources),
        liked=_picture(like, sources) if like else "",
        figures=evaluation.per_query[query_id],
        found=tuple(
            _shown(str(rank), product_id, gains.get(product_id), bound, sources)
            for rank, product_id in enumerate(hits[:_N_HITS], start=1)
        ),
        wanted=tuple(
            _shown(_place(p, ranks, sources), p, gains[p], bound, sources)
            for p in fitting[:_N_BEST]
        ),
        n_more_wanted=max(len(fitting) - _N_BEST, 0),
    )


def _place(product_id: str, ranks: Mapping[str, int], sources: Sources) -> str:
    if product_id in ranks:
        return f"at\N{NO-BREAK SPACE}{ranks[product_id]}"
    return "not found" if product_id in sources.products else "not in the catalog"


def _shown(
    place: str, product_id: str, gain: float | None, bound: float, sources: Sources
) -> ShownProduct:
    product = sources.products.get(product_id)
    return ShownProduct(
        place=place,
        product_id=product_id,
        title=product.title if product else "",
        picture=_picture(product_id, sources),
        gain=gain,
        look="" if gain is None else "good" if gain >= bound else "some" if gain > 0 else "bad",
    )


def _picture(product_id: str, sources: Sources) -> str:
    return _data_uri(sources.pictures.of_product(product_id)) if sources.pictures else ""


def _query_picture(query: JudgedQuery | None, sources: Sources) -> str:
    if query is None or query.image is None or sources.pictures is None:
        return ""
    return _data_uri(sources.pictures.of_query(query))


def _data_uri(webp: bytes | None) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}" if webp else ""


def _condition(condition: Condition | Narrowing) -> str:
    if isinstance(condition, Withheld | Among):
        return "is not withheld by rules"
    if isinstance(condition, AnyOf):
        verb = "is not" if condition.negate else "is"
        return f"{condition.field} {verb} {' or '.join(condition.values)}"
    if isinstance(condition, Between):
        low = "" if condition.low is None else f"{condition.low:g} <= "
        high = "" if condition.high is None else f" <= {condition.high:g}"
        return f"{low}{condition.field}{high}"
    return f"{condition.field} is {'set' if condition.present else 'not set'}"
