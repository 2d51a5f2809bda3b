"""What it costs to index a catalog again: unchanged, changed a little, under another fusion.

    python benchmarks/reindex.py [--products N] [--memory-products N] [--encoder E]

Takes the fashion set beside the checkout (pictures of 60 x 80 px). One process a run, as from the
command line, into one home folder: (1) the first run; (2) the same feed again; (3) 1 % of the
products with other words, another price or another picture; (4) 1 % with another price alone;
(5) `reindex` under another fusion. Seconds are those of the whole process, from its start. Then
first runs over few and over many products, with the peak of resident memory of each, hashed
embeddings in place of a model, so that the memory is that of the road alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).resolve().parents[2] / "shared" / "data" / "train-fashion-60x80.zip"
CHANGED = 0.01
MEASURED = """
import resource, sys
from shopsearch.cli import main
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""

Row = dict[str, str]


def main() -> None:
    given = _arguments()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows = _unpacked(folder, max(given.products, *given.memory_products))
        _again_and_again(folder, rows[: given.products], given.encoder)
        _memory(folder, rows, given.memory_products)


def _again_and_again(folder: Path, rows: list[Row], encoder: str) -> None:
    feed, home = folder / "products.csv", folder / "home"
    environment = {"SHOPSEARCH_HOME": str(home), "SHOPSEARCH_ENCODER": encoder}
    _write(feed, rows)
    first, _ = _run(environment, "index", str(feed))
    print(f"{len(rows):,} products, encoder {encoder}")
    _show("first run", first, first)
    _show("unchanged", _run(environment, "index", str(feed))[0], first)
    _write(feed, _changed(rows))
    _show("1 % changed", _run(environment, "index", str(feed))[0], first)
    _write(feed, _dearer(_changed(rows)))
    _show("1 % dearer", _run(environment, "index", str(feed))[0], first)
    other = environment | {"SHOPSEARCH_FUSION": "average"}
    _show("another fusion", _run(other, "reindex")[0], first)


def _memory(folder: Path, rows: list[Row], sizes: list[int]) -> None:
    peaks = []
    for n in sizes:
        feed = folder / f"{n}.csv"
        _write(feed, rows[:n])
        environment = {
            "SHOPSEARCH_HOME": str(folder / f"home-{n}"),
            "SHOPSEARCH_ENCODER": "hashing",
        }
        report, peak_mb = _run(environment, "index", str(feed))
        peaks.append(peak_mb)
        print(f"  {n:>6,} products: peak {peak_mb:,.0f} MB, {report['wall_s']:.0f} s")
    print(f"  peak of the last over the first: {peaks[-1] / peaks[0]:.2f}")


def _run(environment: dict[str, str], *command: str) -> tuple[dict[str, Any], float]:
    """The report of a run with the seconds of its process, and its peak memory in MB (10^6)."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command, "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 3):
        raise SystemExit(done.stderr[-2000:])
    report = json.loads(done.stdout) | {"wall_s": time.perf_counter() - started}
    return report, int(done.stderr.split("peak ")[-1].split()[0]) * 1024 / 1e6


def _show(name: str, report: dict[str, Any], first: dict[str, Any]) -> None:
    counts = ", ".join(f"{report[key]:,} {key}" for key in ("indexed", "unchanged", "removed"))
    encoded = f"{report['texts_encoded']:,} texts and {report['images_encoded']:,} pictures encoded"
    share = report["wall_s"] / first["wall_s"]
    print(f"  {name:<15} {report['wall_s']:8.1f} s  {share:7.2%}   {counts}; {encoded}")


def _changed(rows: list[Row]) -> list[Row]:
    """Every hundredth: in turn with other words, another price, another picture."""
    step, changed = round(1 / CHANGED), [dict(row) for row in rows]
    for turn, place in enumerate(range(0, len(rows), step)):
        row = changed[place]
        if turn % 3 == 0:
            row["title"] += " new"
        elif turn % 3 == 1:
            row["price"] = "1.50 EUR"
        else:
            row["image_link"] = rows[(place + 1) % len(rows)]["image_link"]
    return changed


def _dearer(rows: list[Row]) -> list[Row]:
    step = round(1 / CHANGED)
    return [
        dict(row, price="99.00 EUR") if place % step == 7 else row for place, row in enumerate(rows)
    ]


def _unpacked(folder: Path, n: int) -> list[Row]:
    """The first products of the archive as rows of a feed; their pictures in the folder."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        table = next(name for name in archive.namelist() if name.endswith(".csv"))
        with archive.open(table) as file:
            lines = [line.decode("utf-8") for line in file]
        records = list(csv.DictReader(lines))[:n]
        names = set(archive.namelist())
        for record in records:
            if record["image"] in names:
                archive.extract(record["image"], folder)
    return [
        {
            "id": record["id"],
            "title": record["title"],
            "image_link": record["image"],
            "product_type": f"{record['masterCategory']} > {record['subCategory']}",
            "color": record["baseColour"],
            "gender": record["gender"],
            "price": "1.00 EUR",
        }
        for record in records
    ]


def _write(feed: Path, rows: list[Row]) -> None:
    with feed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--memory-products", type=int, nargs="+", default=[5_000, 39_000])
    parser.add_argument("--encoder", default="compact")
    return parser.parse_args()


if __name__ == "__main__":
    main()
