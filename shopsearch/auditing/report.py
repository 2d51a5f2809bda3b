"""The audit as one HTML file that needs nothing beside it.

It wears the style of the evaluation's report. What a feed tells comes from outside: the templates
escape everything, and keep it in its own reading direction. A policy in the page forbids whatever
is not in the file; the only script is the map's, and the page is whole without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup

from shopsearch.auditing import drawing
from shopsearch.auditing.coverage import NAME_COVERAGE, FieldShare
from shopsearch.auditing.findings import Section
from shopsearch.auditing.mismatches import NAME as MISMATCHES
from shopsearch.auditing.service import Audited
from shopsearch.auditing.snapshot import CatalogSnapshot
from shopsearch.auditing.thumbnails import LIST_PX, MAP_PX, ThumbnailFiles, Thumbnails
from shopsearch.domain import CATEGORY_SEPARATOR
from shopsearch.evaluation.report import page_style, page_templates, policy_hash, write_page

LIMIT = 30  # lines of each list, unless another number is asked for
_MAP_PICTURES = 1_500  # products of the map whose pictures are in the page
_MOST_CATEGORIES = 7  # columns of the table of coverage, beside that of all
_MOST_FIELDS = 30
_TITLE_CHARS = 90


def write_report(path: Path, audited: Audited, files: ThumbnailFiles, limit: int = LIMIT) -> None:
    """Write the report to `path`, at once or not at all. Raises `EvaluationError`."""
    write_page(path, _page(audited, Thumbnails(files), limit))


def _page(audited: Audited, thumbnails: Thumbnails, limit: int) -> str:
    audit, snapshot = audited.audit, audited.snapshot
    shown = _Shown(snapshot, thumbnails)
    extra, script = _own("audit.css"), _own("map.js")
    map_parts = _map_parts(audited, shown)
    page: str = (
        _templates(shown)
        .get_template("audit.html")
        .render(
            audit=audit,
            limit=limit,
            doubtful=audited.doubtful[:limit],
            mismatches=MISMATCHES,
            coverage=_Coverage.of(audit.sections),
            extra_style=Markup(extra),  # noqa: S704  # our own file
            extra_hash=policy_hash(extra),
            script=Markup(script),  # noqa: S704  # our own file
            script_hash=policy_hash(script),
            **map_parts,
            **page_style(),
        )
    )
    return page


def _own(name: str) -> str:
    return resources.files("shopsearch.auditing").joinpath("templates", name).read_text("utf-8")


@dataclass(frozen=True, slots=True)
class _Product:
    """A product as the lists show it."""

    product_id: str
    title: str
    category: str
    link: str  # "" where it has none that a browser may follow
    image_hash: str


class _Shown:
    """Products by id, as the templates ask for them."""

    def __init__(self, snapshot: CatalogSnapshot, thumbnails: Thumbnails) -> None:
        self._snapshot = snapshot
        self._places = {product_id: place for place, product_id in enumerate(snapshot.ids)}
        self._thumbnails = thumbnails

    def product(self, product_id: str) -> _Product:
        """A product of the snapshot."""
        place = self._places[product_id]
        told = self._snapshot.products[place]
        link = told.link if told.link.startswith(("https://", "http://")) else ""
        shown = self._snapshot.image_hashes[place] or ""
        return _Product(product_id, told.title, told.product_type, link, shown)

    def thumbnail(self, content_hash: str, longest_side_px: int = LIST_PX) -> str:
        """The address of a picture, or ""."""
        return self._thumbnails.of(content_hash, longest_side_px)


def _templates(shown: _Shown) -> Environment:
    environment = page_templates("shopsearch.auditing")
    environment.filters["whole"] = lambda value: f"{value:,}"
    environment.filters["percent"] = _percent
    environment.filters["leaf"] = lambda path: path.split(CATEGORY_SEPARATOR)[-1]
    environment.filters["tenth"] = lambda share: int(share * 10)
    environment.globals["product_of"] = shown.product
    environment.globals["thumbnail"] = shown.thumbnail
    environment.globals["label"] = drawing.label
    return environment


def _percent(value: float | None) -> str:
    """Never 100 where anything was found, nor 0 where anything was not."""
    if value is None:
        return "\N{EN DASH}"
    if 99.9 < value < 100.0:
        return "99.9"
    return f"{value:.0f}" if value in (0.0, 100.0) else f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class _Coverage:
    """The table of fields by category."""

    categories: list[str]
    rows: list[tuple[str, list[FieldShare]]]

    @classmethod
    def of(cls, sections: Sequence[Section]) -> _Coverage:
        (section,) = (one for one in sections if one.name == NAME_COVERAGE)
        told = [one for one in section.findings if isinstance(one, FieldShare)]
        shares = {(one.field, one.category): one for one in told}
        columns = list(dict.fromkeys(category for _, category in shares))
        categories = columns[: _MOST_CATEGORIES + 1]
        fields = [one.field for one in told if not one.category]
        filled = [name for name in fields if shares[name, ""].n_filled][:_MOST_FIELDS]
        rows = [(name, [shares[name, category] for category in categories]) for name in filled]
        return cls(categories, rows)


def _map_parts(audited: Audited, shown: _Shown) -> dict[str, Any]:
    """What the map's template needs; nothing where there is no map."""
    audit = audited.audit
    if audit.map is None:
        return {"drawn": None}
    drawn = drawing.drawn(audit.map, audit.clusters)
    return {
        "drawn": drawn,
        "told": _told(audited, drawn, shown),
        "width": drawing.WIDTH,
        "height": drawing.HEIGHT,
        "picture": drawing.PICTURE,
        "pinned": {
            pin.place: shown.product(audited.snapshot.products[pin.place].product_id)
            for pin in drawn.pins
        },
    }


def _told(audited: Audited, drawn: drawing.Drawing, shown: _Shown) -> Markup:
    """Of each product on the map what the script tells of it, as JSON that no tag can be in."""
    catalog_map, snapshot = audited.audit.map, audited.snapshot
    assert catalog_map is not None  # noqa: S101 - the caller has looked
    places = catalog_map.places.tolist()
    pictured = set(np.linspace(0, len(places) - 1, _MAP_PICTURES, dtype=np.int64).tolist())
    document = {
        "x": drawn.points[:, 0].tolist(),
        "y": drawn.points[:, 1].tolist(),
        "cluster": catalog_map.clusters.tolist(),
        "names": [cluster.name for cluster in audited.audit.clusters],
        "title": [snapshot.products[place].title[:_TITLE_CHARS] for place in places],
        "id": [snapshot.products[place].product_id for place in places],
        "kind": [snapshot.products[p].product_type.split(CATEGORY_SEPARATOR)[-1] for p in places],
        "price": [str(snapshot.products[place].price or "") for place in places],
        "picture": {
            number: address
            for number, place in enumerate(places)
            if number in pictured
            and (address := shown.thumbnail(snapshot.image_hashes[place] or "", MAP_PX))
        },
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  # no tag can begin in it
