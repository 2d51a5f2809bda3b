"""Pictures against the store: a sound working copy for each product, and nothing that is of none.

A working copy is a JPEG made from the shop's picture, so the hash that it is filed under is not its
own, and JPEG has no checksum. What can be told from the copy alone: that it decodes to its end, is
no larger than copies are, and has no more than one picture's bytes. What a flipped bit has merely
turned grey is found by `source_check.py`, where the sources are at hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from shopsearch.errors import PictureRejected
from shopsearch.preprocessing.images import WORKING_LONGEST_SIDE_PX, load_working_copy
from shopsearch.store import StoreUpkeep
from shopsearch.upkeep.faults import REPAIR, Count, Cure, Fault, Faults, Severity
from shopsearch.upkeep.picture_folder import (
    FETCHED,
    SHARDS,
    Shard,
    is_older,
    read_fetched,
    read_shard,
)

SETTLED_S = 3600.0  # a younger file may belong to a product that is being indexed
_END_OF_JPEG = b"\xff\xd9"
_THREADS = 4
BombError = Image.DecompressionBombError


def picture_faults(
    images: Path, store: StoreUpkeep, count: Count, *, settled_s: float = SETTLED_S
) -> Faults:
    """Missing and damaged working copies, damaged thumbnails, and files of no product.

    A file of no product counts only when it is `settled_s` old; 0 where nobody is indexing.
    """
    wanted = _ByShard(store.pictures())
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="verify") as pool:
        for name in SHARDS:
            products, shard = wanted.take(name), read_shard(images, name)
            for content_hash, product_id in products.items():
                if content_hash not in shard.copies:
                    yield _missing(content_hash, product_id, images)
            used = [(one, shard.copies[one]) for one in products if one in shard.copies]
            for (one, path), what in zip(
                used, pool.map(_damage, (p for _, p in used)), strict=True
            ):
                if what:
                    yield _damaged(path, products[one], what)
            thumbnails = [path for one in products for path in shard.thumbnails.get(one, ())]
            for path, what in zip(thumbnails, pool.map(_thumbnail_damage, thumbnails), strict=True):
                if what:
                    yield _removable(path, what, Severity.FAULT)
            yield from _orphans(shard, frozenset(products), settled_s)
            count.add(len(products))


def fetched_faults(
    images: Path, store: StoreUpkeep, count: Count, *, settled_s: float = SETTLED_S
) -> Faults:
    """Fetched pictures whose address no product has any more. Takes 8 bytes a product."""
    if not (images / FETCHED).is_dir():
        return
    known = _addresses(store)
    for name in SHARDS:
        shard = read_fetched(images, name)
        count.add(len(shard.fetched))
        for address, path in shard.fetched.items():
            place = np.searchsorted(known, _prefix(address))
            if place == len(known) or known[place] != _prefix(address):
                yield from _orphan(path, "no product has a picture of this address", settled_s)
        yield from _strangers(shard)


def name_of_fetched(address: str) -> str:
    """What the picture of an address is kept under."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()


def copy_damage(path: Path) -> str | None:
    """Why a working copy is none any more; None where nothing can be told against it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"it cannot be decoded ({_reason(error)})"
    return content_damage(content)


def content_damage(content: bytes) -> str | None:
    """The same of the bytes of a working copy."""
    try:
        picture = load_working_copy(content)
    except (PictureRejected, OSError, SyntaxError, ValueError, BombError) as error:
        return f"it cannot be decoded ({_reason(error)})"
    if not content.endswith(_END_OF_JPEG):
        return "it does not end as a JPEG does"
    if max(picture.size) > WORKING_LONGEST_SIDE_PX:
        return f"it has {picture.size[0]} x {picture.size[1]} pixels, more than a working copy has"
    return None


class _ByShard:
    """Hashes that come in ascending order, taken shard by shard."""

    def __init__(self, pictures: Iterator[tuple[str, str]]) -> None:
        self._pictures = pictures
        self._next = next(pictures, None)

    def take(self, shard: str) -> dict[str, str]:
        """The products of the hashes that begin so; what sorts before them is no hash at all."""
        taken: dict[str, str] = {}
        while self._next is not None and self._next[0][:2] <= shard:
            taken[self._next[0]] = self._next[1]
            self._next = next(self._pictures, None)
        return taken


def _damage(path: Path) -> str | None:
    return copy_damage(path)


def _thumbnail_damage(path: Path) -> str | None:
    try:
        with Image.open(path, formats=["WEBP"]) as picture:
            picture.load()
    except FileNotFoundError:
        return None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return f"it cannot be decoded ({_reason(error)})"
    return None


def _missing(content_hash: str, product_id: str, images: Path) -> Fault:
    return Fault(
        subject=f"product {product_id!r}",
        what=f"the working copy {content_hash[:16]}... of its picture is missing",
        remedy=f"{REPAIR} makes it again from the picture's source, where that is still there",
        cure=Cure.REMAKE,
        product_id=product_id,
        path=images / content_hash[:2] / f"{content_hash}.jpg",
    )


def _damaged(path: Path, product_id: str, what: str) -> Fault:
    return Fault(
        subject=str(path),
        what=f"the working copy of product {product_id!r} is damaged: {what}",
        remedy=f"{REPAIR} makes it again from the picture's source, where that is still there",
        cure=Cure.REMAKE,
        product_id=product_id,
        path=path,
    )


def _orphans(shard: Shard, used: frozenset[str], settled_s: float) -> Faults:
    for content_hash, path in shard.copies.items():
        if content_hash not in used:
            yield from _orphan(path, "no product has this picture", settled_s)
    for content_hash, paths in shard.thumbnails.items():
        if content_hash not in used:
            for path in paths:
                yield from _orphan(path, "no product has this picture", settled_s)
    yield from _strangers(shard)


def _strangers(shard: Shard) -> Faults:
    for path in shard.half_written:
        yield from _orphan(path, "it was being written when a process was killed", SETTLED_S)
    for path in shard.unknown:
        yield Fault(
            subject=str(path),
            what="shopsearch has not written this file",
            remedy="move it elsewhere",
            severity=Severity.NOTE,
        )


def _orphan(path: Path, what: str, settled_s: float) -> Faults:
    if is_older(path, settled_s):
        yield _removable(path, what, Severity.NOTE)


def _removable(path: Path, what: str, severity: Severity) -> Fault:
    return Fault(
        subject=str(path),
        what=what,
        remedy=f"{REPAIR} deletes it",
        cure=Cure.REMOVE,
        severity=severity,
        path=path,
    )


def _addresses(store: StoreUpkeep) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """(N,) the first 8 bytes of what the pictures' addresses are kept under, ascending."""
    prefixes = [
        np.array([_prefix(name_of_fetched(address)) for address in addresses], dtype=np.uint64)
        for batch in store.products()
        if (addresses := [a for one in batch for a in one.product.images if _is_address(a)])
    ]
    return np.unique(np.concatenate([np.empty(0, np.uint64), *prefixes]))


def _is_address(place: str) -> bool:
    return place.startswith(("http://", "https://"))


def _prefix(name: str) -> np.uint64:
    return np.uint64(int(name[:16], 16))


def _reason(error: BaseException) -> str:
    return " ".join(str(error.__cause__ or error).split())[:200]
