"""The figures of the report with axes of their own: precision and recall by k, and latency."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from shopsearch.evaluation.curves import Curve, Latency
from shopsearch.evaluation.figures import WIDTH, columns, line, svg, text

_LEFT, _RIGHT, _TOP, _BASE = 34.0, WIDTH - 12.0, 30.0, 172.0
_TOLD_K = (1, 5, 10, 20, 50)
_LATENCY_BINS = 16


def curves(name: str, precision: Curve, recall: Curve, *, title: str) -> Markup:
    """Both over k, each in its band; recall is dashed, so that not colour alone parts them."""
    depth = len(precision.means)
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line(_LEFT, _y(share), _RIGHT, _y(share), "grid"))
        parts.append(text(_LEFT - 6, _y(share) + 4, f"{share:g}", "tick", "end"))
    for k in sorted({1, *range(10, depth + 1, 10)}):
        parts.append(text(_x(k, depth), _BASE + 16, str(k), "tick", "middle"))
    for look, curve in (("precision", precision), ("recall", recall)):
        parts += [_band(curve, look), _line(curve, look)]
    parts += _legend()
    parts.append(text((_LEFT + _RIGHT) / 2, _BASE + 33, "k, products looked at", "tick", "middle"))
    told = "; ".join(
        f"k {k}: precision {precision.means[k - 1]:.3f}, recall {recall.means[k - 1]:.3f}"
        for k in _TOLD_K
        if k <= depth
    )
    return svg(name, _BASE + 42, title, told, parts)


def latency(name: str, times: Latency, *, title: str) -> Markup:
    """How many searches took how long, on a logarithmic axis, with lines at p50, p95 and p99."""
    low = max(min(times.values_ms), 0.01) * 0.95
    high = max(*times.values_ms, low * 2) * 1.05
    span = math.log(high / low)

    def share(ms: float) -> float:
        return math.log(max(ms, low) / low) / span

    counts = [0] * _LATENCY_BINS
    for ms in times.values_ms:
        counts[min(int(share(ms) * _LATENCY_BINS), _LATENCY_BINS - 1)] += 1
    bounds = [low * math.exp(span * place / _LATENCY_BINS) for place in range(_LATENCY_BINS + 1)]
    labels = [_ms(each) if place % 4 == 0 else "" for place, each in enumerate(bounds)]
    parts = columns(counts, labels, tallest=100.0)
    for place, label in enumerate(("p50", "p95", "p99")):
        x, y = 10 + share(getattr(times, label)) * (WIDTH - 20), 10.0 + 11 * place
        parts.append(line(x, y + 3, x, 152, "reference"))
        parts.append(text(min(x, WIDTH - 12), y, label, "label", "middle"))
    parts.append(text(WIDTH / 2, 188, "milliseconds", "tick", "middle"))
    told = (
        f"{len(times.values_ms)} searches; half took at most {_ms(times.p50)} ms, "
        f"95 % at most {_ms(times.p95)} ms, 99 % at most {_ms(times.p99)} ms"
    )
    return svg(name, 196, title, told, parts)


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _x(k: int, depth: int) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (k - 1) / max(depth - 1, 1)


def _y(share: float) -> float:
    return _BASE - (_BASE - _TOP) * share


def _points(values: Sequence[float], depth: int) -> list[str]:
    return [f"{_x(k, depth):.1f},{_y(value):.1f}" for k, value in enumerate(values, start=1)]


def _line(curve: Curve, look: str) -> str:
    points = " ".join(_points(curve.means, len(curve.means)))
    return f'<polyline class="curve {look}" points="{points}"/>'


def _band(curve: Curve, look: str) -> str:
    depth = len(curve.means)
    upper = _points([each.high for each in curve.intervals], depth)
    lower = _points([each.low for each in curve.intervals], depth)
    return f'<polygon class="band {look}" points="{" ".join([*upper, *reversed(lower)])}"/>'


def _legend() -> list[str]:
    parts = []
    for x, look, words in ((_LEFT, "precision", "precision@k"), (180.0, "recall", "recall@k")):
        parts.append(line(x, 12, x + 26, 12, f"curve {look}"))
        parts.append(text(x + 33, 16, words, "label"))
    return parts
