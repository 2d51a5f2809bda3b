"""The curves of benchmarks/scale.py and benchmarks/simulate_scale.py, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Points = Mapping[str, Sequence[tuple[float, float]]]


def draw(results: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """What the engines take and give, by the number of products."""
    columns = {
        "build, seconds by the clock": lambda one: one["built"]["seconds"],
        "memory, bytes a product": lambda one: (
            (one["memory MB after"] + one["other processes MB"]) * 1e6 / one["products"]
        ),
        "all products: p50, ms by the clock": lambda one: one["asked"]["all"]["p50 ms"],
        "all products: p99, ms by the clock": lambda one: one["asked"]["all"]["p99 ms"],
        "10 % of them: p50, ms by the clock": lambda one: one["asked"]["10 %"]["p50 ms"],
        "recall@10 of all": lambda one: one["asked"]["all"]["recall@10"],
        "recall@10 of 10 %": lambda one: one["asked"]["10 %"]["recall@10"],
    }
    panels = {}
    for title, value in columns.items():
        lines: dict[str, list[tuple[float, float]]] = {}
        for one in results:
            lines.setdefault(one["engine"], []).append((one["products"], value(one)))
        panels[title] = lines
    save(panels, "products", folder / "scale.svg")


def save(panels: Mapping[str, Points], along: str, path: Path) -> None:
    """One panel above the other, both axes logarithmic but for shares."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "shopsearch"
    mpl.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        len(panels), 1, figsize=(8.4, 2.4 * len(panels)), layout="constrained", squeeze=False
    )
    named: list[str] = []
    for (title, lines), ax in zip(panels.items(), axes[:, 0], strict=True):
        for name, points in lines.items():
            ax.plot(*zip(*sorted(points), strict=True), marker="o", markersize=3, label=name)
        ax.set_xscale("log")
        if "recall" not in title:
            ax.set_yscale("log")
        ax.set_title(title, fontsize=9, loc="left")
        ax.tick_params(which="both", labelsize=7)
        ax.grid(alpha=0.3)
        if list(lines) != named:  # where it is as above, it is told above
            ax.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
            named = list(lines)
    axes[-1, 0].set_xlabel(along, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    print(f"curves in {path}")
