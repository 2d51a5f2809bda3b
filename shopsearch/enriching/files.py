"""What an enrichment reads and writes: lists of values, proposals, and the report."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

from shopsearch.enriching.confusion import draw_confusion
from shopsearch.enriching.methods import Method
from shopsearch.enriching.outcome import AttributeOutcome, Enrichment
from shopsearch.enriching.quality import Quality
from shopsearch.errors import EnrichmentError
from shopsearch.preprocessing.atomic import write_atomically

COLUMNS = ("product_id", "attribute", "value", "probability", "method")
_MAX_VALUES_BYTES = 10_000_000


def read_values(path: Path) -> tuple[str, ...]:
    """The values of a list, one a line, UTF-8; empty lines do not count.

    Raises `EnrichmentError` where it is empty, too large, or no UTF-8.
    """
    content = path.read_bytes()
    if len(content) > _MAX_VALUES_BYTES:
        raise EnrichmentError(f"{path}: {len(content):,} bytes are no list of values; shorten it")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise EnrichmentError(
            f"{path}: byte {error.start + 1} is no UTF-8; save the list of values as UTF-8"
        ) from error
    values = tuple(dict.fromkeys(filter(None, (" ".join(line.split()) for line in lines))))
    if not values:
        raise EnrichmentError(f"{path}: the list of values is empty; write one value a line")
    return values


def write_proposals(path: Path, enrichment: Enrichment) -> None:
    """A CSV to check and to merge into the feed; whole or not at all."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in enrichment.proposals:
        probability = f"{one.probability:.4f}"
        rows.writerow((one.product_id, one.attribute, one.value, probability, str(one.method)))
    write_atomically(path, text.getvalue().encode())


def write_report(folder: Path, enrichment: Enrichment) -> None:
    """Figures as JSON and Markdown, and a picture for each attribute that was measured."""
    for outcome in enrichment.outcomes:
        for method, quality in outcome.qualities.items():
            write_atomically(
                folder / _picture(outcome, method),
                draw_confusion(
                    quality.confusion,
                    quality.given,
                    title=f"{outcome.attribute}, {method}",
                    subtitle=f"{quality.products:,} held-out products, "
                    f"accuracy {quality.accuracy:.3f}, macro F1 {quality.macro.f1:.3f}",
                ),
            )
    document = enrichment.as_json()
    del document["proposals"]  # they are in the CSV
    figures = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    write_atomically(folder / "enrichment.json", figures.encode())
    write_atomically(folder / "enrichment.md", render_report(enrichment).encode())


def render_report(enrichment: Enrichment) -> str:
    """The report as Markdown."""
    parts = [
        "# Proposed values, and how good they are",
        f"Index generation {enrichment.generation}. Measured by cross-validation: each product was "
        "predicted by what had seen neither it nor any product of its title, and as if its shop "
        "had not told the value. `shopsearch/enriching/quality.py` has the formulas.",
    ]
    for outcome in enrichment.outcomes:
        parts += _section(outcome)
    return "\n\n".join(parts) + "\n"


def _section(outcome: AttributeOutcome) -> Iterator[str]:
    yield f"## {outcome.attribute}"
    method = "nothing was predicted" if outcome.method is None else f"Method: {outcome.method}"
    yield f"{method} ({outcome.reason})."
    yield (
        f"{outcome.have:,} products have a value and {outcome.lack:,} lack it; "
        f"{len(outcome.proposals):,} values are proposed. {outcome.examples:,} products taught and "
        f"measured. {outcome.not_indexed:,} products are not in the index as they are now."
    )
    if outcome.qualities:
        yield "\n".join(_comparison(outcome))
    for method, quality in outcome.qualities.items():
        yield f"![Confusion matrix of {outcome.attribute}, {method}]({_picture(outcome, method)})"
        if method is outcome.method:
            yield "\n".join(_by_value(quality))
    if outcome.rare:
        rare = ", ".join(f"{value} ({n})" for value, n in outcome.rare.items())
        yield f"Not learned, with the products that have them: {rare}."


def _comparison(outcome: AttributeOutcome) -> Iterator[str]:
    first = next(iter(outcome.qualities.values()))
    bound = first.bound.min_probability
    yield (
        "| method | accuracy | macro precision | macro recall | macro F1 | micro F1 | ECE "
        f"| proposed at {bound:g} | right of these |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for method, q in outcome.qualities.items():
        figures = (q.accuracy, q.macro.precision, q.macro.recall, q.macro.f1, q.micro.f1, q.ece)
        shown = " | ".join(f"{figure:.3f}" for figure in figures)
        yield f"| {method} | {shown} | {q.bound.coverage:.1%} | {q.bound.precision:.1%} |"
    yield f"| always the most frequent | {first.majority:.3f} | | | | | | | |"


def _by_value(quality: Quality) -> Iterator[str]:
    yield "| value | products | precision | recall | F1 |"
    yield "|---|---|---|---|---|"
    for one in quality.values:
        figures = f"{one.precision:.3f} | {one.recall:.3f} | {one.f1:.3f}"
        yield f"| {one.value.replace('|', '/')} | {one.products:,} | {figures} |"


def _picture(outcome: AttributeOutcome, method: Method) -> str:
    name = re.sub(r"\W+", "-", outcome.attribute).strip("-") or "attribute"
    return f"confusion-{name}-{method}.png"
