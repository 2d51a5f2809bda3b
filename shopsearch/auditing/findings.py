"""What an audit answers: sections, each with its findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from shopsearch.auditing.clusters import Cluster
from shopsearch.auditing.layout import CatalogMap

_JOINED = " | "  # between several values in one cell of a CSV file


class Finding(Protocol):
    """One line of a list: a frozen dataclass of plain values, or tuples of them."""

    @property
    def product_ids(self) -> tuple[str, ...]:
        """The products that have the fault; () where a line is about no single product."""


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of fault. A product counts once, however many findings name it."""

    name: str  # of its key in JSON and of its CSV file
    title: str
    n_checked: int
    findings: Sequence[Finding]  # the gravest first
    columns: tuple[str, ...]  # of the findings' fields, in the CSV file too
    n_found: int | None = None  # products, where the findings do not name each of them
    remarks: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)  # findings by kind

    @property
    def n_faulty(self) -> int:
        """How many of the products checked have the fault."""
        if self.n_found is not None:
            return self.n_found
        return len({product_id for one in self.findings for product_id in one.product_ids})

    @property
    def score(self) -> float | None:
        """The share of the products checked that are without the fault, in percent."""
        if not self.n_checked:
            return None
        return 100.0 * (1.0 - self.n_faulty / self.n_checked)

    def as_json(self, limit: int) -> dict[str, Any]:
        """Counts, and the first `limit` findings."""
        score = self.score
        return {
            "checked": self.n_checked,
            "found": self.n_faulty,
            "score": None if score is None else round(score, 2),
            "remarks": list(self.remarks),
            "counts": dict(self.counts),
            "n_listed": len(self.findings),
            "list": [row_of(one, self.columns) for one in self.findings[:limit]],
        }


@dataclass(frozen=True, slots=True)
class Audit:
    """What is wrong with a catalog."""

    generation: str
    n_products: int
    sections: Sequence[Section]
    clusters: Sequence[Cluster] = ()
    map: CatalogMap | None = None
    remarks: tuple[str, ...] = ()  # such as why there is no map
    seconds: float = 0.0

    @property
    def score(self) -> float | None:
        """The mean of the scores of all sections that checked anything."""
        scores = [one.score for one in self.sections if one.score is not None]
        return sum(scores) / len(scores) if scores else None

    def as_json(self, limit: int) -> dict[str, Any]:
        """The stable shape of `audit --json`; lists are cut at `limit`, counts are not."""
        score = self.score
        return {
            "generation": self.generation,
            "products": self.n_products,
            "score": None if score is None else round(score, 2),
            "remarks": list(self.remarks),
            "sections": {one.name: one.as_json(limit) for one in self.sections},
            "clusters": [
                {"name": one.name, "products": one.n_products, "examples": list(one.examples)}
                for one in self.clusters
            ],
            "seconds": round(self.seconds, 3),
        }


def row_of(finding: Finding, columns: Sequence[str]) -> dict[str, Any]:
    """The columns of a finding; tuples become lists, floats are cut at what they tell."""
    return {name: _plain(getattr(finding, name)) for name in columns}


def cells_of(finding: Finding, columns: Sequence[str]) -> list[str]:
    """The columns of a finding as words for a CSV file."""
    return [_cell(value) for value in row_of(finding, columns).values()]


def columns_of(kind: type[Any]) -> tuple[str, ...]:
    """All fields of a kind of finding, in their order."""
    return tuple(one.name for one in fields(kind))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, 4)
    return value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return _JOINED.join(map(str, value))
    return str(value)
