"""Figures of the report, drawn as inline SVG: no script, no font, no file beside the page.

Colours are CSS variables of the page, so that the figures follow its light and dark dress.
"""

from __future__ import annotations

from collections.abc import Sequence

from shopsearch.evaluation.uncertainty import Interval

_BINS = 10


def meter(mean: float, interval: Interval) -> str:
    """A bar from 0 to 1 up to `mean`, with its interval as a whisker."""
    left, right = _percent(interval.low), _percent(interval.high)
    return (
        '<svg class="meter" viewBox="0 0 200 14" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="200" height="8" y="3" rx="2"/>'
        f'<rect class="bar" width="{_percent(mean) * 2:.2f}" height="8" y="3" rx="2"/>'
        f'<path class="whisker" vector-effect="non-scaling-stroke" d="M{left * 2:.2f} 1v12'
        f'M{right * 2:.2f} 1v12M{left * 2:.2f} 7H{right * 2:.2f}"/></svg>'
    )


def histogram(values: Sequence[float], label: str) -> str:
    """How many values lie in each tenth of [0, 1]; 1 itself belongs to the last."""
    counts = [0] * _BINS
    for value in values:
        counts[min(int(value * _BINS + 1e-9), _BINS - 1)] += 1
    width, height, base = 52, 150, 172  # of a column, of the tallest bar, of the axis
    tallest = max(*counts, 1)
    parts = [
        f'<svg class="histogram" viewBox="0 0 {width * _BINS + 40} 220" role="img" '
        f'aria-label="{_described(counts, label)}">'
    ]
    for place, count in enumerate(counts):
        x, tall = 20 + place * width, height * count / tallest
        middle = x + width / 2
        parts.append(
            f'<rect class="bar" x="{x + 3}" y="{base - tall:.1f}" width="{width - 6}" '
            f'height="{tall:.1f}" rx="3"><title>{_tenth(place)}: {count}</title></rect>'
        )
        if count:
            parts.append(
                f'<text class="count" x="{middle}" y="{base - tall - 6:.1f}">{count}</text>'
            )
        parts.append(f'<text class="tick" x="{x}" y="{base + 20}">{place / _BINS:.1f}</text>')
    end = 20 + _BINS * width
    parts.append(
        f'<path class="axis" d="M20 {base + 0.5}H{end}"/>'
        f'<text class="tick" x="{end}" y="{base + 20}">1.0</text>'
        f'<text class="axis-name" x="{(20 + end) / 2}" y="{base + 42}">{label}</text></svg>'
    )
    return "".join(parts)


def _described(counts: Sequence[int], label: str) -> str:
    filled = (f"{_tenth(place)}: {count}" for place, count in enumerate(counts) if count)
    return f"{label}, queries per tenth. {'; '.join(filled)}"


def _tenth(place: int) -> str:
    return f"{place / _BINS:.1f} to {(place + 1) / _BINS:.1f}"


def _percent(share: float) -> float:
    return 100.0 * min(max(share, 0.0), 1.0)
