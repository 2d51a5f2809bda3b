"""The JSON shapes that the command line and the HTTP API share.

Keys are a promise to other people's programs: add some, never rename one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from shopsearch.domain import (
    FILTER_FIELDS,
    AnyOf,
    Between,
    Facet,
    FacetValue,
    Hit,
    Price,
    PriceBand,
    PriceHistogram,
    Product,
    Reason,
    Recommendations,
    RuleAction,
    RuleEffect,
    ScoreParts,
    SearchPage,
    SignalEffect,
    UnderstoodPart,
    Why,
)

ImageUrl = Callable[[Hit], str | None]

_SCORE_DIGITS = 4  # float32 cosines of two machines agree to about as many
_MAX_SHOWN_VALUES = 20  # of an understood part: a colour may be told in hundreds of ways
_PART_DIGITS = 6  # parts of a score are small, and are summed


def page_json(page: SearchPage, image_url: ImageUrl) -> dict[str, Any]:
    """One page of hits; `image_url` says where the picture of a hit can be had, None for nowhere.

    `price` is a number in major units, such as 19.99, or null like `currency`.
    """
    return {
        "hits": [hit_json(hit, image_url(hit)) for hit in page.hits],
        "total": page.total,
        "took_ms": round(page.took_ms, 1),
        "generation": page.generation,
        **({"facets": facets_json(page.facets)} if page.facets else {}),
        **wording_json(page),
        **({"understood": list(map(part_json, page.understood))} if page.understood else {}),
        **({"degraded": list(page.degraded)} if page.degraded else {}),
    }


def recommendations_json(found: Recommendations, image_url: ImageUrl) -> dict[str, Any]:
    """Recommended products; `unknown` and `fallback` where there is something to say."""
    return {
        "hits": [
            {
                **hit_json(replace(one.hit, rules=()), image_url(one.hit)),  # they are reasons
                "reasons": [_reason_json(reason) for reason in one.reasons],
            }
            for one in found.hits
        ],
        "total": found.total,
        "took_ms": round(found.took_ms, 1),
        "generation": found.generation,
        **({"unknown": list(found.unknown)} if found.unknown else {}),
        **({"fallback": found.fallback} if found.fallback is not None else {}),
    }


def _reason_json(reason: Reason) -> dict[str, Any]:
    """Its kind, what it is for people, and the fields of its kind that are known."""
    told = {one.name: getattr(reason, one.name) for one in fields(reason) if one.name != "kind"}
    known = {name: _told(value) for name, value in told.items() if value is not None}
    return {"kind": reason.kind, "text": reason.text, **known}


def _told(value: object) -> object:
    if isinstance(value, float):
        return round(value, _SCORE_DIGITS) + 0.0  # never -0.0
    return list(value) if isinstance(value, tuple) else value


def wording_json(page: SearchPage) -> dict[str, Any]:
    """`did_you_mean` where words were corrected, `relaxed` where no product has them all."""
    meant = {"did_you_mean": page.did_you_mean} if page.did_you_mean is not None else {}
    relaxed = {"relaxed": list(page.relaxed)} if page.relaxed else {}
    return {**meant, **relaxed}


def part_json(part: UnderstoodPart) -> dict[str, Any]:
    """A part of the words and what it was taken for: bounds, or the values that will do."""
    return {
        "kind": part.kind,
        "text": part.text,
        "field": part.wish.field,
        "filter": part.is_filter,
        "applied": part.applied,
        **_wish_json(part.wish),
        **({"currency": part.currency.upper()} if part.currency else {}),
    }


def _wish_json(wish: AnyOf | Between) -> dict[str, Any]:
    if isinstance(wish, Between):
        return {"min": wish.low, "max": wish.high}
    return {"values": list(wish.values[:_MAX_SHOWN_VALUES]), "n_values": len(wish.values)}


def facets_json(facets: Iterable[Facet]) -> dict[str, Any]:
    """Facets by name, as the query asked for them; the price has `bands` and
    `histograms` instead of `values`.
    """
    return {facet.name: _facet_json(facet) for facet in facets}


def _facet_json(facet: Facet) -> dict[str, Any]:
    if facet.field == "price":
        return {
            "bands": list(map(_band_json, facet.bands)),
            "histograms": list(map(_histogram_json, facet.histograms)),
            "n_missing": facet.n_missing,
        }
    return {
        "values": list(map(_value_json, facet.values)),
        "n_values": facet.n_values,
        "n_missing": facet.n_missing,
    }


def _value_json(value: FacetValue) -> dict[str, Any]:
    return {
        "value": value.value,
        "count": value.count,
        "chosen": value.chosen,
        **({"children": list(map(_value_json, value.children))} if value.children else {}),
    }


def _band_json(band: PriceBand) -> dict[str, Any]:
    return {
        "currency": band.currency,
        "min": band.low,
        "max": band.high,
        "count": band.count,
        "chosen": band.chosen,
    }


def _histogram_json(histogram: PriceHistogram) -> dict[str, Any]:
    bins = [{"min": one.low, "max": one.high, "count": one.count} for one in histogram.bins]
    return {"currency": histogram.currency, "bins": bins}


def hit_json(hit: Hit, image: str | None) -> dict[str, Any]:
    """One hit; it has `why` where the query asked to explain, and `variants` where it stands for
    some.
    """
    return {
        "rank": hit.rank,
        "score": round(hit.score, _SCORE_DIGITS),
        "product_id": hit.product.product_id,
        "title": hit.product.title,
        **price_json(hit.product.price),
        "image": image,
        **({"variants": hit.n_variants} if hit.n_variants else {}),
        **_why_json(hit),
    }


def _why_json(hit: Hit) -> dict[str, Any]:
    """What a hit of a list by filter alone can tell is the rules and signals that touched it."""
    why = {} if hit.why is None else why_json(hit.why)
    if hit.rules:
        why["rules"] = [_rule_json(effect) for effect in hit.rules]
    if hit.signals:
        why["signals"] = [_signal_json(effect) for effect in hit.signals]
    if hit.preferred:
        why["understood"] = [{"kind": one.kind, "text": one.text} for one in hit.preferred]
    return {"why": why} if why else {}


def _rule_json(effect: RuleEffect) -> dict[str, Any]:
    is_pin = effect.action is RuleAction.PIN
    by = {"position": int(effect.by)} if is_pin else {"factor": effect.by}
    return {"rule": effect.rule, "action": effect.action, **by}


def _signal_json(effect: SignalEffect) -> dict[str, Any]:
    """`value` is null where it is not known; a list without scores has no `part`."""
    return {
        "signal": effect.signal,
        "value": _part(effect.value),
        "weight": effect.weight,
        "factor": _part(effect.factor),
        **({} if effect.part is None else {"part": _part(effect.part)}),
    }


def why_json(why: Why) -> dict[str, Any]:
    """Why a hit is one; null for what is not known."""
    return {
        "cosine": _part(why.cosine),
        "modalities": {
            modality: {"share": _part(part.share), "alone": _part(part.alone)}
            for modality, part in why.modalities.items()
        },
        "similarities": [
            {"query": one.asked, "product": one.found, "cosine": _part(one.cosine)}
            for one in why.similarities
        ],
        "score": _score_json(why.score),
        "matched": {field: list(words) for field, words in why.matched.items()},
        **({"filters": _filters_json(why)} if why.passed else {}),
    }


def _filters_json(why: Why) -> dict[str, list[str] | float]:
    return {k: v if isinstance(v, float) else list(v) for k, v in why.passed.items()}


def _score_json(score: ScoreParts) -> dict[str, Any]:
    return {
        "cosine": _part(score.cosine),
        "features": {
            one.name: {"value": _part(one.value), "weight": one.weight, "part": _part(one.part)}
            for one in score.features
        },
        "exact": _part(score.exact),
        **({"rules": _part(score.rules)} if score.rules else {}),
        **({"signals": _part(score.signals)} if score.signals else {}),
        **({"unwanted": _part(score.unwanted)} if score.unwanted else {}),
        **({"understood": _part(score.understood)} if score.understood else {}),
    }


def _part(number: float | None) -> float | None:
    return None if number is None else round(number, _PART_DIGITS) + 0.0  # never -0.0


def product_json(product: Product, image: str | None) -> dict[str, Any]:
    """Everything that the catalog holds of one product; "" where it holds nothing."""
    return {
        "product_id": product.product_id,
        "title": product.title,
        "description": product.description,
        **price_json(product.price),
        "image": image,
        "link": product.link,
        "product_type": product.product_type,
        **{name: getattr(product, name) for name in FILTER_FIELDS},
        "attributes": dict(product.attributes),
    }


def price_json(price: Price | None) -> dict[str, Any]:
    """The price in major units and its currency."""
    if price is None:
        return {"price": None, "currency": None}
    return {"price": float(price.amount), "currency": price.currency}
