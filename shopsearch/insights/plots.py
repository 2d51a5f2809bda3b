"""The figures of the report, drawn with the pen of the evaluation's report."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from shopsearch.evaluation.figures import WIDTH, line, svg, text
from shopsearch.insights.summary import DayFigures, RankFigures

_LEFT, _RIGHT, _TOP, _BASE = 40.0, WIDTH - 10.0, 14.0, 158.0
_HEIGHT = _BASE + 42
_MOST_TICKS = 5
_STEPS = (1, 2, 3, 4, 5)


def days(name: str, figures: Sequence[DayFigures], *, title: str) -> Markup:
    """Searches by day."""
    counts = [one.n_searches for one in figures]
    most = max(*counts, 1)
    parts = [*_grid(_round_above(most), "{:,.0f}"), *_bars(counts, _round_above(most))]
    for place in _ticks(len(figures)):
        day = figures[place].day
        label = f"{day.day} {day:%b}"
        anchor = "end" if place == len(figures) - 1 > 0 else "middle"
        x = _RIGHT if anchor == "end" else _middle(place, len(figures))
        parts.append(text(x, _BASE + 16, label, "tick", anchor))
    parts.append(text((_LEFT + _RIGHT) / 2, _BASE + 34, "days, UTC", "tick", "middle"))
    busiest = max(figures, key=lambda one: one.n_searches)
    told = (
        f"{len(figures)} days, {figures[0].day} to {figures[-1].day}, {sum(counts):,} searches, "
        f"most on {busiest.day}, {busiest.n_searches:,}"
    )
    return svg(name, _HEIGHT, title, told, parts)


def ranks(name: str, figures: Sequence[RankFigures], *, title: str) -> Markup:
    """The share of showings that were clicked, by rank."""
    rates = [100 * one.click_through for one in figures]
    top = _round_above(max(*rates, 1.0))
    parts = [*_grid(top, "{:g} %"), *_bars(rates, top)]
    for place, one in enumerate(figures):
        if one.rank == 1 or one.rank % 4 == 0:
            x = _middle(place, len(figures))
            parts.append(text(x, _BASE + 16, str(one.rank), "tick", "middle"))
    parts.append(text((_LEFT + _RIGHT) / 2, _BASE + 34, "rank", "tick", "middle"))
    told = "; ".join(
        f"rank {one.rank}: {one.n_clicks:,} of {one.n_shown:,}, {rate:.1f} %"
        for one, rate in zip(figures, rates, strict=True)
    )
    return svg(name, _HEIGHT, title, told, parts)


def _bars(values: Sequence[float], top: float) -> list[str]:
    width = (_RIGHT - _LEFT) / len(values)
    gap = min(1.5, width * 0.15)
    return [
        f'<rect class="bar" x="{_LEFT + place * width + gap:.2f}" y="{_y(value, top):.1f}" rx="1" '
        f'width="{min(width, 48) - 2 * gap:.2f}" height="{_BASE - _y(value, top):.1f}"/>'
        for place, value in enumerate(values)
        if value
    ]


def _grid(top: float, spelled: str) -> list[str]:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _y(top * share, top)
        parts.append(line(_LEFT, y, _RIGHT, y, "axis" if share == 0 else "grid"))
        parts.append(text(_LEFT - 6, y + 4, spelled.format(top * share), "tick", "end"))
    return parts


def _y(value: float, top: float) -> float:
    return _BASE - (_BASE - _TOP) * value / top


def _middle(place: int, n: int) -> float:
    width = (_RIGHT - _LEFT) / n
    return _LEFT + place * width + min(width, 48) / 2


def _ticks(n: int) -> list[int]:
    """The places of at most `_MOST_TICKS` labels; the first and the last are among them."""
    if n <= _MOST_TICKS:
        return list(range(n))
    return [round(step * (n - 1) / (_MOST_TICKS - 1)) for step in range(_MOST_TICKS)]


def _round_above(value: float) -> float:
    """The least of 2, 4, 6, 8, 10, 20, 40, ... that is no less: its half is as round."""
    power = 1.0
    while True:
        for step in _STEPS:
            if 2 * step * power >= value:
                return 2 * step * power
        power *= 10
