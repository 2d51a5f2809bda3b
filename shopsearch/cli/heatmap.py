"""`heatmap`: which regions of a product's picture speak for words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.heatmaps import Heatmap

N_REGIONS = 5
_DIGITS = 4


@click.command()
@click.argument("product_id", metavar="ID")
@click.argument("words")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Where to write the picture with the heat map over it.",
)
@json_option
@click.pass_obj
def heatmap(
    options: GlobalOptions, *, product_id: str, words: str, out: Path, as_json: bool
) -> None:
    """Show which regions of a product's picture match WORDS.

    Yellow speaks most for the words, dark blue not at all. The colours of a map are relative to its
    strongest region: how well the picture fits the words is told by the cosine, and by how far that
    lies above the cosine of words that fit any picture.
    """
    with options.services() as services:
        drawn = services.heatmaps.draw(product_id, words)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(drawn.png())
    if as_json:
        from shopsearch.cli import console

        console.print_json(heatmap_json(drawn, out))
    else:
        _show(drawn, out)


def heatmap_json(drawn: Heatmap, out: Path) -> dict[str, Any]:
    """The figures of a heat map; boxes are fractions of the picture's width and height."""
    return {
        "product_id": drawn.product_id,
        "words": drawn.words,
        "cosine": round(drawn.cosine, _DIGITS),
        "lift": round(drawn.lift, _DIGITS),
        "regions": [
            {
                "left": round(region.left, _DIGITS),
                "top": round(region.top, _DIGITS),
                "right": round(region.right, _DIGITS),
                "bottom": round(region.bottom, _DIGITS),
                "relevance": round(region.relevance, _DIGITS),
            }
            for region in drawn.strongest(N_REGIONS)
        ],
        "out": str(out),
    }


def _show(drawn: Heatmap, out: Path) -> None:
    from shopsearch.cli import console

    screen = console.out()
    if not drawn.has_evidence:
        screen.print("Nothing in this picture speaks for these words.")
    figures = f"cosine {drawn.cosine:.3f}, {drawn.lift:+.3f} against words that fit any picture"
    screen.print(figures, style="dim")
    screen.print(str(out), markup=False, soft_wrap=True)
