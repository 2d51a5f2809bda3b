"""The pictures' sources against the hashes that they were indexed under, and copies against them.

Slow: every source is read, and every working copy made again to compare.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from shopsearch.domain import StoredProduct
from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.images import working_copy
from shopsearch.preprocessing.pictures import PictureLibrary, hash_content
from shopsearch.store import StoreUpkeep
from shopsearch.upkeep.faults import REPAIR, Count, Cure, Fault, Faults, Severity
from shopsearch.upkeep.picture_check import name_of_fetched
from shopsearch.upkeep.picture_folder import FETCHED

# another version of a codec rounds otherwise; a flipped bit spoils a block of 16 x 16 at least
ROUNDING = 32  # of 255 steps
SPOILT = 0.0005  # as a part of all pixels


def source_faults(
    images: Path, library: PictureLibrary, store: StoreUpkeep, max_pixels: int, count: Count
) -> Faults:
    """Fetched pictures that are damaged, copies that show something else, sources that changed."""
    for batch in store.products():
        for stored in batch:
            for place, kept in stored.record.kept_pictures:
                count.add()
                yield from _of_picture(stored, (place, kept), images, library, max_pixels)


def _of_picture(
    stored: StoredProduct,
    picture: tuple[str, str],
    images: Path,
    library: PictureLibrary,
    max_pixels: int,
) -> Faults:
    place, expected = picture
    is_fetched = place.startswith(("http://", "https://"))
    name = name_of_fetched(place)
    path = images / FETCHED / name[:2] / name if is_fetched else Path(place)
    try:
        content = path.read_bytes()
    except (OSError, ValueError):
        if not is_fetched:
            yield _note(stored, f"the source {place} of its picture cannot be read")
        return
    if hash_content(content) != expected:
        if is_fetched:
            yield Fault(
                subject=str(path),
                what=f"it is not what was fetched from {place} for {stored.product.product_id!r}",
                remedy=f"{REPAIR} deletes it; the next `shopsearch index` fetches it again",
                cure=Cure.REMOVE,
                path=path,
            )
        else:
            yield _note(stored, f"the source {place} of its picture has changed since")
        return
    copy = library.path(expected)
    if copy is not None:
        yield from _of_copy(copy, stored, content, max_pixels)


def _of_copy(copy: Path, stored: StoredProduct, source: bytes, max_pixels: int) -> Faults:
    """The same source and the same codec give the same bytes. Where only the bytes differ, that is
    another version of the codec, or a flipped bit that hardly shows: either way it can be remade.
    """
    try:
        fresh = working_copy(source, max_pixels=max_pixels)
    except PictureRejected:
        return  # the source itself cannot be judged any more
    kept = copy.read_bytes()
    if kept == fresh:
        return
    looks_alike = _look_alike(kept, fresh)
    what = (
        "looks like its source, but was not made of it by this version"
        if looks_alike
        else ("does not show its source")
    )
    yield Fault(
        subject=str(copy),
        what=f"the working copy of product {stored.product.product_id!r} {what}",
        remedy=f"{REPAIR} --sources makes it again",
        cure=Cure.REMAKE,
        severity=Severity.NOTE if looks_alike else Severity.FAULT,
        product_id=stored.product.product_id,
        path=copy,
    )


def _look_alike(kept: bytes, fresh: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(kept), formats=["JPEG"]) as one:
            pixels = np.asarray(one.convert("RGB"), dtype=np.int16)
    except (OSError, SyntaxError, ValueError):
        return False
    with Image.open(io.BytesIO(fresh), formats=["JPEG"]) as other:
        expected = np.asarray(other.convert("RGB"), dtype=np.int16)
    same_shape = pixels.shape == expected.shape
    return same_shape and float((np.abs(pixels - expected) > ROUNDING).mean()) <= SPOILT


def _note(stored: StoredProduct, what: str) -> Fault:
    return Fault(
        subject=f"product {stored.product.product_id!r}",
        what=what,
        remedy="`shopsearch index FEED` takes up what has changed; put back what is gone",
        severity=Severity.NOTE,
    )
