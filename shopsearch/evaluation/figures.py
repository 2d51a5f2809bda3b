"""Figures of the report, drawn as inline SVG: no script, no font, no file beside the page.

All are drawn for a column as narrow as a telephone, so that their words stay readable there.
Colours are classes of the page, so that the figures follow its light and dark dress. Each has a
title and its numbers in words, for those who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from shopsearch.evaluation.uncertainty import Interval

WIDTH = 360
_BINS = 10
_LONGEST_LABEL = 42  # characters
_ANCHORS = ("start", "middle", "middle", "middle", "end")  # of ticks: the outer ones stay inside


@dataclass(frozen=True, slots=True)
class Dot:
    """One row of a dot plot: a mean with its interval."""

    label: str  # cut where it is too long
    mean: float
    interval: Interval
    look: str = ""  # "below" or "above" the reference, "few" queries; else plain
    n_queries: int | None = None


def svg(name: str, height: float, title: str, told: str, body: Sequence[str]) -> Markup:
    """A drawing called `name` on its page; `told` says in words what it shows."""
    return Markup(  # noqa: S704  # whatever comes from outside is escaped here and by the callers
        f'<svg class="figure" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-told"><title id="{name}-title">{escape(title)}'
        f'</title><desc id="{name}-told">{escape(told)}</desc>{"".join(body)}</svg>'
    )


def text(x: float, y: float, words: str, look: str = "", anchor: str = "start") -> str:
    """Words in a drawing."""
    return (
        f'<text class="{look}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def line(x: float, y: float, to_x: float, to_y: float, look: str) -> str:
    """A line in a drawing."""
    return f'<path class="{look}" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>'


def dots(
    name: str,
    rows: Sequence[Dot],
    *,
    title: str,
    reference: float | None = None,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Markup:
    """A row for each mean, its interval as a line; `reference` is a line through all of them."""
    scale = _Scale(*bounds)
    row_height, top = 36, 4
    bottom = top + row_height * len(rows)
    parts = [line(scale(tick), top, scale(tick), bottom, "grid") for tick in scale.ticks]
    if reference is not None:
        parts.append(line(scale(reference), top, scale(reference), bottom, "reference"))
    for place, row in enumerate(rows):
        parts += _row(row, scale, top + row_height * place, signed=bounds[0] < 0.0)
    parts += [
        text(scale(tick), bottom + 15, scale.name(tick), "tick", anchor)
        for tick, anchor in zip(scale.ticks, _ANCHORS, strict=True)
    ]
    told = "; ".join(map(_told, rows))
    return svg(name, bottom + 22, title, told, parts)


def histogram(name: str, values: Sequence[float], *, title: str, axis: str) -> Markup:
    """How many values lie in each tenth of [0, 1]; 1 itself belongs to the last."""
    counts = [0] * _BINS
    for value in values:
        counts[min(int(value * _BINS + 1e-9), _BINS - 1)] += 1
    labels = [f"{place / _BINS:.1f}" for place in range(_BINS + 1)]
    told = "; ".join(
        f"{labels[place]} to {labels[place + 1]}: {count}"
        for place, count in enumerate(counts)
        if count
    )
    return svg(name, 196, title, told, [*columns(counts, labels), _axis_name(axis)])


def columns(counts: Sequence[int], labels: Sequence[str], *, tallest: float = 132.0) -> list[str]:
    """Bars with their counts, and the labels of the bounds between them."""
    left, base = 10, 152.0
    width = (WIDTH - 2 * left) / len(counts)
    most = max(*counts, 1)
    parts = [line(left, base, WIDTH - left, base, "axis")]
    for place, count in enumerate(counts):
        x, tall = left + place * width, tallest * count / most
        if count:
            parts.append(
                f'<rect class="bar" x="{x + 1.5:.1f}" y="{base - tall:.1f}" rx="2" '
                f'width="{width - 3:.1f}" height="{tall:.1f}"/>'
            )
            parts.append(text(x + width / 2, base - tall - 4, str(count), "count", "middle"))
    parts += [
        text(
            left + place * width,
            base + 15,
            label,
            "tick",
            "end" if place == len(counts) and len(label) > 3 else "middle",
        )
        for place, label in enumerate(labels)
        if label
    ]
    return parts


def _axis_name(words: str) -> str:
    return text(WIDTH / 2, 188, words, "tick", "middle")


def _row(row: Dot, scale: _Scale, top: float, *, signed: bool) -> list[str]:
    """Label and mean above, interval and dot below."""
    mark = {
        "below": "\N{BLACK DOWN-POINTING TRIANGLE} ",
        "above": "\N{BLACK UP-POINTING TRIANGLE} ",
    }
    short = row.label if len(row.label) <= _LONGEST_LABEL else f"{row.label[: _LONGEST_LABEL - 1]}…"
    value = f"{row.mean:+.3f}" if signed else f"{row.mean:.3f}"
    y = top + 25
    return [
        text(scale.left, top + 13, f"{short}{_of(row)}", "label"),
        text(scale.right, top + 13, f"{mark.get(row.look, '')}{value}", f"value {row.look}", "end"),
        line(scale(row.interval.low), y, scale(row.interval.high), y, f"whisker {row.look}"),
        f'<circle class="dot {row.look}" cx="{scale(row.mean):.1f}" cy="{y:.1f}" r="4.5"/>',
    ]


def _told(row: Dot) -> str:
    between = f"{row.interval.low:.3f} to {row.interval.high:.3f}"
    return f"{row.label}{_of(row)}: {row.mean:.3f}, interval {between}"


def _of(row: Dot) -> str:
    return "" if row.n_queries is None else f" ({row.n_queries:,})"


class _Scale:
    """From a value to its place between left and right; what is beyond the bounds stays inside."""

    left, right = 10.0, WIDTH - 10.0

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high
        self.ticks = [low + (high - low) * quarter / 4 for quarter in range(5)]

    def __call__(self, value: float) -> float:
        share = (min(max(value, self._low), self._high) - self._low) / (self._high - self._low)
        return self.left + share * (self.right - self.left)

    def name(self, tick: float) -> str:
        """A tick in words."""
        return f"{tick:.2f}" if self._low >= 0 else f"{tick:+.3g}" if tick else "0"
