"""The confusion matrix as a picture: which value is taken for which."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.errors import EnrichmentError

MAX_SHOWN = 30  # the values of most products; the others are put together
_MAX_LABEL_CHARS = 48
_OTHERS = "(other values)"


def check_drawing() -> None:
    """Raise `EnrichmentError` where matplotlib is not installed: before long work, not after it."""
    try:
        import matplotlib as mpl  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise EnrichmentError(
            "the pictures of a report need matplotlib; run: pip install 'shopsearch[train]'"
        ) from error


def draw_confusion(
    confusion: NDArray[np.int64], values: Sequence[str], *, title: str, subtitle: str
) -> bytes:
    """A PNG of (C + 1, C) counts, truth by prediction, the last row for values not predicted.

    Colours tell the share of a row, numbers the products. Raises `EnrichmentError` where matplotlib
    is not installed.
    """
    check_drawing()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts, rows, columns = shown(confusion, values)
    side = max(4.0, 0.34 * len(columns) + 1.0)  # inches
    figure = Figure(figsize=(side + 2.6, side + 2.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # (R, K)
    picture = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    figure.colorbar(picture, ax=axes, shrink=0.7, label="share of the products of a row")
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{title}\n{subtitle}", fontsize=10)
    for row, column in np.argwhere(counts):
        ink = "white" if shares[row, column] > 0.6 else "black"
        words = str(counts[row, column])
        axes.text(column, row, words, ha="center", va="center", fontsize=7, color=ink)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=120)
    return drawn.getvalue()


def shown(
    confusion: NDArray[np.int64], values: Sequence[str]
) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """What a picture has room for: counts, names of rows, names of columns; most products first.

    No product is lost: what has no row or column of its own is counted under "(other values)".
    """
    order = np.argsort(-confusion[:-1].sum(axis=1), kind="stable")  # (C,)
    kept, rest = order[:MAX_SHOWN], order[MAX_SHOWN:]
    rows = np.vstack([confusion[kept], confusion[rest].sum(axis=0) + confusion[-1]])  # (K + 1, C)
    counts = np.column_stack([rows[:, kept], rows[:, rest].sum(axis=1)])  # (K + 1, K + 1)
    names = [_label(values[n]) for n in kept]
    row_names, column_names = [*names, _OTHERS], [*names, _OTHERS]
    if not counts[-1].any():
        counts, row_names = counts[:-1], row_names[:-1]
    if not len(rest):
        counts, column_names = counts[:, :-1], column_names[:-1]
    return counts, row_names, column_names


def _label(value: str) -> str:
    """A value short enough for an axis; of a long category both ends tell something."""
    if len(value) <= _MAX_LABEL_CHARS:
        return value
    start, end = _MAX_LABEL_CHARS // 3, _MAX_LABEL_CHARS - _MAX_LABEL_CHARS // 3 - 1
    return f"{value[:start]}…{value[-end:]}"
