"""Pictures that are missing, tiny, or the same for many products.

Working copies are never larger than the picture they were made of, and smaller only where that was
beyond 512 px. So a copy below 512 px has the true size, which is all that has to be known here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.snapshot import CatalogSnapshot

TINY_PX = 200  # longest side below which a picture is too small for a page of its own
MIN_SHARING = 3  # different products (no variants) that have one and the same picture

NAME = "pictures"


class PictureFault(StrEnum):
    """What is wrong with a picture, the gravest first."""

    MISSING = "missing"  # the feed names none
    UNREADABLE = "unreadable"  # its working copy is gone or damaged
    SHARED = "shared"  # by several products: a placeholder, or one photo for all
    TINY = "tiny"


@dataclass(frozen=True, slots=True)
class PoorPicture:
    """A product with such a picture. Sizes in pixels, 0 where they are not known."""

    product_id: str
    title: str
    fault: PictureFault
    width_px: int
    height_px: int
    n_sharing: int  # products that have this picture
    image_hash: str

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return (self.product_id,)


def poor_pictures(snapshot: CatalogSnapshot) -> Section:
    """Every product without a good picture; each is named once, for its gravest fault."""
    sharing = _sharing(snapshot)
    found = []
    for place, product in enumerate(snapshot.products):
        shown = snapshot.image_hashes[place]
        members, n_groups = sharing.get(shown, (1, 1)) if shown else (0, 0)
        if fault := _fault(snapshot, place, n_groups):
            width, height = snapshot.sizes[place] or (0, 0)
            found.append(
                PoorPicture(
                    product.product_id, product.title, fault, width, height, members, shown or ""
                )
            )
    order = list(PictureFault)
    found.sort(key=lambda one: (order.index(one.fault), -one.n_sharing, one.image_hash))
    return Section(
        name=NAME,
        title="Missing, tiny and shared pictures",
        n_checked=len(snapshot),
        findings=found,
        columns=columns_of(PoorPicture),
        counts={str(fault): sum(one.fault is fault for one in found) for fault in PictureFault},
    )


def _sharing(snapshot: CatalogSnapshot) -> dict[str | None, tuple[int, int]]:
    """Of each picture, how many products have it, and how many that are no variants."""
    groups: dict[str | None, list[int]] = defaultdict(list)
    for shown, group in zip(snapshot.image_hashes, snapshot.groups.tolist(), strict=True):
        groups[shown].append(group)
    return {shown: (len(having), len(set(having))) for shown, having in groups.items()}


def _fault(snapshot: CatalogSnapshot, place: int, n_groups: int) -> PictureFault | None:
    if snapshot.image_hashes[place] is None:
        return PictureFault.MISSING
    size = snapshot.sizes[place]
    if size is None:
        return PictureFault.UNREADABLE
    if n_groups >= MIN_SHARING:
        return PictureFault.SHARED
    return PictureFault.TINY if max(size) < TINY_PX else None
