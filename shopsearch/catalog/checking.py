"""A feed looked through without indexing it: what would be rejected, and what could be better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from shopsearch.catalog.base import CatalogFeed
from shopsearch.catalog.remarks import Remark, Remarks
from shopsearch.catalog.seen import Seen
from shopsearch.catalog.watch import ColumnUse, ColumnWatch
from shopsearch.domain import FeedRow, Product, Rejection, RemovalRow
from shopsearch.errors import PictureRejected

LookAt = Callable[[str], tuple[int, int]]  # at a picture: its size in px, or `PictureRejected`
Tell = Callable[[int, int], None]  # how many records were read, and how many were at fault
_TELL_EVERY = 200
_SMALL_PX = 100
_ADDRESS = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class FeedCheck:
    """What a feed would become. Each record read is valid, removed, or at fault."""

    read: int
    valid: int
    removed: int  # records that take a product out
    faults: tuple[Rejection, ...]
    remarks: tuple[Remark, ...]
    columns: tuple[ColumnUse, ...]


def check_feed(
    feed: CatalogFeed,
    watch: ColumnWatch,
    *,
    look_at: LookAt | None = None,
    tell: Tell | None = None,
) -> FeedCheck:
    """Read a feed to its end. With `look_at`, its local pictures too.

    `watch` is the one that the feed was opened with. Memory grows with the faults alone. Raises
    `CatalogError` where the feed cannot be read.
    """
    faults: list[Rejection] = []
    read = removed = 0
    with _Checker(look_at) as checker:
        for record in feed:
            read += 1
            if isinstance(record, Rejection):
                faults.append(record)
            elif isinstance(record, RemovalRow):
                removed += 1
            elif (fault := checker.fault(record)) is not None:
                faults.append(fault)
            if tell is not None and read % _TELL_EVERY == 0:
                tell(read, len(faults))
        remarks = checker.remarks.all()
    valid = read - removed - len(faults)
    return FeedCheck(read, valid, removed, tuple(faults), remarks, watch.columns())


class _Checker:
    """Checks what one record alone does not tell."""

    def __init__(self, look_at: LookAt | None) -> None:
        self.remarks = Remarks()
        self._look_at = look_at
        self._ids = Seen()
        self._contents = Seen()

    def __enter__(self) -> _Checker:
        return self

    def __exit__(self, *_: object) -> None:
        self._ids.close()
        self._contents.close()

    def fault(self, row: FeedRow) -> Rejection | None:
        """Why a product would be rejected all the same."""
        product = row.product
        product_id = product.product_id
        if (first := self._ids.first(product_id, row.row)) is not None:
            reason = (
                f"the id {product_id!r} came earlier in this feed, in row {first:,}; ids must be "
                f"unique: remove or rename one of the two"
            )
            return Rejection(row.row, product_id, reason, "id", value=product_id)
        try:
            self._look_at_pictures(product)
        except PictureRejected as error:
            value = product.images[0]
            return Rejection(row.row, product_id, str(error), "image_link", value=value)
        self.remarks.note(product)
        if (first := self._contents.first(_content(product), row.row)) is not None:
            self.remarks.add("copies", f"{product_id} (row {row.row:,}, as row {first:,})")
        return None

    def _look_at_pictures(self, product: Product) -> None:
        """The first one has to be sound; the others are only shown."""
        if self._look_at is None:
            return
        for n, place in enumerate(product.images):
            if place.startswith(_ADDRESS):
                self.remarks.add("addresses", place)
                continue
            try:
                size = self._look_at(place)
            except PictureRejected as error:
                if n == 0:
                    raise
                self.remarks.add("further_pictures", str(error))
                continue
            if max(size) < _SMALL_PX:
                self.remarks.add("small_pictures", f"{place} ({size[0]} x {size[1]})")


def _content(product: Product) -> str:
    """All that a shopper sees."""
    bare = replace(product, product_id="", link="", gtin="", item_group_id="", attributes={})
    return repr((bare, sorted(product.attributes.items())))
