"""Which values and which method fit an attribute, with the reason in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopsearch.enriching.attributes import Values
from shopsearch.enriching.methods import Method, Predictor
from shopsearch.enriching.outcome import Wanted
from shopsearch.enriching.quality import Quality
from shopsearch.errors import EnrichmentError

MAX_VALUES = 300  # that one attribute is predicted from, the most frequent first


@dataclass(frozen=True, slots=True)
class Offer:
    """The values that each method may propose; a method with fewer than two cannot be used."""

    learned: tuple[str, ...]
    named: tuple[str, ...]  # for zero-shot
    rare: Mapping[str, int]  # values that are not learned -> products that have them

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods that can be used."""
        each = {Method.LEARNED: self.learned, Method.ZERO_SHOT: self.named}
        return tuple(method for method, values in each.items() if len(values) > 1)


def make_offer(name: str, values: Values, wanted: Wanted) -> Offer:
    """What the values of an attribute allow. Raises `EnrichmentError` where it is not enough."""
    learned = values.learnable(wanted.min_titles, wanted.values)[:MAX_VALUES]
    named = tuple(dict.fromkeys(map(values.canonical, wanted.values))) or tuple(values.products)
    rare = {value: n for value, n in values.products.items() if value not in learned}
    offer = Offer(learned, named[:MAX_VALUES], rare)
    usable = offer.methods
    if not usable or (wanted.method is not Method.AUTO and wanted.method not in usable):
        raise EnrichmentError(_why_not(name, offer, values, wanted))
    return offer


def choose(
    predictors: Sequence[Predictor],
    qualities: Mapping[Method, Quality],
    wanted: Wanted,
) -> tuple[Predictor, str]:
    """The method that is right more often on held-out products, and why it is taken."""
    if wanted.method is not Method.AUTO:
        return predictors[0], "as asked for"
    if len(predictors) == 1:  # whatever can be learned can be named, not the other way round
        few = f"fewer than two values are on {wanted.min_titles} different titles"
        return predictors[0], f"{few}: too few to learn from"
    best = max(predictors, key=lambda predictor: qualities[predictor.method].accuracy)
    told = ", ".join(f"{method} {q.accuracy:.3f}" for method, q in qualities.items())
    return best, f"right most often on held-out products: {told}"


def _why_not(name: str, offer: Offer, values: Values, wanted: Wanted) -> str:
    if len(offer.named) < 2:
        only = f"{offer.named[0]!r}" if offer.named else "no value"
        return (
            f"{name}: {only} is all that could be proposed, so there is nothing to tell apart; "
            "give at least two allowed values with --values or --value"
        )
    return (
        f"{name}: of {len(values.products)} values fewer than two are on {wanted.min_titles} "
        "different titles or more, so nothing can be learned; use --method zero-shot, or "
        "lower --min-examples"
    )
