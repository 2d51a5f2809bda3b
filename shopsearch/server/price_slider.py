"""The slider over the histogram of a price: where its bars and its two thumbs are.

A thumb stands between bins. At its outer end it bounds nothing, so that nobody has to hit the price
of the dearest product to see it. The exact bounds are in two number fields beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from shopsearch.domain import AnyOf, Facet, PriceBin, PriceHistogram
from shopsearch.server import wording
from shopsearch.server.search_request import SearchRequest

HEIGHT = 40.0  # of the tallest bar; a bin is 1 wide
_LEAST_HEIGHT = 1.5  # of a bar, so that few products can be seen beside many
CURRENCY = "currency"


@dataclass(frozen=True, slots=True)
class Bar:
    """One bin, as it is drawn."""

    height: float
    chosen: bool  # whether the bounds that are asked for let some of its prices through


@dataclass(frozen=True, slots=True)
class PriceSlider:
    """The slider of one currency. Numbers are as fields hold them, texts as people read them."""

    currency: str
    is_only: bool  # whether no product costs another currency
    n_products: int
    bars: tuple[Bar, ...]
    low_at: int  # 0..n bars: how many bins are below the lower thumb
    high_at: int  # 0..n bars, above `low_at`: how many are below the upper one
    lows: tuple[str, ...]  # by bin; "" for the first, which bounds nothing
    highs: tuple[str, ...]  # by bin; "" for the last
    low_texts: tuple[str, ...]
    high_texts: tuple[str, ...]
    low: str  # what is asked for
    high: str
    least: str  # what there is
    greatest: str


def sliders(asked: SearchRequest, facet: Facet) -> list[PriceSlider]:
    """One for each currency of a price facet, the most frequent first."""
    is_only = len(facet.histograms) == 1
    return [_slider(asked, one, is_only=is_only) for one in facet.histograms]


def _slider(asked: SearchRequest, histogram: PriceHistogram, *, is_only: bool) -> PriceSlider:
    bins, currency = histogram.bins, histogram.currency
    is_meant = is_only or _is_chosen(asked, currency)
    low, high = (asked.price_min, asked.price_max) if is_meant else (None, None)
    low_at = 0 if low is None else sum(one.high < low for one in bins)
    high_at = len(bins) if high is None else sum(one.low <= high for one in bins)
    low_at = min(low_at, len(bins) - 1)
    high_at = max(high_at, low_at + 1)
    most = max(one.count for one in bins)
    return PriceSlider(
        currency=currency,
        is_only=is_only,
        n_products=sum(one.count for one in bins),
        bars=tuple(
            Bar(_height(one, most), chosen=low_at <= place < high_at)
            for place, one in enumerate(bins)
        ),
        low_at=low_at,
        high_at=high_at,
        lows=("", *(_number(one.low) for one in bins[1:])),
        highs=(*(_number(one.high) for one in bins[:-1]), ""),
        low_texts=_texts((one.low for one in bins), currency),
        high_texts=_texts((one.high for one in bins), currency),
        low=_number(low),
        high=_number(high),
        least=_number(bins[0].low),
        greatest=_number(bins[-1].high),
    )


def in_currency(asked: SearchRequest, slider: PriceSlider) -> SearchRequest:
    """The search without bounds of the price, from which the fields of a slider start."""
    open_ended = replace(asked, price_min=None, price_max=None, page=1)
    if slider.is_only:
        return open_ended
    others = tuple(one for one in asked.filters if one.field != CURRENCY)
    return replace(open_ended, filters=(*others, AnyOf(CURRENCY, (slider.currency,))))


def _is_chosen(asked: SearchRequest, currency: str) -> bool:
    chosen = [one.values for one in asked.filters if one.field == CURRENCY]
    return bool(chosen) and currency.casefold() in map(str.casefold, chosen[0])


def _height(one: PriceBin, most: int) -> float:
    return max(round(HEIGHT * one.count / most, 2), _LEAST_HEIGHT) if one.count else 0.0


def _texts(amounts: Iterable[float], currency: str) -> tuple[str, ...]:
    return tuple(wording.amount_text(amount, currency) for amount in amounts)


def _number(amount: float | None) -> str:
    return "" if amount is None else f"{amount:.12g}"
