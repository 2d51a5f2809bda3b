"""Enriching: products that lack a category, a colour, a gender, ... -> likely values for them.

In: the live index generation, the stored products, and a `Wanted`. Out: an `Enrichment`: for each
attribute the proposals, and how good they are by cross-validation. Nothing in the catalog is
changed: the feed is the shop's own. Fails with `EnrichmentError` where nothing can be proposed as
asked, and with what the live generation raises where there is none or another encoder made it.

To add a method, write it in methods.py so that it gives a `Predictor`, and let service.py offer it.
"""

from shopsearch.enriching.methods import Method
from shopsearch.enriching.outcome import AttributeOutcome, Enrichment, Proposal, Wanted
from shopsearch.enriching.service import Enricher

__all__ = ["AttributeOutcome", "Enricher", "Enrichment", "Method", "Proposal", "Wanted"]
