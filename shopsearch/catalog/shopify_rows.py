"""The rows of Shopify's export, product by product, of which no more than one is held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

MAX_ROWS = 5_000  # of one product; Shopify allows 2,048 variants and 250 pictures
MAX_CHARS = 10_000_000


@dataclass(frozen=True, slots=True)
class ShopifyRow:
    """One row of the export."""

    place: int  # 1 for the first below the header
    line: int
    handle: str
    cells: Mapping[str, str]
    problem: str = ""  # why it belongs to no product

    def __getitem__(self, column: str) -> str:
        """A cell; "" where the row has none."""
        return self.cells.get(column, "").strip()


@dataclass(slots=True)
class RowGroup:
    """Rows with one handle that stand together, and the broken ones among them."""

    handle: str
    rows: list[ShopifyRow] = field(default_factory=list)
    broken: list[ShopifyRow] = field(default_factory=list)
    is_too_long: bool = False  # so that rows are missing
    n_chars: int = 0

    def add(self, row: ShopifyRow) -> None:
        """Hold one more row, unless there are too many."""
        self.n_chars += sum(map(len, row.cells.values()))
        if len(self.rows) < MAX_ROWS and self.n_chars <= MAX_CHARS:
            self.rows.append(row)
        else:
            self.is_too_long = True
            self.rows = self.rows[:1] or [row]


def grouped(rows: Iterable[ShopifyRow]) -> Iterator[RowGroup]:
    """The groups in the order of the file."""
    group = RowGroup("")
    for row in rows:
        if row.problem:
            group.broken.append(row)
            if len(group.broken) < MAX_ROWS:
                continue
        elif row.handle == group.handle:
            group.add(row)
            continue
        if group.rows or group.broken:
            yield group
        group = RowGroup(row.handle if not row.problem else "")
        if not row.problem:
            group.add(row)
    if group.rows or group.broken:
        yield group
