"""Recommendations: products, what a visitor did, or nothing at all in; hits with reasons out.

In:    `Recommend`: what is wanted (one noun for each kind), a filter, how many.
Out:   `Recommendations`: hits of one index generation, each with the reasons why it is one.
Fails: `QueryError`, `UnknownProduct` (of `SimilarTo` alone), what `LiveGeneration.one` raises.
More:  write a `Source` in a file of its own, and give it a case in `RecommendService._source`.

A source brings candidates, as one line or as several that take turns; `arranging` makes hits of
them, the same way for all kinds: filter, rules, diversity, variants. The maths is in `ranking/`.
"""

from shopsearch.recommend.service import RecommendService

__all__ = ["RecommendService"]
